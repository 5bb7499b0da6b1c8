"""One submission id seen again: the later retrieval wins, whatever became of it.

For this every row with an id leaves a key, also one that no rule lets pass: a post that was popular when one
dump was made, and is over 18 or below the karma in a later one, is what the later one says.

A key is three 64-bit numbers: the id's, the time of the retrieval, and the row's place, in which the source
(16 bits), the row (32), the code of its reason (8) and the bucket of its domain (8) stand one below the
other, so that places sort as sources and rows do.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xxhash

from webtext.links.codes import SELECTED
from webtext.links.posts import name

Numbers = npt.NDArray[np.int64]

BUCKETS = 256
KEY_BYTES = 24

_MAX_DIGITS = 12  # 36^12 < 2^63
_BASE_36 = re.compile("0|[1-9a-z][0-9a-z]*")  # the one spelling of each number
_DIGIT_OF_BYTE = np.full(256, -1, dtype=np.int64)
_DIGIT_OF_BYTE[np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", np.uint8)] = np.arange(36)


def make_keys(
    rows: Sequence[Numbers],
    ids: Sequence[object],
    retrieved: Sequence[int],
    codes: Sequence[int],
    buckets: Sequence[int],
) -> Numbers:
    """(n, 3): a key per row that has an id; `rows` are all rows' numbers in their source."""
    numbers, with_id = _id_numbers(ids)
    places = np.concatenate(rows) << 16
    places |= np.array(codes, dtype=np.int64) << 8 | np.array(buckets, dtype=np.int64)
    keys = np.empty((len(numbers), 3), dtype=np.int64)
    keys[:, 0] = numbers
    keys[:, 1] = np.array(retrieved, dtype=np.int64)[with_id]
    keys[:, 2] = places[with_id]
    return keys


def with_source(keys: Numbers, source: int) -> Numbers:
    """The keys with the number of their source set."""
    keys[:, 2] += source << 48
    return keys


def source_of(places: Numbers) -> Numbers:
    """The numbers of the sources that places are in."""
    return places >> 48


def code_of(places: Numbers) -> Numbers:
    """What became of the rows at places: codes of reasons, or SELECTED."""
    return places >> 8 & 0xFF


def selected_by_bucket(places: Numbers) -> Numbers:
    """The places of selected rows, sorted, as numbers in which the bucket of their domain (8 bits), the
    source (16) and the row (32) stand one below the other."""
    selected = places[code_of(places) == SELECTED]
    return np.sort((selected & 0xFF) << 48 | source_of(selected) << 32 | selected >> 16 & 0xFFFF_FFFF)


def rows_of(selected: Numbers, source: int, first_bucket: int, end_bucket: int) -> Numbers:
    """The rows of a source among what `selected_by_bucket` gave, in some buckets."""
    first, end = np.searchsorted(selected, [first_bucket << 48, end_bucket << 48])
    found = selected[first:end]
    return np.array(found[found >> 32 & 0xFFFF == source] & 0xFFFF_FFFF)


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
    numbers = _of_equal_length(ids)
    if numbers is not None:
        return numbers, slice(None)
    named = [(at, found) for at, each in enumerate(ids) if (found := name(each))]
    numbers = np.array([_number(found) for _, found in named], dtype=np.int64)
    return numbers, np.array([at for at, _ in named], dtype=np.int64)


def _of_equal_length(ids: Sequence[object]) -> Numbers | None:
    """The numbers of base-36 ids that have as many digits each, as most months of a dump have; None for
    others."""
    if not ids or set(map(type, ids)) != {str}:
        return None
    (length, *others) = set(map(len, ids))  # type: ignore[arg-type]
    text = "".join(ids)  # type: ignore[arg-type]
    if others or not 0 < length <= _MAX_DIGITS or not text.isascii():
        return None
    digits = _DIGIT_OF_BYTE[np.frombuffer(text.encode("ascii"), np.uint8)].reshape(-1, length)
    if (digits < 0).any() or (length > 1 and not digits[:, 0].all()):
        return None
    numbers: Numbers = digits @ (36 ** np.arange(length - 1, -1, -1, dtype=np.int64))
    return numbers


def _number(found: str) -> int:
    if len(found) <= _MAX_DIGITS and _BASE_36.fullmatch(found):
        return int(found, 36)
    return -(xxhash.xxh3_64_intdigest(found.encode()) >> 1) - 1
