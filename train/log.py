"""A run's log as its report needs it: some numbers of each step, read on from where it was read last."""

import contextlib
from array import array
from pathlib import Path

from train import rundir
from train.rundir import Row


class Log:
    """The losses and rates of the steps, and the evaluations. Of a step 24 bytes are held, and no row is read
    twice: a training of a million steps brings its report up to date at each checkpoint."""

    def __init__(self, run: Path) -> None:
        self._path, self._end = run / rundir.LOG, 0
        self._steps, self._losses = array("q"), array("d")  # of those whose loss is a number
        self.tokens_per_s = array("d")
        self.ms = 0.0  # of all steps together
        self.evaluations: list[Row] = []

    def read_on(self) -> "Log":
        """Reads what has been written since."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._end)
            for row in rundir.rows_of(file):
                self._add(row)
            self._end = file.tell()
        return self

    def losses(self) -> list[tuple[int, float]]:
        """(step, loss) of each step whose loss is a number."""
        return list(zip(self._steps, self._losses, strict=True))

    def last_losses(self, count: int) -> list[float]:
        return self._losses[-count:].tolist()

    def _add(self, row: Row) -> None:
        if "val_loss" in row:
            self.evaluations.append(row)
            return
        self.tokens_per_s.append(row["tokens_per_s"])
        self.ms += row["ms"]
        if row.get("loss") is not None:
            self._steps.append(row["step"])
            self._losses.append(row["loss"])
