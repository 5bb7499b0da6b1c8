"""What the person at the terminal sees: bars with rate, ETA and drop counts; without a terminal a line now
and then. Everything goes to stderr; results alone go to stdout.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from webtext.engine import Report

LINE_EVERY_S = 10.0


class Progress:
    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    def note(self, line: str) -> None:
        self.console.print(line, markup=False)

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Report]:
        """Yields the function to call with what was done: (rows, {reason: count})."""
        tally = _Tally(name, total)
        if not self.console.is_terminal:
            yield lambda rows, dropped: self._line(tally.add(rows, dropped))
            self.note(tally.line())
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[drops]}", style="dim"),
        )
        with Bars(*columns, console=self.console, disable=self.console.quiet) as bars:
            shown = bars.add_task(name, total=total or None, rate="", drops="")

            def update(rows: int, dropped: dict[str, int]) -> None:
                tally.add(rows, dropped)
                bars.update(shown, completed=tally.rows, rate=tally.rate(), drops=tally.drops())

            yield update

    def _line(self, tally: "_Tally") -> None:
        if time.monotonic() - tally.shown > LINE_EVERY_S:
            tally.shown = time.monotonic()
            self.note(tally.line())


class _Tally:
    def __init__(self, name: str, total: int) -> None:
        self.name, self.total, self.rows = name, total, 0
        self.dropped: dict[str, int] = {}
        self.started = self.shown = time.monotonic()

    def add(self, rows: int, dropped: dict[str, int]) -> "_Tally":
        self.rows += rows
        for reason, count in dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count
        return self

    def per_second(self) -> float:
        return self.rows / max(time.monotonic() - self.started, 1e-6)

    def rate(self) -> str:
        return f"{self.per_second():,.0f}/s"

    def drops(self) -> str:
        most = sorted(self.dropped.items(), key=lambda item: -item[1])[:5]
        return ", ".join(f"{reason} {count:,}" for reason, count in most)

    def line(self) -> str:
        left = self.total - self.rows
        eta = f", {left / self.per_second():,.0f} s left" if self.rows and left > 0 else ""
        of = f" of {self.total:,}" if self.total else ""
        drops = f" ({self.drops()})" if self.dropped else ""
        return f"{self.name}: {self.rows:,}{of}, {self.rate()}{eta}{drops}"
