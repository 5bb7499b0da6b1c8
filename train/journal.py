"""log.jsonl as it is written: measurements stay on the device until a look at them is due."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from train import files
from train.device import Device
from train.errors import RunFailed
from train.ranks import Ranks
from train.rundir import LOG, Row, rows


class Journal:
    """A row for every step and every evaluation, in order; written by the leading rank.

    Between two flushes no step waits for the device; a row's time is the mean of the steps it was
    flushed with, without evaluations and checkpoints.
    """

    def __init__(
        self, run: Path, step: int, tokens_per_step: int, flops_per_token: float, device: Device, ranks: Ranks
    ) -> None:
        """Goes on after `step`: rows of later steps, and a torn last line, are dropped from the log."""
        self._tokens_per_step, self._flops_per_token = tokens_per_step, flops_per_token
        self._device, self._ranks = device, ranks
        self._pending: list[tuple[float, Tensor]] = []
        self._file: TextIO | None = None
        if ranks.leads:
            kept = "".join(json.dumps(row) + "\n" for row in rows(run) if row["step"] <= step)
            files.write(run / LOG, kept)
            self._file = (run / LOG).open("a", encoding="utf-8")
        self.restart_clock()

    def restart_clock(self) -> None:
        """What happened since the last flush is not part of a step's time."""
        self._since = time.perf_counter()

    def add(self, lr: float, measured: Tensor) -> None:
        """Takes a step's learning rate and, still on the device, (loss, gradient norm)."""
        self._pending.append((lr, measured))

    def flush(self, step: int) -> list[Row]:
        """Writes the rows of the steps up to `step` and returns them. Raises RunFailed if a loss or a norm
        is not a number; those rows are not written."""
        if not self._pending:
            return []
        stacked = self._ranks.total(torch.stack([measured for _, measured in self._pending]))
        values = (stacked / self._ranks.size).tolist()  # waits for the device
        seconds = (time.perf_counter() - self._since) / len(values)
        first = step - len(values) + 1
        found = [
            self._row(first + at, lr, loss, norm, seconds)
            for at, ((lr, _), (loss, norm)) in enumerate(zip(self._pending, values, strict=True))
        ]
        self._pending.clear()
        for row in found:
            if not math.isfinite(row["loss"] + row["grad_norm"]):
                raise RunFailed(
                    f"step {row['step']} has loss {row['loss']} and gradient norm {row['grad_norm']}; "
                    "the last checkpoint is good, but start another run with a lower train.lr"
                )
        self._write(found)
        self.restart_clock()
        return found

    def evaluated(self, step: int, val_loss: float | None, val_bits_per_byte: float | None) -> Row:
        """Writes an evaluation's row and returns it."""
        row = {"step": step, "val_loss": val_loss, "val_bits_per_byte": val_bits_per_byte}
        self._write([row])
        self.restart_clock()
        return row

    def sync(self) -> None:
        """Returns when all rows are on the disk: before the checkpoint that they lead to."""
        if self._file:
            files.sync(Path(self._file.name))

    def close(self) -> None:
        """Ends the log."""
        if self._file:
            self._file.close()

    def _row(self, step: int, lr: float, loss: float, grad_norm: float, seconds: float) -> Row:
        tokens_per_s = self._tokens_per_step / seconds
        peak = self._device.peak_flops()
        mfu = self._flops_per_token * tokens_per_s / (peak * self._ranks.size) if peak else None
        return {
            "step": step,
            "tokens": step * self._tokens_per_step,
            "loss": loss,
            "grad_norm": grad_norm,
            "lr": lr,
            "ms": round(seconds * 1000, 3),
            "tokens_per_s": round(tokens_per_s, 1),
            "mfu": None if mfu is None else round(mfu, 4),
            "memory_gb": round(self._device.memory_gb(), 3),
        }

    def _write(self, found: Sequence[Row]) -> None:
        if self._file:
            self._file.writelines(json.dumps(row) + "\n" for row in found)
            self._file.flush()
