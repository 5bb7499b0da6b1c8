"""How an evaluation shows itself while it runs: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from train.evals.scoring import Told
from train.progress import LINE_EVERY_S


class Progress:
    """Shows nothing. The others override what they show."""

    @contextmanager
    def task(self, name: str) -> Iterator[Told]:
        """While a task of this name runs; the function given is told how much of it is done."""
        del name
        yield lambda _done, _total: None


class Lines(Progress):
    """A line on stderr every LINE_EVERY_S seconds, and one when a task is done."""

    @contextmanager
    def task(self, name: str) -> Iterator[Told]:
        began = shown = time.monotonic()

        def told(done: int, total: int) -> None:
            nonlocal shown
            if time.monotonic() - shown >= LINE_EVERY_S:
                shown = time.monotonic()
                print(f"{name}: {done:,}/{total:,}", file=sys.stderr, flush=True)

        yield told
        print(f"{name}: done in {time.monotonic() - began:,.1f} s", file=sys.stderr, flush=True)


class Live(Progress):
    """A bar on the terminal with the time left."""

    @contextmanager
    def task(self, name: str) -> Iterator[Told]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}", markup=False),  # a file's name may hold brackets
            *(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()),
        )
        with Bar(*columns, console=Console(stderr=True)) as bar:
            shown = bar.add_task(name, total=None)
            yield lambda done, total: bar.update(shown, completed=done, total=total)


def for_terminal(quiet: bool = False) -> Progress:
    """The view that fits stderr."""
    if quiet:
        return Progress()
    return Live() if sys.stderr.isatty() else Lines()
