"""What the steps between signatures and clusters share: their argument, the rows they count by, and how they
are run. Each leaves arrays in a scratch folder; an array that exists is done, so that a killed run goes on
where it stopped.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.arrays import Arrays
from webtext.corpus import Corpus, Part, Table
from webtext.dedup.order import Ranks, Rows
from webtext.engine import Engine, Task
from webtext.progress import Progress
from webtext.sections import Dedup

SIGNATURES = "clusters/signatures"


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
    """The signatures table. A document's *row* is its place in it, counted over all partitions."""

    table: Table
    parts: tuple[Part, ...]
    starts: tuple[int, ...]  # the row at which each partition begins; at the end, how many there are

    @property
    def documents(self) -> int:
        return self.starts[-1]

    def rows(self, partition: int) -> Rows:
        return np.arange(self.starts[partition], self.starts[partition + 1])

    def partition(self, row: int) -> int:
        return bisect_right(self.starts, row) - 1


def signed(item: Item) -> Signed:
    return _signed(item.root, item.scratch)


def ranks_of(item: Item, partition: int) -> tuple[Ranks, npt.NDArray[np.bool_]]:
    """The rank of the text of each row of a signatures partition, and whether the row is its text's first."""
    of = signed(item)
    ranks = item.arrays.load("rank")[of.starts[partition] : of.starts[partition + 1]]
    return ranks, item.arrays.load("row")[ranks] == of.rows(partition)


def shares(documents: int, at_once: int) -> int:
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
    manifest = table.manifest()
    assert manifest is not None
    starts = [0]
    for part in manifest.partitions:
        starts.append(starts[-1] + part.rows)
    return Signed(table, manifest.partitions, tuple(starts))
