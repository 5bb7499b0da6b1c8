"""The factor on losses that keeps gradients within float16's range, as GPUs without bfloat16 compute in it.

Micikevicius et al. 2018, "Mixed precision training" (§3.2): as large as it can be, found while training. It
lives on the device, so that no step waits for it; each rank sees the same gradients, so the same factor.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from train.device import Device
from train.parallel import own_part

FIRST = 65_536.0
GROWS_AFTER = 2_000  # steps without an overflow, to twice as much; an overflow halves it


class LossScale:
    """1 for ever where the precision is another than float16."""

    def __init__(self, device: Device, saved: list[float] | None = None) -> None:
        """Goes on from an earlier `state`."""
        self._needed = device.precision == torch.float16
        factor, steps = (saved or [FIRST, 0.0]) if self._needed else (1.0, 0.0)
        self.factor = torch.tensor(factor, device=device.where)
        self._steps = torch.tensor(steps, device=device.where)  # without an overflow, since it last changed

    def on(self, loss: Tensor) -> Tensor:
        """The loss to go backward from."""
        return loss * self.factor if self._needed else loss

    def off(self, parameters: Iterable[nn.Parameter]) -> None:
        """Takes the factor out of the gradients."""
        if self._needed:
            gradients = [own_part(one.grad) for one in parameters if one.grad is not None]
            torch._foreach_mul_(gradients, self.factor.reciprocal())

    def adapt(self, norm: Tensor) -> None:
        """Halves the factor, down to 1, after a step whose gradient is no number, which is never applied."""
        if self._needed:
            fits = torch.isfinite(norm)
            steps = torch.where(fits, self._steps + 1, 0)
            grows = steps >= GROWS_AFTER
            self.factor = torch.where(fits, self.factor * (1 + grows.float()), (self.factor / 2).clamp(min=1))
            self._steps = torch.where(grows, 0, steps)

    def state(self) -> list[float] | None:
        """[factor, steps since it changed]; None where there is none. Waits for the device."""
        return [self.factor.item(), self._steps.item()] if self._needed else None
