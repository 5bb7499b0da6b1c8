"""What the person at the terminal sees: bars with rate, ETA and drop counts; without a terminal a line now
and then. Everything goes to stderr; results alone go to stdout.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from webtext import files, store
from webtext.tally import Tally
from webtext.terminal import Console

LINE_EVERY_S = 10.0
KEEP_EVERY_S = 5.0
FIELDS = ("rate", "left", "drops", "waits")  # of a bar, each a method of the tally


class Bar:
    """The function to call with what was done since the last call: (rows, {reason: count}, waits)."""

    def __init__(self, tally: Tally, show: Callable[[], None], kept: Path | None) -> None:
        self.tally, self._show, self._kept, self._kept_at = tally, show, kept, 0.0

    def __call__(self, rows: int, dropped: dict[str, int], waits: dict[str, float] | None = None, /) -> None:
        self.tally.add(rows, dropped, waits)
        self._show()
        if self._kept and time.monotonic() - self._kept_at > KEEP_EVERY_S:
            files.write_json(self._kept, self.tally.facts())
            self._kept_at = time.monotonic()


class Progress:
    """Notes and bars on stderr; with `quiet` only warnings."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    def note(self, line: str) -> None:
        self.console.print(store.named(line), markup=False)

    def warn(self, line: str) -> None:
        """What the user must know about the result: shown with `quiet`, too."""
        was_quiet, self.console.quiet = self.console.quiet, False
        try:
            self.note(line)
        finally:
            self.console.quiet = was_quiet

    @contextmanager
    def bar(self, name: str, total: int, kept: Path | None = None) -> Iterator[Bar]:
        """A bar that is filled by calling it; a file that is to be `kept` says now and then how far it is."""
        tally = Tally(name, total)
        if not self.console.is_terminal:
            shown = time.monotonic()

            def tell() -> None:
                nonlocal shown
                if time.monotonic() - shown > LINE_EVERY_S:
                    shown = time.monotonic()
                    self.note(tally.line())

            yield Bar(tally, tell, kept)
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
            task = bars.add_task(name, total=total or None, **empty)

            def update() -> None:
                told: dict[str, Any] = {name: getattr(tally, name)() for name in FIELDS}
                bars.update(task, completed=tally.rows, **told)

            yield Bar(tally, update, kept)
