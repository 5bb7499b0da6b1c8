"""One submission id seen again: the later retrieval wins, whatever became of it.

For this every row with an id leaves a key, also one that no rule lets pass: a post that was popular when one
dump was made, and is over 18 or below the karma in a later one, is what the later one says.

A key is three 64-bit numbers: the id's, the time of the retrieval, and the row's place, in which the source
(16 bits), the row (32), the code of its reason (8) and the bucket of its domain (8) stand one below the
other, so that places sort as sources and rows do.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xxhash

from webtext.links.posts import name

Numbers = npt.NDArray[np.int64]

SELECTED = 255  # the code of a row that no reason drops
BUCKETS = 256
KEY_BYTES = 24

_MAX_DIGITS = 12  # 36^12 < 2^63


def make_keys(
    ids: Sequence[object],
    retrieved: Sequence[int],
    codes: Sequence[int],
    buckets: Sequence[int],
    first_row: int,
) -> Numbers:
    """(n, 3): a key per row that has an id; the rows follow each other in their source."""
    numbers, rows = _id_numbers(ids)
    places = np.arange(first_row, first_row + len(ids)) << 16
    places |= np.array(codes, dtype=np.int64) << 8 | np.array(buckets, dtype=np.int64)
    keys = np.empty((len(numbers), 3), dtype=np.int64)
    keys[:, 0] = numbers
    keys[:, 1] = np.array(retrieved, dtype=np.int64)[rows]
    keys[:, 2] = places[rows]
    return keys


def with_source(keys: Numbers, source: int) -> Numbers:
    """The keys with the number of their source set."""
    keys[:, 2] += source << 48
    return keys


def source_of(places: Numbers) -> Numbers:
    return places >> 48


def row_of(places: Numbers) -> Numbers:
    return places >> 16 & 0xFFFF_FFFF


def code_of(places: Numbers) -> Numbers:
    return places >> 8 & 0xFF


def bucket_of(places: Numbers) -> Numbers:
    """The bucket of the row's domain."""
    return places & 0xFF


def id_buckets(keys: Numbers) -> npt.NDArray[np.uint8]:
    """Spreads ids evenly over BUCKETS: keys of one id meet in one bucket."""
    mixed = keys[:, 0].astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    return (mixed >> np.uint64(56)).astype(np.uint8)


def superseded(keys: Numbers) -> Numbers:
    """The places of those rows whose id has a later retrieval among the keys.

    Of two retrievals at one time the later in the order of sources and rows is the later one.
    """
    ids = np.sort(keys[:, 0])
    repeated = np.unique(ids[1:][ids[1:] == ids[:-1]])
    rivals = keys[np.isin(keys[:, 0], repeated)] if len(repeated) else keys[:0]
    rivals = rivals[np.lexsort((rivals[:, 2], rivals[:, 1], rivals[:, 0]))]
    lost = rivals[:-1, 0] == rivals[1:, 0]
    return np.array(rivals[:-1, 2][lost])


def _id_numbers(ids: Sequence[object]) -> tuple[Numbers, "Numbers | slice"]:
    """(a number per id, where the ids stand), leaving out rows without one.

    A base-36 id is the number that it writes, any other a negative hash: different ids have different
    numbers, for hashes as surely as 63 bits make it.
    """
    try:
        joined = "\n".join(ids)  # type: ignore[arg-type]
        if _are_base36(joined) and max(map(len, ids)) <= _MAX_DIGITS:  # type: ignore[arg-type]
            return np.array([int(each, 36) for each in ids], dtype=np.int64), slice(None)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        pass  # some id is missing, empty or not a string
    named = [(at, found) for at, each in enumerate(ids) if (found := name(each))]
    numbers = np.array([_number(found) for _, found in named], dtype=np.int64)
    return numbers, np.array([at for at, _ in named], dtype=np.int64)


def _are_base36(joined: str) -> bool:
    """Whether lines are base-36 numbers in their one spelling: lower case, no leading zeros."""
    digits = joined.replace("\n", "")
    return digits.isascii() and digits.isalnum() and digits == digits.lower() and "\n0" not in f"\n{joined}"


def _number(found: str) -> int:
    if _are_base36(found) and len(found) <= _MAX_DIGITS:
        return int(found, 36)
    return -(xxhash.xxh3_64_intdigest(found.encode()) >> 1) - 1
