"""Which split and which shard a document belongs to: seeded hashes of ids, so that the answer depends on
neither the order of the corpus nor on what else is in it.

The split is decided by the cluster, the place by the document. A kept document's id is its cluster's, so
both can be told from a cluster's id alone.
"""

import heapq
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import xxhash

from webtext.sections import Shards

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
BY_HASH = (VALIDATION, TEST, TRAIN)  # as they follow each other along the range of the split hash
HASHES = 1 << 64
EDGE = 2  # documents next to a cut: as many as can change sides
MB = 1 << 20  # bytes of text, as `shards.target_mb` counts them
FEWEST = 32  # documents a shard must be able to expect, so that chance leaves no file empty


def split_hash(cluster: str, seed: int) -> int:
    """Where a cluster lies in [0, 2^64): validation first, then test, then train."""
    return xxhash.xxh3_64_intdigest(f"split:{cluster}".encode(), seed=seed % HASHES)


def order_key(id: str, seed: int) -> int:
    """A document's place in the shuffled order of its split, in [0, 2^64)."""
    return xxhash.xxh3_64_intdigest(f"order:{id}".encode(), seed=seed % HASHES)


class Edge(NamedTuple):
    """A document that is near a cut."""

    hash: int
    bytes: int


@dataclass(frozen=True)
class Region:
    """What lies between two cuts: how much, and the documents next to either cut."""

    documents: int = 0
    bytes: int = 0
    low: tuple[Edge, ...] = ()
    high: tuple[Edge, ...] = ()

    def __add__(self, other: "Region") -> "Region":
        return Region(
            self.documents + other.documents,
            self.bytes + other.bytes,
            tuple(heapq.nsmallest(EDGE, self.low + other.low)),
            tuple(heapq.nlargest(EDGE, self.high + other.high)),
        )


Census = tuple[Region, Region, Region]  # in the order of BY_HASH
NOBODY: Census = (Region(), Region(), Region())


def cuts(recipe: Shards) -> tuple[int, int]:
    """Where validation ends and where test ends, by the recipe's fractions."""
    return int(recipe.validation * HASHES), int((recipe.validation + recipe.test) * HASHES)


def count(documents: Iterable[tuple[str, int]], recipe: Shards) -> Census:
    """The census of (id, UTF-8 bytes of the text); censuses of several partitions add up."""
    ends = cuts(recipe)
    regions: tuple[list[Edge], list[Edge], list[Edge]] = ([], [], [])
    for id, size in documents:
        hash = split_hash(id, recipe.seed)
        regions[(hash >= ends[0]) + (hash >= ends[1])].append(Edge(hash, size))
    validation, test, train = (_region(edges) for edges in regions)
    return validation, test, train


def add(a: Census, b: Census) -> Census:
    """The census of two parts of a corpus together."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _region(edges: Sequence[Edge]) -> Region:
    low, high = heapq.nsmallest(EDGE, edges), heapq.nlargest(EDGE, edges)
    return Region(len(edges), sum(edge.bytes for edge in edges), tuple(low), tuple(high))


class Shard(NamedTuple):
    """One file of a split."""

    split: str
    number: int
    of: int

    @property
    def parquet(self) -> str:
        return f"{self.split}-{self.number:05d}-of-{self.of:05d}.parquet"

    @property
    def bin(self) -> str:
        return f"{self.split}-{self.number:05d}.bin"


@dataclass(frozen=True)
class Layout:
    """The files of a corpus and the way from an id to its file."""

    seed: int
    ends: tuple[int, int]  # the split hashes at which validation and test end
    documents: dict[str, int]  # by split
    bytes: dict[str, int]  # by split: UTF-8 bytes of the texts
    files: dict[str, int]  # by split

    @cached_property
    def _first(self) -> dict[str, int]:
        """By split: the place of its first shard in `shards()`."""
        train, validation = self.files[TRAIN], self.files[VALIDATION]
        return {TRAIN: 0, VALIDATION: train, TEST: train + validation}

    def shards(self) -> list[Shard]:
        return [Shard(split, n, self.files[split]) for split in SPLITS for n in range(self.files[split])]

    def expected(self, shard: Shard) -> int:
        """About how many documents a shard has; the sum over a split is exact."""
        documents = self.documents[shard.split]
        return documents * (shard.number + 1) // shard.of - documents * shard.number // shard.of

    def split(self, cluster: str) -> str:
        hash = split_hash(cluster, self.seed)
        return BY_HASH[(hash >= self.ends[0]) + (hash >= self.ends[1])]

    def place(self, id: str) -> tuple[int, int]:
        """A kept document's shard, as its place in `shards()`, and its order key."""
        split, key = self.split(id), order_key(id, self.seed)
        return self._first[split] + (key * self.files[split] >> 64), key


def settle(census: Census, recipe: Shards) -> Layout:
    """The layout for a whole corpus' census.

    A small corpus may by chance have nothing in a split. From three documents on, train and every split
    with a positive fraction get at least one: the cut moves just past the document that lies next to it.
    Fewer documents are all train's.
    """
    edges = sorted({edge for region in census for edge in region.low + region.high})
    fractions = cuts(recipe)
    before = tuple(bisect_left(edges, (cut,)) for cut in fractions)
    after = _populated(before[0], before[1], len(edges), recipe) if len(edges) >= 3 else (0, 0)
    validation_end, test_end = map(partial(_cut, edges), before, after, fractions)
    documents = dict(zip(BY_HASH, (region.documents for region in census), strict=True))
    sizes = dict(zip(BY_HASH, (region.bytes for region in census), strict=True))
    for old, new, edge in _movers(edges, before, after):
        documents[old] -= 1
        documents[new] += 1
        sizes[old] -= edge.bytes
        sizes[new] += edge.bytes
    files = {split: _files(documents[split], sizes[split], recipe.target_mb) for split in SPLITS}
    return Layout(recipe.seed, (validation_end, test_end), _ordered(documents), _ordered(sizes), files)


def _populated(validation_end: int, test_end: int, total: int, recipe: Shards) -> tuple[int, int]:
    """The ends, as numbers of documents, with nobody left out; train, the largest, gives and takes first."""
    validation, test = int(recipe.validation > 0), int(recipe.test > 0)
    validation_end = max(validation_end, validation)
    test_end = min(max(test_end, validation_end + test), total - 1)
    return min(validation_end, test_end - test), test_end


def _cut(edges: Sequence[Edge], old: int, new: int, fraction: int) -> int:
    """The hash at a cut that moved along the edges; between those there may be documents that did not."""
    if new > old:
        return edges[new - 1].hash + 1
    return edges[new].hash if new < old else fraction


def _movers(
    edges: Sequence[Edge], before: Sequence[int], after: Sequence[int]
) -> Iterator[tuple[str, str, Edge]]:
    """The edges that change sides: (old split, new split, edge)."""
    for n, edge in enumerate(edges):
        old, new = (BY_HASH[(n >= ends[0]) + (n >= ends[1])] for ends in (before, after))
        if old != new:
            yield old, new, edge


def _files(documents: int, size: int, target_mb: float) -> int:
    wanted = math.ceil(size / (target_mb * MB))
    return max(1, min(wanted, documents // FEWEST)) if documents else 0


def _ordered(by_split: dict[str, int]) -> dict[str, int]:
    return {split: by_split[split] for split in SPLITS}
