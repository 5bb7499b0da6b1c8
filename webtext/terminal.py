"""How results look on a terminal: tables, facts, numbers that may be missing."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Result = dict[str, Any]

console = Console(highlight=False, soft_wrap=True)


def print_facts(title: str, facts: Result) -> None:
    table = new_table(title, "", "", header=False)
    for key, value in facts.items():
        table.add_row(
            key.replace("_", " "), escape(known(value) if isinstance(value, int | float) else str(value))
        )
    console.print(table)


def known(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def size(size_bytes: float) -> str:
    """In decimal units, as precise as an estimate is."""
    for unit, bytes_ in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= bytes_:
            return f"{size_bytes / bytes_:.3g} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"


def new_table(title: str, *columns: str, header: bool = True) -> Table:
    """Columns whose name starts with ">" are numbers, set to the right."""
    table = Table(
        title=escape(title) or None, title_justify="left", box=None, show_header=header, pad_edge=False
    )
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table
