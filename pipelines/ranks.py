"""The keep order of all documents, and who shares a text: `row` of each rank, `rank` and `id` of each row.

A group's keys are written out, cut into ranges of the keep order, each range is sorted by itself, and
the places are joined. Texts are grouped by a share of their hashes at a time. Memory is bounded by the
constants below; arrays of all documents, of 4 or 8 bytes each, are mapped files.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.scratch import Item, run, shares, signed
from webtext.dedup.order import boundaries, copies, halves, keep_keys, keep_order, range_of
from webtext.engine import Engine, Report
from webtext.progress import Progress

SORT_DOCUMENTS = 2_000_000  # whose keys, or text hashes, are sorted at once
SAMPLE_DOCUMENTS = 100_000  # by whose keys the ranges are cut
HALF = np.uint64(32)


def rank_all(engine: Engine, item: Item, progress: Progress) -> None:
    """Leaves `id`, `row`, and `rank`: of documents with equal texts, all have the first one's."""
    if item.arrays.has("rank"):
        return
    of = signed(item)
    sorts = item.pieces(shares(of.documents, SORT_DOCUMENTS))
    steps = [
        (write_keys, item.pieces(len(of.groups))),
        (write_bounds, [item]),
        (write_order, sorts),
        (write_places, [item]),
        (write_copies, sorts if item.settings.methods else []),
        (write_rank, [item]),
    ]
    run(engine, steps, progress, "ranks")
    item.arrays.remove("ranking-*")


def write_keys(item: Item, _: Report) -> None:
    """The keep keys and the text hashes of a group's rows."""
    arrays, of = item.arrays, signed(item)
    if not arrays.has(_name("hash", item.number)):
        columns = ["id", "first_posted", "karma", "text_hash"]
        rows = of.read(item.number, columns)
        arrays.save(_name("key", item.number), keep_keys(rows))
        arrays.save(_name("hash", item.number), halves(rows["text_hash"]))


def write_bounds(item: Item, _: Report) -> None:
    """The keys that cut the keep order into ranges, judged by an even sample of all documents."""
    of = signed(item)
    every = max(1, of.documents // SAMPLE_DOCUMENTS)
    sample = [keys[-rows[0] % every :: every] for rows, keys in _columns(item, "key") if len(rows)]
    ranges = shares(of.documents, SORT_DOCUMENTS)
    item.arrays.save(_name("bounds"), boundaries(_joined(sample, (0, 3)), ranges))


def write_order(item: Item, _: Report) -> None:
    """The rows of one range, in keep order."""
    name = _name("order", item.number)
    if item.arrays.has(name):
        return
    bounds = item.arrays.load(_name("bounds"))
    rows, keys = _chosen(item, "key", 3, lambda keys: range_of(keys, bounds))
    item.arrays.save(name, rows[keep_order(keys)])


def write_places(item: Item, _: Report) -> None:
    """`row` of each place in the keep order, `ranking-place` and `id` of each row."""
    arrays, documents = item.arrays, signed(item).documents
    with (
        arrays.filling("id", documents, np.uint64) as ids,
        arrays.filling("row", documents, np.uint32) as row,
        arrays.filling(_name("place"), documents, np.uint32) as place,
    ):
        for rows, keys in _columns(item, "key"):
            ids[rows] = keys[:, 2]
        end = 0
        for number in range(shares(documents, SORT_DOCUMENTS)):
            rows = arrays.load(_name("order", number))
            begin, end = end, end + len(rows)
            row[begin:end] = rows
            place[rows] = np.arange(begin, end, dtype=np.uint32)


def write_copies(item: Item, _: Report) -> None:
    """Of one share of the text hashes: rows that repeat a text, and the place of its first document."""
    name = _name("copies", item.number)
    if item.arrays.has(name):
        return
    of = shares(signed(item).documents, SORT_DOCUMENTS)
    rows, hashes = _chosen(item, "hash", 2, lambda hashes: share_of(hashes[:, 1], of))
    repeating, firsts = copies(hashes, item.arrays.load(_name("place"))[rows])
    item.arrays.save(name, np.stack([rows[repeating], firsts]).astype(np.uint32))


def write_rank(item: Item, _: Report) -> None:
    """Each document's place in the keep order, or that of the first one with its text."""
    arrays, documents = item.arrays, signed(item).documents
    with arrays.filling("rank", documents, np.uint32) as rank:
        rank[:] = arrays.load(_name("place"))
        for number in range(shares(documents, SORT_DOCUMENTS) if item.settings.methods else 0):
            rows, firsts = arrays.load(_name("copies", number))
            rank[rows] = firsts


def share_of(hashes: npt.NDArray[np.uint64], of: int) -> npt.NDArray[Any]:
    """Which of `of` equal ranges each hash lies in."""
    return (hashes >> HALF) * np.uint64(of) >> HALF


def share_limits(number: int, of: int) -> tuple[np.uint64, np.uint64]:
    """The least and the greatest hash of one of these ranges."""
    begin, end = (-(-(each << 32) // of) << 32 for each in (number, number + 1))
    return np.uint64(begin), np.uint64(end - 1)


def _chosen(
    item: Item, what: str, width: int, number_of: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """The rows that `number_of` counts to this piece, with what was written of them."""
    rows, values = [np.empty(0, np.int64)], []
    for mine, column in _columns(item, what):
        chosen = number_of(column) == item.number
        rows.append(mine[chosen])
        values.append(column[chosen])
    return np.concatenate(rows), _joined(values, (0, width))


def _columns(item: Item, what: str) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
    """Of each group its rows and what `write_keys` left of them."""
    of = signed(item)
    for group in range(len(of.groups)):
        rows = of.rows(group)
        yield np.arange(rows.start, rows.stop), item.arrays.load(_name(what, group))


def _joined(values: list[npt.NDArray[Any]], empty: tuple[int, int]) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(empty, np.uint64), *values])


def _name(what: str, number: int | None = None) -> str:
    return f"ranking-{what}" if number is None else f"ranking-{what}-{number:05d}"
