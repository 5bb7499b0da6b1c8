"""What the steps between signatures and clusters share: their argument, the rows they count by, and how they
are run. Each leaves arrays in a scratch folder; an array that exists is done, so that a killed run goes on
where it stopped.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.arrays import Arrays
from webtext.corpus import Corpus
from webtext.dedup.order import Ranks
from webtext.engine import Engine, Task
from webtext.manifest import Part
from webtext.progress import Progress
from webtext.sections import Dedup
from webtext.table import Table

SIGNATURES = "clusters/signatures"
# How many documents one task reads together: few, for many workers to share, but in no more than some groups.
FEWEST_GROUP_DOCUMENTS, MOST_GROUP_DOCUMENTS = 5_000, 200_000
GROUPS = 2_000


@dataclass(frozen=True)
class Item:
    """A step's argument: which corpus, where its arrays lie, and which piece of the step it is."""

    root: Path
    scratch: Path  # named after all that its arrays depend on
    settings: Dedup
    number: int = 0
    band: int = 0

    @property
    def arrays(self) -> Arrays:
        return Arrays(self.scratch)

    def pieces(self, count: int) -> list["Item"]:
        return [replace(self, number=number) for number in range(count)]


@dataclass(frozen=True)
class Signed:
    """The signatures table. A document's *row* is its place in it, counted over all partitions. Neighbouring
    partitions make a *group*: thousands of small files would cost more than what is in them."""

    table: Table
    parts: tuple[Part, ...]
    starts: tuple[int, ...]  # the row at which each partition begins; at the end, how many there are
    groups: tuple[range, ...]  # of partitions

    @property
    def documents(self) -> int:
        return self.starts[-1]

    @cached_property
    def group_starts(self) -> tuple[int, ...]:
        return tuple(self.starts[group.start] for group in self.groups)

    def rows(self, group: int) -> range:
        partitions = self.groups[group]
        return range(self.starts[partitions.start], self.starts[partitions.stop])

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        parts = [self.parts[partition] for partition in self.groups[group]]
        return pa.concat_tables(self.table.read(part.file, list(columns)) for part in parts)

    def group(self, row: int) -> int:
        return bisect_right(self.group_starts, row) - 1

    def partition(self, row: int) -> int:
        return bisect_right(self.starts, row) - 1


def signed(item: Item) -> Signed:
    """The signatures table that a step works on."""
    return _signed(item.root, item.scratch)


def ranks_of(item: Item, rows: range) -> tuple[Ranks, npt.NDArray[np.bool_]]:
    """The rank of the text of each row, and whether the row is its text's first."""
    ranks = item.arrays.load("rank")[rows.start : rows.stop]
    return ranks, item.arrays.load("row")[ranks] == np.arange(rows.start, rows.stop)


def shares(documents: int, at_once: int) -> int:
    """How many tasks it takes for so many documents, at most `at_once` each."""
    return max(1, -(-documents // at_once))


def run(engine: Engine, steps: Sequence[tuple[Task, Sequence[Item]]], progress: Progress, name: str) -> None:
    """One map after the other, under one bar."""
    with progress.bar(f"clusters/{name}", sum(len(items) for _, items in steps)) as report:
        for task, items in steps:
            for _ in engine.map(task, items, report):
                report(1, {})


@lru_cache(1)  # a manifest of thousands of partitions is read once a process, not once a task
def _signed(root: Path, _: Path) -> Signed:
    table = Corpus(root).table(SIGNATURES)
    manifest = table.published()
    starts = (0, *accumulate(part.rows for part in manifest.partitions))
    return Signed(table, manifest.partitions, starts, _groups(starts))


def _groups(starts: Sequence[int]) -> tuple[range, ...]:
    """Each as small as it can be with as many documents as it should have; the last one may have fewer."""
    at_least = min(max(starts[-1] // GROUPS, FEWEST_GROUP_DOCUMENTS), MOST_GROUP_DOCUMENTS)
    begins = [0]
    for partition in range(1, len(starts) - 1):
        if starts[partition] - starts[begins[-1]] >= at_least:
            begins.append(partition)
    return tuple(range(begin, end) for begin, end in pairwise([*begins, len(starts) - 1]))
