"""A section of the report: a function that measures (tables → numbers), one that shows (numbers → blocks)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webtext.audit.blocks import Block
from webtext.audit.source import Source

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """`name` is its key in report.json and its anchor on the page.

    `needs` are the tables without which there is nothing to measure; `measure` returns JSON values
    (None: they are made elsewhere, of more than tables); `view` gets just those, so that no number is on the
    page alone. `charts` are the names of all its figures.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    measure: Callable[[Source], Numbers] | None
    view: Callable[[Numbers], list[Block]]
    charts: tuple[str, ...] = ()
