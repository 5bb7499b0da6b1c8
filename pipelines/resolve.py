"""The last step before clusters: who is dropped in favour of whom, and what there is to say about it."""

import heapq
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines import edges
from pipelines.scratch import Item, signed
from webtext.corpus import Corpus
from webtext.dedup.order import Ranks, hex_of
from webtext.dedup.resolve import Clusters
from webtext.engine import Report

EDGES_AT_ONCE = 250_000
RANKS_AT_ONCE = 1_000_000
LARGEST = 10  # clusters that are named


def resolve(item: Item, report: Report) -> dict[str, Any]:
    """Leaves `keeper` and `similarity` of each rank; returns the summary, as JSON. Goes through the edges
    in keep order, some at a time; beside them there are mapped arrays of 4 and 8 bytes a document."""
    arrays, documents = item.arrays, signed(item).documents
    with (
        arrays.filling("keeper", documents, np.uint32) as keeper,
        arrays.filling("similarity", documents, np.float64) as similarity,
    ):
        found = Clusters(keeper, similarity)
        found.begin()
        table = Corpus(item.root).table(edges.TABLE)
        manifest = table.manifest()
        for part in manifest.partitions if manifest else ():
            rows = table.read(part.file, ["rank_a", "rank_b", "similarity"])
            for begin in range(0, rows.num_rows, EDGES_AT_ONCE):
                some = rows.slice(begin, EDGES_AT_ONCE)
                found.add(*(some[name].to_numpy() for name in some.column_names))
                report(some.num_rows, {})
    return _summary(item)


def ids_at(item: Item, ranks: Ranks) -> list[str]:
    """The ids of the documents at these ranks."""
    return hex_of(item.arrays.load("id")[item.arrays.load("row")[ranks]])


def _summary(item: Item) -> dict[str, Any]:
    """Clusters by size, in steps of powers of two, and the largest with their kept documents' URLs."""
    with item.arrays.filling("size", signed(item).documents, np.uint32) as size:
        _count(item, size)
        by_size: Counter[int] = Counter()
        largest: list[tuple[int, int]] = []  # (documents, -rank): of equal ones the earliest
        for begin in range(0, len(size), RANKS_AT_ONCE):
            some = size[begin : begin + RANKS_AT_ONCE]
            ranks = np.flatnonzero(some > 1)
            by_size.update(
                dict(zip(*(c.tolist() for c in np.unique(some[ranks], return_counts=True)), strict=True))
            )
            sizes = zip(some[ranks].tolist(), (-ranks - begin).tolist(), strict=True)
            largest = heapq.nlargest(LARGEST, [*largest, *sizes])
    return {
        "clusters": by_size.total(),
        "sizes": _steps(by_size),
        "largest": [{"documents": count} | _named(item, -negative) for count, negative in largest],
    }


def _count(item: Item, size: npt.NDArray[np.uint32]) -> None:
    rank, keeper = item.arrays.load("rank"), item.arrays.load("keeper")
    for begin in range(0, len(rank), RANKS_AT_ONCE):
        kept, documents = np.unique(keeper[rank[begin : begin + RANKS_AT_ONCE]], return_counts=True)
        size[kept] += documents.astype(np.uint32)


def _steps(by_size: Counter[int]) -> list[dict[str, int]]:
    steps: dict[int, dict[str, int]] = {}
    for size, count in sorted(by_size.items()):
        low = size if size < 4 else 1 << (size.bit_length() - 1)
        high = size if size < 4 else 2 * low - 1
        step = steps.setdefault(low, {"from": low, "to": high, "clusters": 0, "documents": 0})
        step["clusters"] += count
        step["documents"] += size * count
    return list(steps.values())


def _named(item: Item, rank: int) -> dict[str, str | None]:
    of = signed(item)
    (id,) = ids_at(item, np.array([rank], np.uint32))
    part = of.parts[of.partition(int(item.arrays.load("row")[rank]))]
    links = Corpus(item.root).table("links").read(part.file, ["id", "url"])
    place = links["id"].index(id).as_py()
    return {"id": id, "url": links["url"][place].as_py()}
