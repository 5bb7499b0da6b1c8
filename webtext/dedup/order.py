"""Which of several copies stays: the keep order, and the first of equal texts in it.

A document's key is three unsigned integers that sort as documents are kept: earliest `first_posted`, then
highest `karma`, then smallest `id`; unknown dates and karma come last. Its *rank* is its place in that
order, so that from there on "earlier" is "smaller".
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ranks = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]
Ids = npt.NDArray[np.uint64]
KeepKeys = npt.NDArray[np.uint64]  # documents × (date, karma, id)
TextHashes = npt.NDArray[np.uint64]  # documents × the two halves of 16 bytes

LATEST, LEAST = np.iinfo(np.int64).max, np.iinfo(np.int64).min
SIGN = np.uint64(1 << 63)


def keep_keys(table: pa.Table) -> KeepKeys:
    """The key of each row of (id, first_posted, karma)."""
    posted = _integers(table["first_posted"].cast(pa.int64()), LATEST)
    karma = ~_integers(table["karma"], LEAST)  # falls as karma rises, without overflow
    return np.stack([_unsigned(posted), _unsigned(karma), ids_of(table["id"])], axis=1)


def keep_order(keys: KeepKeys) -> Rows:
    """The rows in keep order."""
    return np.lexsort((keys[:, 2], keys[:, 1], keys[:, 0]))


def boundaries(sample: KeepKeys, ranges: int) -> KeepKeys:
    """Keys that cut the order into so many ranges of about equal size, judged by a sample of it."""
    ordered = sample[keep_order(sample)]
    return ordered[np.arange(1, ranges) * len(ordered) // ranges]


def range_of(keys: KeepKeys, bounds: KeepKeys) -> npt.NDArray[np.intp]:
    """Which of the ranges each key lies in."""
    number = np.zeros(len(keys), np.intp)
    for bound in bounds:
        number += ~_before(keys, bound)
    return number


def copies(hashes: TextHashes, ranks: Ranks) -> tuple[Rows, Ranks]:
    """The rows whose hash an earlier document has too, and the rank of the first such."""
    order = np.lexsort((ranks, hashes[:, 0], hashes[:, 1]))
    ordered = hashes[order]
    new = np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1)))[: len(hashes)]
    starts = np.flatnonzero(new)
    firsts = ranks[order[np.repeat(starts, np.diff(starts, append=len(hashes)))]]
    return order[~new], firsts[~new]


def ids_of(column: pa.ChunkedArray) -> Ids:
    """Ids of 16 hex digits as integers, which sort alike."""
    return _numbers(column, lambda ids: np.frombuffer(bytes.fromhex("".join(ids)), ">u8"))


def hex_of(ids: Ids) -> list[str]:
    """The ids as 16 hex digits each, the inverse of `ids_of`."""
    digits = ids.astype(">u8").tobytes().hex()
    return [digits[begin : begin + 16] for begin in range(0, len(digits), 16)]


def halves(hashes: pa.ChunkedArray) -> TextHashes:
    """16-byte hashes as rows of two integers."""
    return _numbers(hashes, lambda values: np.frombuffer(b"".join(values), "<u8")).reshape(-1, 2)


def _before(keys: KeepKeys, bound: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    before: npt.NDArray[np.bool_] = keys[:, 2] < bound[2]
    for column in (1, 0):
        before = (keys[:, column] < bound[column]) | ((keys[:, column] == bound[column]) & before)
    return before


def _unsigned(values: Rows) -> Ids:
    """Unsigned integers that sort alike."""
    return values.view(np.uint64) ^ SIGN


def _numbers(column: pa.ChunkedArray, convert: Callable[[list[Any]], npt.NDArray[Any]]) -> Ids:
    # chunk by chunk: Python objects for all rows at once would be the largest thing in memory
    parts = [convert(chunk.to_pylist()) for chunk in column.chunks]
    return np.concatenate([np.empty(0, np.uint64), *parts]).astype(np.uint64)


def _integers(column: pa.ChunkedArray, unknown: int) -> Rows:
    return np.array(column.fill_null(unknown).to_numpy(), np.int64)
