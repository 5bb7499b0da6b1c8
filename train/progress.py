"""How a training shows itself while it runs: a live line on a terminal, else a line now and then."""

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from train.rundir import Row

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LINE_EVERY_S = 10.0


class Progress:
    """Shows nothing. The others override what they show."""

    def preparing(self, what: str) -> None:
        """What is done now, before the run starts, takes a while."""

    def begin(self, about: str, step: int, steps: int) -> None:
        """The run starts, or goes on, after `step` of `steps`; `about` says what it is."""

    def stepped(self, row: Row) -> None:
        """The newest step's row of the log."""

    def spiked(self, row: Row) -> None:
        """The row of a step whose loss stands out, or is no number."""

    def evaluating(self, done: int, windows: int) -> None:
        """So many of an evaluation's windows are done; the first of a compiled model take a while."""

    def evaluated(self, row: Row) -> None:
        """An evaluation's row of the log."""

    def saved(self, step: int) -> None:
        """A checkpoint of `step` is on the disk."""

    def saves_in_vain(self) -> bool:
        """Whether what is done with a saved checkpoint fails just now, so that nobody should wait for it."""
        return False

    def end(self) -> None:
        """The run ends, whichever way."""


class Lines(Progress):
    """A line on stderr every LINE_EVERY_S seconds and for every evaluation."""

    def preparing(self, what: str) -> None:
        _say(what)

    def begin(self, about: str, step: int, steps: int) -> None:
        self._steps, self._shown = steps, time.monotonic()
        _say(about + (f"; going on after step {step:,}" if step else ""))

    def stepped(self, row: Row) -> None:
        if self._is_due() or row["step"] == self._steps:
            self._shown = time.monotonic()
            _say(f"step {row['step']:,}/{self._steps:,}  {_figures(row)}")

    def spiked(self, row: Row) -> None:
        _say(_spike(row))

    def evaluating(self, done: int, windows: int) -> None:
        if self._is_due():
            self._shown = time.monotonic()
            _say(f"evaluating: {done:,} of {windows:,} windows")

    def evaluated(self, row: Row) -> None:
        _say(_evaluation(row))

    def _is_due(self) -> bool:
        return time.monotonic() - self._shown >= LINE_EVERY_S


class Live(Progress):
    """A bar on the terminal with loss, rate and time left; evaluations scroll past above it."""

    def preparing(self, what: str) -> None:
        _say(what)

    def begin(self, about: str, step: int, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar: Bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True, markup=False, emoji=False),  # settings may hold brackets and colons
        )
        self._bar.console.print(about + (f"; going on after step {step:,}" if step else ""))
        self._task = self._bar.add_task("training", total=steps, completed=step, figures="")
        self._evaluation = self._bar.add_task("evaluating", visible=False, figures="")
        self._bar.start()

    def stepped(self, row: Row) -> None:
        self._bar.update(self._task, completed=row["step"], figures=_figures(row))

    def spiked(self, row: Row) -> None:
        self._bar.console.print(_spike(row), style="red", highlight=False)

    def evaluating(self, done: int, windows: int) -> None:
        if done == 0:
            self._bar.reset(self._evaluation, total=windows, visible=True)
        self._bar.update(self._evaluation, completed=done)

    def evaluated(self, row: Row) -> None:
        self._bar.update(self._evaluation, visible=False)
        self._bar.console.print(_evaluation(row), highlight=False)

    def saved(self, step: int) -> None:
        self._bar.console.print(f"step {step:,}: checkpoint", style="dim", highlight=False)

    def end(self) -> None:
        if hasattr(self, "_bar"):
            self._bar.stop()


def for_terminal(quiet: bool = False) -> Progress:
    """The view that fits stderr."""
    if quiet:
        return Progress()
    return Live() if sys.stderr.isatty() else Lines()


def line_by_line(quiet: bool = False) -> Callable[[str], None]:
    """Shows lines on the leading rank's stderr."""
    shown = not quiet and os.environ.get("RANK", "0") == "0"
    return _say if shown else lambda _line: None


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _figures(row: Row) -> str:
    mfu = "" if row["mfu"] is None else f"  MFU {row['mfu']:.1%}"
    return f"loss {_loss(row)}  lr {row['lr']:.1e}  {row['tokens_per_s']:,.0f} tokens/s{mfu}"


def _loss(row: Row) -> str:
    return "no number" if row["loss"] is None else f"{row['loss']:.3f}"


def _spike(row: Row) -> str:
    z = row["spike_z"]
    if row["loss"] is not None and row["grad_norm"] is None:
        why = ", gradient norm no number"
    else:
        why = "" if row["loss"] is None or z is None else f", {z:.1f} deviations above the last ones"
    return f"step {row['step']:,}: loss {_loss(row)}{why}{'; skipped' if row['skipped'] else ''}"


def _evaluation(row: Row) -> str:
    if row["val_loss"] is None:
        return f"step {row['step']:,}: no validation loss"
    bits = row["val_bits_per_byte"]
    shown = "" if bits is None else f", {bits:.3f} bits per byte"
    return f"step {row['step']:,}: validation loss {row['val_loss']:.3f}{shown}"
