"""The log's rows as TensorBoard's event files, in RUN/tensorboard, where that package is installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train.errors import TrainError
from train.rundir import Row


class Board:
    """Every number of a row is a scalar of its name."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, found: Sequence[Row]) -> None:
        """Takes rows of the log."""
        for row in found:
            for name, value in row.items():
                if name != "step" and isinstance(value, int | float):
                    self._writer.add_scalar(name, value, row["step"])

    def close(self) -> None:
        """Writes what is left."""
        self._writer.close()


def require(asked: str) -> None:
    """Raises TrainError where asked is "on" and TensorBoard is not installed."""
    if asked == "on" and _writer() is None:
        raise TrainError("train.tensorboard = 'on' needs: pip install tensorboard")


def open_board(run: Path, step: int, asked: str) -> Board | None:
    """Goes on after `step`, or None: asked is "off", or TensorBoard is not installed."""
    writer = None if asked == "off" else _writer()
    return Board(writer(run / "tensorboard", purge_step=step + 1)) if writer else None


def _writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter
