"""How results look on a terminal: tables, facts, numbers that may be missing."""

import os
from collections.abc import Iterator
from typing import Any, cast

from rich.console import Console as AnyConsole
from rich.console import ConsoleOptions, JustifyMethod, RenderResult
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from webtext.unseen import visible

Result = dict[str, Any]

UNBOUNDED = 1_000_000  # characters a line; a pipe and a file have no width


class Console(AnyConsole):
    """A console on which no text acts: of what strangers wrote the controls are written out, and `:zap:` is
    no name of a picture."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options | {"emoji": False})


console = Console(highlight=False, soft_wrap=True)
if not console.is_terminal and "COLUMNS" not in os.environ:
    console.width = UNBOUNDED


class Unpadded(Table):
    """A table whose lines end where their text does."""

    def __rich_console__(self, console: AnyConsole, options: ConsoleOptions) -> RenderResult:
        drawn = cast(Iterator[Segment], super().__rich_console__(console, options))
        for line in Segment.split_lines(drawn):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
            yield from (*line, Segment.line())


def print_facts(title: str, facts: Result) -> None:
    table = new_table(title, "", "", header=False)
    for key, value in facts.items():
        plain = value is None or isinstance(value, int | float)
        table.add_row(key.replace("_", " "), escape(known(value) if plain else str(value)))
    console.print(table)


def known(value: float | None) -> str:
    """A number as people read it; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def size(size_bytes: float) -> str:
    """In decimal units, as precise as an estimate is."""
    for unit, bytes_ in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= bytes_:
            count = size_bytes / bytes_
            return f"{count:,.0f} {unit}" if count >= 100 else f"{count:.3g} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"


def new_table(title: str, *columns: str, header: bool = True) -> Table:
    """Columns whose name starts with ">" are numbers, set to the right."""
    table = Unpadded(
        title=escape(title) or None, title_justify="left", box=None, show_header=header, pad_edge=False
    )
    for column in columns:
        justify: JustifyMethod = "right" if column.startswith(">") else "left"
        table.add_column(column.removeprefix(">"), justify=justify, overflow="fold")
    return table
