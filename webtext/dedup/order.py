"""Which of several copies stays: the keep order, and the groups of equal texts in it.

Documents are rows of arrays here. A *rank* is a distinct text's place in the keep order, so that from here
on "earlier" is "smaller". It takes some 170 bytes of memory a document, the most of all steps.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ranks = npt.NDArray[np.uint32]
Ids = npt.NDArray[np.uint64]

LAST = np.iinfo(np.int64).max


def ids_of(column: pa.ChunkedArray) -> Ids:
    """Ids of 16 hex digits as integers, which sort alike."""
    return _numbers(column, lambda ids: np.frombuffer(bytes.fromhex("".join(ids)), ">u8"))


def hex_of(ids: Ids) -> list[str]:
    digits = ids.astype(">u8").tobytes().hex()
    return [digits[begin : begin + 16] for begin in range(0, len(digits), 16)]


def keep_order(table: pa.Table) -> npt.NDArray[np.int64]:
    """The rows in keep order: earliest `first_posted`, then highest `karma`, then smallest `id`; unknown
    dates and karma come last."""
    posted = _integers(table["first_posted"].cast(pa.int64()), LAST)
    karma = _integers(table["karma"], np.iinfo(np.int64).min)
    return np.lexsort((ids_of(table["id"]), ~karma, posted))  # ~karma falls as karma rises, without overflow


def rank(order: npt.NDArray[np.int64], hashes: pa.ChunkedArray | None) -> tuple[Ranks, Ranks]:
    """(first, ranks): the row of each rank, and the rank of each row's text. Rows with equal hashes share
    the rank of the first of them in keep order; without hashes each row has its own."""
    groups = np.arange(len(order)) if hashes is None else _first_equal(_halves(hashes)[order])
    distinct = groups == np.arange(len(order))
    rank_at = np.cumsum(distinct) - 1
    ranks = np.empty(len(order), np.uint32)
    ranks[order] = rank_at[groups]
    return order[distinct].astype(np.uint32), ranks


def _first_equal(keys: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """For each key the place of the first equal one."""
    order = np.lexsort((keys[:, 0], keys[:, 1]))  # stable: equal keys stay in their order
    ordered = keys[order]
    new = np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1)))[: len(keys)]
    starts = np.flatnonzero(new)
    firsts = np.empty(len(keys), np.int64)
    firsts[order] = np.repeat(order[starts], np.diff(starts, append=len(keys)))
    return firsts


def _halves(hashes: pa.ChunkedArray) -> Ids:
    """16-byte hashes as rows of two integers."""
    return _numbers(hashes, lambda values: np.frombuffer(b"".join(values), "<u8")).reshape(-1, 2)


def _numbers(column: pa.ChunkedArray, convert: Callable[[list[Any]], npt.NDArray[Any]]) -> Ids:
    # chunk by chunk: Python objects for all documents at once would be the largest thing in memory
    parts = [convert(chunk.to_pylist()) for chunk in column.chunks]
    return np.concatenate([np.empty(0, np.uint64), *parts]).astype(np.uint64)


def _integers(column: pa.ChunkedArray, unknown: int) -> npt.NDArray[np.int64]:
    return np.asarray(column.fill_null(unknown).to_numpy(), np.int64)
