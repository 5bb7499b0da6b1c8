"""Histograms on a log scale, as `tally.histogram` counts them, for eye and ear."""

from collections.abc import Mapping, Sequence
from typing import Any

from webtext.audit.blocks import heading, numeric, table
from webtext.audit.charts import Column
from webtext.audit.figures import compact, number
from webtext.audit.markup import Markup

FEW = 7  # columns that have room for their ranges below them

Buckets = Sequence[Mapping[str, Any]]


def as_columns(layers: Mapping[str, Buckets], unit: str) -> list[Column]:
    """A column per bucket that any layer has, the layers stacked; a tick at each
    power of ten, or at each column of a few."""
    rows = _rows(layers)
    few = len(rows) <= FEW
    return [
        Column(f"{(span := _range(start, below))} {unit}", counts, span if few else _tick(start))
        for start, below, counts in rows
    ]


def as_table(caption: str, layers: Mapping[str, Buckets], unit: str) -> Markup:
    """The same buckets as a table, a column per layer."""
    headings = [heading(unit.capitalize()), *(numeric(layer.capitalize()) for layer in layers)]
    rows = [
        (_range(start, below), *(number(count) for count in counts)) for start, below, counts in _rows(layers)
    ]
    return table(caption, headings, rows)


def _rows(layers: Mapping[str, Buckets]) -> list[tuple[int | None, int, tuple[int, ...]]]:
    starts = {bucket["below"]: bucket["from"] for buckets in layers.values() for bucket in buckets}
    counts = [{bucket["below"]: bucket["count"] for bucket in buckets} for buckets in layers.values()]
    return [(starts[below], below, tuple(c.get(below, 0) for c in counts)) for below in sorted(starts)]


def _range(start: int | None, below: int) -> str:
    if start is None:
        return "below 1"
    return f"{start:,}" if start == below - 1 else f"{start:,}–{below - 1:,}"


def _tick(start: int | None) -> str:
    if start is None:
        return "<1"
    return compact(start) if str(start).strip("0") == "1" else ""
