"""Counting over batches: memory grows with the distinct keys alone, never with the rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.figures import share

COMPACT_ROWS = 1_000_000  # of partial sums, held before they are added up
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)


def count(batches: Iterable[pa.RecordBatch], *columns: str) -> list[Counter[Any]]:
    """How often each value occurs, a counter per column; null is counted as None."""
    counters: list[Counter[Any]] = [Counter() for _ in columns]
    for batch in batches:
        for counter, column in zip(counters, columns, strict=True):
            add_values(counter, batch.column(column))
    return counters


def add_values(counter: Counter[Any], values: pa.Array) -> None:
    """Counts the values of an array; null is counted as None."""
    for entry in pc.value_counts(values).to_pylist():
        counter[entry["values"]] += entry["counts"]


def add_all(counters: dict[Any, Counter[Any]], more: Mapping[Any, Counter[Any]]) -> None:
    """Adds each counter to the one of the same name."""
    for name, counter in more.items():
        counters.setdefault(name, Counter()).update(counter)


class Sums:
    """Sums of columns by a key column: `add` tables of the key and int64 columns, then take `table`."""

    def __init__(self, key: str, columns: Sequence[str]) -> None:
        self.key, self.columns = key, list(columns)
        schema = pa.schema([(key, pa.string()), *((name, pa.int64()) for name in columns)])
        self._held = [schema.empty_table()]
        self._rows = 0

    def add(self, rows: pa.Table) -> None:
        grouped = self._grouped(rows)
        self._held.append(grouped)
        self._rows += grouped.num_rows
        if self._rows > max(COMPACT_ROWS, 2 * self._held[0].num_rows):
            self._held = [self.table()]
            self._rows = 0

    def table(self) -> pa.Table:
        """A row per key."""
        return self._grouped(pa.concat_tables(self._held))

    def _grouped(self, rows: pa.Table) -> pa.Table:
        sums = [(name, "sum") for name in self.columns]
        # One thread: the order of the groups, and so every tie, is that of the rows.
        grouped = rows.group_by(self.key, use_threads=False).aggregate(sums)
        names = [self.key, *self.columns]
        return pa.table([grouped.column(0), *(grouped.column(f"{n}_sum") for n in self.columns)], names=names)


def summed(key: str, columns: Sequence[str], tables: Iterable[pa.Table]) -> pa.Table:
    """A row per key of all the tables."""
    sums = Sums(key, columns)
    for rows in tables:
        sums.add(rows)
    return sums.table()


def ones(length: int) -> pa.Array:
    """An int64 1 for each of so many rows."""
    return pa.repeat(pa.scalar(1, pa.int64()), length)


def flags(mask: pa.Array) -> pa.Array:
    """1 where the mask is true, 0 where it is false or null."""
    return pc.fill_null(mask, False).cast(pa.int64())


def ranking(counter: Mapping[Any, int], top: int | None = None, name: str = "value") -> list[dict[str, Any]]:
    """The most frequent values first (ties by value), each with its share of all."""
    total = sum(counter.values())
    order = sorted(counter.items(), key=lambda item: (-item[1], item[0] is None, str(item[0])))
    return [{name: value, "count": count, "share": share(count, total)} for value, count in order[:top]]


def distribution(counter: Mapping[Any, int]) -> dict[str, Any]:
    """Percentiles (nearest rank, exact), mean, total and a histogram on a log scale; None is left out."""
    known = sorted((value, count) for value, count in counter.items() if value is not None)
    rows = sum(count for _, count in known)
    if not rows:
        return {"count": 0}
    total = sum(value * count for value, count in known)
    summary = {"count": rows, "sum": total, "mean": round(total / rows, 2)}
    ends = {"min": known[0][0], "max": known[-1][0]}
    return summary | ends | {"percentiles": _percentiles(known, rows), "histogram": histogram(dict(known))}


def histogram(counter: Mapping[int, int]) -> list[dict[str, Any]]:
    """Buckets from ≤ value < below, five to a decade, without gaps; `from` null means below 1."""
    buckets: Counter[int] = Counter()
    for value, count in counter.items():
        buckets[_bucket(value)] += count
    if not buckets:
        return []
    return [
        {"from": None if step < 0 else _edge(step), "below": _edge(step + 1), "count": buckets[step]}
        for step in range(min(buckets), max(buckets) + 1)
    ]


def _edge(step: int) -> int:
    return round(10 ** (step / 5))


def _bucket(value: int) -> int:
    """The number of the bucket that holds the value; −1 for everything below 1."""
    step = 0
    while value >= _edge(step):
        step += 1
    return step - 1


def _percentiles(known: list[tuple[int, int]], rows: int) -> dict[str, int]:
    found: dict[str, int] = {}
    seen, left = 0, list(PERCENTILES)
    for value, count in known:
        seen += count
        while left and seen * 100 >= left[0] * rows:
            found[f"p{left.pop(0)}"] = value
    return found
