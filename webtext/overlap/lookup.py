"""Which of some 8-grams occur in a stream of others: exact but for equal hashes; memory is for the few."""

import numpy as np
import numpy.typing as npt

from webtext.dedup.shingles import Hashes, Indices

MIN_BITS, MAX_BITS = 16, 26  # of the table's size
SPARE_BITS = 4  # 2^4 times as many places as hashes: one unknown hash in sixteen is searched for in vain


class Lookup:
    """The different hashes among `hashes`, sorted, and a table of the places where one may be."""

    def __init__(self, hashes: Hashes) -> None:
        self.hashes: Hashes = np.unique(hashes)
        bits = min(max(len(self.hashes).bit_length() + SPARE_BITS, MIN_BITS), MAX_BITS)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, np.bool_)
        self._table[self.hashes >> self._shift] = True

    def places(self, hashes: Hashes) -> tuple[Indices, Indices]:
        """Of those that are known: where they stand in `hashes`, and where in `self.hashes`."""
        if not len(self.hashes):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        likely = np.flatnonzero(self._table[hashes >> self._shift])
        found = np.minimum(np.searchsorted(self.hashes, hashes[likely]), len(self.hashes) - 1)
        same = self.hashes[found] == hashes[likely]
        return likely[same], found[same]

    def mask(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of the known hashes are among those."""
        mask = np.zeros(len(self.hashes), np.bool_)
        mask[self.places(hashes)[1]] = True
        return mask
