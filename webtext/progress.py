"""What the person at the terminal sees: bars with rate, ETA and drop counts; without a terminal a line now
and then. Everything goes to stderr; results alone go to stdout.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from webtext.engine import Report

LINE_EVERY_S = 10.0
WORTH_TELLING_S = 10.0
FIELDS = ("rate", "left", "drops", "waits")  # of a bar, each a method of the tally


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

            def tell(rows: int, dropped: dict[str, int], waits: dict[str, float] | None = None, /) -> None:
                self._line(tally.add(rows, dropped, waits))

            yield tell
            self.note(tally.line())
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[drops]}", style="dim"),
            TextColumn("{task.fields[waits]}", style="dim"),
        )
        with Bars(*columns, console=self.console, disable=self.console.quiet) as bars:
            empty: dict[str, Any] = dict.fromkeys(FIELDS, "")
            shown = bars.add_task(name, total=total or None, **empty)

            def update(rows: int, dropped: dict[str, int], waits: dict[str, float] | None = None, /) -> None:
                tally.add(rows, dropped, waits)
                told: dict[str, Any] = {name: getattr(tally, name)() for name in FIELDS}
                bars.update(shown, completed=tally.rows, **told)

            yield update

    def _line(self, tally: "_Tally") -> None:
        if time.monotonic() - tally.shown > LINE_EVERY_S:
            tally.shown = time.monotonic()
            self.note(tally.line())


class _Tally:
    def __init__(self, name: str, total: int) -> None:
        self.name, self.total, self.rows = name, total, 0
        self.dropped: dict[str, int] = {}
        self.ends: dict[str, float] = {}  # when what keeps the end waiting will be done
        self.started = self.shown = time.monotonic()

    def add(self, rows: int, dropped: dict[str, int], waits: dict[str, float] | None) -> "_Tally":
        self.rows += rows
        for reason, count in dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count
        self.ends |= {name: time.monotonic() + wait_s for name, wait_s in (waits or {}).items()}
        self.ends = {name: end for name, end in self.ends.items() if end > time.monotonic()}
        return self

    def per_second(self) -> float:
        return self.rows / max(time.monotonic() - self.started, 1e-6)

    def rate(self) -> str:
        return f"{self.per_second():,.0f}/s"

    def left(self) -> str:
        """How long it will take: at the rate so far, or as long as the slowest takes."""
        rows = self.total - self.rows
        if not self.rows or rows <= 0:
            return ""
        slowest_s = max(self.ends.values(), default=0.0) - time.monotonic()
        return f"{_duration(max(rows / self.per_second(), slowest_s))} left"

    def waits(self) -> str:
        """The slowest, with the time that they take."""
        now = time.monotonic()
        most = sorted(self.ends.items(), key=lambda item: -item[1])[:3]
        told = ", ".join(
            f"{name} {_duration(end - now)}" for name, end in most if end - now >= WORTH_TELLING_S
        )
        return f"slowest: {told}" if told else ""

    def drops(self) -> str:
        most = sorted(self.dropped.items(), key=lambda item: -item[1])[:5]
        return ", ".join(f"{reason} {count:,}" for reason, count in most)

    def line(self) -> str:
        left = self.left()
        eta = f", {left}" if left else ""
        of = f" of {self.total:,}" if self.total else ""
        drops = f" ({self.drops()})" if self.dropped else ""
        waits = f"; {self.waits()}" if self.waits() else ""
        return f"{self.name}: {self.rows:,}{of}, {self.rate()}{eta}{drops}{waits}"


def _duration(seconds: float) -> str:
    """In one unit, which is precise enough for an estimate."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"
