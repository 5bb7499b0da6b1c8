"""Steps that go wrong: a loss far above the last ones, or a loss or gradient that is no number.

Judged on the device, from numbers that every rank has alike, so that no step waits and every rank, and a
resumed run, judges the same.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

from train import checkpoint
from train.errors import RunFailed
from train.rundir import Row
from train.settings import TrainSettings

HISTORY, ENOUGH = 128, 32  # a loss is compared with at most and at least so many before it
LEAST_SPREAD = 0.01  # of the mean: steadier losses count as if they varied so much
PATIENCE = 20  # skipped steps in a row that end a run

LOWER = "start another run with a lower train.lr"
RISEN = (
    "the loss may have risen for good, as where another part of the data begins: "
    "the same command with --set train.on_spike=log goes on with it"
)


class SpikeGuard:
    """Knows the latest losses and judges the next by its z-score among them."""

    def __init__(self, settings: TrainSettings, device: torch.device, losses: list[float]) -> None:
        """`losses` are those of an earlier `state`."""
        self._skips, self._limit = settings.on_spike == "skip", settings.spike_z
        empty = [math.nan] * (HISTORY - len(losses))
        self._losses = torch.tensor(empty + losses, dtype=torch.float32, device=device)  # oldest first

    def judge(self, loss: Tensor, norm: Tensor) -> tuple[Tensor, Tensor]:
        """(z-score of the loss, 1 if the step is not to be applied, else 0), both on the device."""
        known = ~self._losses.isnan()
        count = known.sum()
        mean = self._losses.nan_to_num().sum() / count.clamp(min=1)
        spread = ((self._losses - mean).nan_to_num().square().sum() / count.clamp(min=1)).sqrt()
        z = (loss - mean) / torch.maximum(spread, LEAST_SPREAD * mean.abs()).clamp(min=1e-12)
        z = torch.where((count < ENOUGH) & torch.isfinite(loss), 0.0, z)
        skipped = ~torch.isfinite(loss + norm)
        if self._skips:
            skipped = skipped | (z > self._limit)
        self._losses = torch.where(skipped, self._losses, torch.cat([self._losses[1:], loss[None]]))
        return z, skipped.float()

    def state(self) -> list[float]:
        """The losses it compares with; waits for the device."""
        return [loss for loss in self._losses.tolist() if not math.isnan(loss)]


class SpikePolicy:
    """What becomes of a run whose log shows a spike: `train.on_spike`."""

    def __init__(self, settings: TrainSettings, run: Path) -> None:
        self._on_spike, self._run, self._in_a_row = settings.on_spike, run, 0

    def look(self, found: list[Row]) -> None:
        """Raises RunFailed where the settings say so, before the step is saved."""
        for row in found:
            spiked = "spike_z" in row
            self._in_a_row = self._in_a_row + 1 if spiked and row["skipped"] else 0
            if not spiked:
                continue
            broken = row["loss"] is None or row["grad_norm"] is None
            if self._on_spike == "stop" or (broken and self._on_spike == "log"):
                raise RunFailed(f"{_what(row)}; {self._ways_on()}")
            if self._in_a_row >= PATIENCE:
                remedy = LOWER if broken else RISEN
                raise RunFailed(f"{_what(row)}, the {PATIENCE}th in a row; {remedy}")

    def _ways_on(self) -> str:
        saved = checkpoint.newest(self._run)
        if saved is None:
            return LOWER
        return f"go on from the checkpoint of step {saved.step:,} with --set train.on_spike=skip, or {LOWER}"


def _what(row: Row) -> str:
    loss, norm = (
        "that is no number" if row[key] is None else f"of {row[key]:.4g}" for key in ("loss", "grad_norm")
    )
    return f"step {row['step']:,} has a loss {loss} and a gradient norm {norm}"
