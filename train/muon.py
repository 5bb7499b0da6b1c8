"""Muon: momentum whose matrices are orthogonalised before they are applied.

Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the size of an update as in
Liu et al. 2025, "Muon is scalable for LLM training" (§2.2), so that AdamW's rate and decay fit it too.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from train.device import has_bfloat16
from train.parallel import joined, own_part, own_rows

A, B, C = 3.4445, -4.7750, 2.0315  # the quintic a·x + b·x³ + c·x⁵ that drives singular values towards 1
NEWTON_SCHULZ_STEPS = 5
MOMENTUM = 0.95
RMS = 0.2  # of an update's entries, about that of AdamW's


class Muon(torch.optim.Optimizer):
    """Groups may have `blocks`: their matrices are that many side by side, each orthogonalised alone."""

    found_inf: Tensor | None = None  # 1 on the device: leave everything as it is, as torch's fused AdamW does

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, weight_decay: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "blocks": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Applies the gradients; all matrices of one shape at a time.

        Where each rank has some of a parameter's rows, the directions are joined for that: only the whole
        matrix can be orthogonalised.
        """
        assert closure is None
        same: dict[torch.Size, list[tuple[Tensor, int, Tensor, dict[str, Any]]]] = defaultdict(list)
        for group in self.param_groups:
            for parameter in group["params"]:
                direction = joined(self._direction(parameter), parameter)
                for number, block in enumerate(direction.chunk(group["blocks"], 1)):
                    same[block.shape].append((parameter, number, block, group))
        for shape, members in same.items():
            updates = orthogonal(torch.stack([block for _, _, block, _ in members]))
            for (parameter, number, _, group), update in zip(members, updates, strict=True):
                weights = own_part(parameter).chunk(group["blocks"], 1)[number]
                rate = group["lr"] * self._applied(weights)
                weights.mul_(1 - rate * group["weight_decay"])
                weights.sub_(own_rows(update, parameter) * (rate * RMS * max(shape) ** 0.5))

    def _direction(self, parameter: Tensor) -> Tensor:
        """Nesterov's: the gradient, moved most of the way to the momentum that it has just joined. Of this
        rank's rows."""
        assert parameter.grad is not None
        momentum = own_part(self.state[parameter].setdefault("momentum", torch.zeros_like(parameter)))
        applied = self._applied(momentum)
        gradient = torch.where(applied > 0, own_part(parameter.grad), 0.0)
        momentum.lerp_(gradient, (1 - MOMENTUM) * applied)
        return gradient.lerp(momentum, MOMENTUM)

    def _applied(self, like: Tensor) -> Tensor:
        return like.new_ones(()) if self.found_inf is None else 1 - self.found_inf


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (n, rows, columns) with their singular values brought near 1 (0.7 to 1.2), in float32.

    Newton–Schulz steps, in bfloat16 on a GPU that has it: they bear its rounding.
    """
    tall = matrices.size(1) > matrices.size(2)
    x = matrices.mT if tall else matrices
    x = x.bfloat16() if x.is_cuda and has_bfloat16(x.device) else x.float()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=B, alpha=C), x, beta=A)
    return (x.mT if tall else x).float()
