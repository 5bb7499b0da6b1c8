"""log.jsonl as it is written: measurements stay on the device until a look at them is due."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from train import files, tensorboard
from train.device import Device
from train.ranks import Ranks
from train.rundir import LOG, Row, rows
from train.settings import Settings


class Journal:
    """A row for every step and every evaluation, in order; written by the leading rank.

    Between two flushes no step waits for the device; a row's time is the mean of the steps it was
    flushed with, without evaluations and checkpoints.
    """

    def __init__(
        self,
        run: Path,
        step: int,
        settings: Settings,
        flops_per_token: float,
        device: Device,
        ranks: Ranks,
    ) -> None:
        """Goes on after `step`: rows of later steps, and a torn last line, are dropped from the log."""
        self._tokens_per_step = settings.train.batch_size * settings.model.n_positions
        self._flops_per_token, self._spike_z = flops_per_token, settings.train.spike_z
        self._device, self._ranks = device, ranks
        self._pending: list[tuple[float, Tensor]] = []
        self._file: TextIO | None = None
        self._board = tensorboard.open_board(run, step, settings.train.tensorboard) if ranks.leads else None
        if ranks.leads:
            kept = "".join(json.dumps(row) + "\n" for row in rows(run) if row["step"] <= step)
            files.write(run / LOG, kept)
            self._file = (run / LOG).open("a", encoding="utf-8")
        self.restart_clock()

    def restart_clock(self) -> None:
        """What happened since the last flush is not part of a step's time."""
        self._since = time.perf_counter()

    def add(self, lr: float, measured: Tensor) -> None:
        """Takes a step's learning rate and, still on the device, (loss, gradient norm, z-score, skipped, loss
        scale)."""
        self._pending.append((lr, measured))

    def flush(self, step: int) -> list[Row]:
        """Writes the rows of the steps up to `step` and returns them."""
        if not self._pending:
            return []
        values = torch.stack([measured for _, measured in self._pending]).tolist()  # waits for the device
        seconds = (time.perf_counter() - self._since) / len(values)
        first = step - len(values) + 1
        found = [
            self._row(first + at, lr, measured, seconds)
            for at, ((lr, _), measured) in enumerate(zip(self._pending, values, strict=True))
        ]
        self._pending.clear()
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
        if self._board:
            self._board.close()

    def _row(self, step: int, lr: float, measured: list[float], seconds: float) -> Row:
        """A spike's row also has its z-score and whether its update was skipped; no number is null.

        A gradient that a lower loss scale will bring back into float16's range is skipped, and no spike.
        """
        loss, grad_norm, z = (value if math.isfinite(value) else None for value in measured[:3])
        skipped, scale = measured[3] > 0, measured[4]
        spike = {"spike_z": z, "skipped": skipped} if skipped or (z or 0) > self._spike_z else {}
        if loss is not None and grad_norm is None and scale > 1:
            spike = {"skipped": True}
        scaled = {"loss_scale": scale} if self._device.precision == torch.float16 else {}
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
            **scaled,
            **spike,
        }

    def _write(self, found: Sequence[Row]) -> None:
        if self._file:
            self._file.writelines(json.dumps(row) + "\n" for row in found)
            self._file.flush()
        if self._board:
            self._board.add(found)
