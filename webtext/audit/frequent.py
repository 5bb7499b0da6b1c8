"""The most frequent of many hashes, in two passes and bounded memory.

The first pass counts roughly, in a fixed number of buckets, each shared by many hashes; the second counts
exactly what fell into the fullest buckets. A hash that is frequent enough to be among the first is never
missed. Each pass counts piece by piece, and the pieces' counts are added up.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]  # of buckets
Rough = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]  # buckets that are not empty, and their counts

BUCKETS = 1 << 22  # counters of eight bytes
FULLEST = 2000  # buckets whose hashes are counted exactly


def count(hashes: Iterable[Hashes]) -> Rough:
    """The first pass over a piece."""
    counts = np.zeros(BUCKETS, np.int64)
    for some in hashes:
        np.add.at(counts, _bucket(some), 1)
    places = np.flatnonzero(counts)
    return places, counts[places]


def fullest(pieces: Iterable[Rough]) -> Mask:
    """The buckets whose hashes the second pass counts, by the first pass over all pieces."""
    counts = np.zeros(BUCKETS, np.int64)
    for places, times in pieces:
        counts[places] += times
    full = counts[counts > 1]
    mask: Mask = counts >= (np.partition(full, -FULLEST)[-FULLEST] if len(full) > FULLEST else 2)
    return mask


def count_exactly(hashes: Hashes, mask: Mask) -> Counter[int]:
    """The second pass over a piece."""
    found, times = np.unique(hashes[may_be_frequent(hashes, mask)], return_counts=True)
    return Counter(dict(zip(found.tolist(), times.tolist(), strict=True)))


def may_be_frequent(hashes: Hashes, mask: Mask) -> npt.NDArray[np.bool_]:
    """Which of them share a bucket with what is frequent."""
    return mask[_bucket(hashes)]


def most(counts: Counter[int], top: int) -> list[tuple[int, int]]:
    """(hash, count) of the most frequent that occur more than once; ties by hash."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(each, times) for each, times in order[:top] if times > 1]


def _bucket(hashes: Hashes) -> npt.NDArray[np.int64]:
    return (hashes & np.uint64(BUCKETS - 1)).astype(np.int64)
