"""The most frequent of many hashes, in two passes and bounded memory.

The first pass counts roughly, in a fixed number of buckets that strangers share; the second counts exactly
what fell into the fullest ones. A hash that is frequent enough to be among the first is never missed.
"""

from collections import Counter

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

BUCKETS = 1 << 22  # counters of eight bytes
FULLEST = 2000  # buckets whose hashes are counted exactly


class Frequent:
    """Call `count` with all hashes, then `count_exactly` with all of them again, then read `counts`."""

    def __init__(self) -> None:
        self._rough = np.zeros(BUCKETS, np.int64)
        self._least = 0
        self.counts: Counter[int] = Counter()

    def count(self, hashes: Hashes) -> None:
        np.add.at(self._rough, _bucket(hashes), 1)

    def count_exactly(self, hashes: Hashes) -> None:
        found, times = np.unique(hashes[self.may_be_frequent(hashes)], return_counts=True)
        self.counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))

    def may_be_frequent(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of them share a bucket with what is frequent. Once it is asked, the rough count is over."""
        if not self._least:
            self._least = max(2, int(np.partition(self._rough, -FULLEST)[-FULLEST]))
        frequent: npt.NDArray[np.bool_] = self._rough[_bucket(hashes)] >= self._least
        return frequent

    def most(self, top: int) -> list[tuple[int, int]]:
        """(hash, count) of the most frequent that occur more than once; ties by hash."""
        order = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return [(each, times) for each, times in order[:top] if times > 1]


def _bucket(hashes: Hashes) -> npt.NDArray[np.int64]:
    return (hashes & np.uint64(BUCKETS - 1)).astype(np.int64)
