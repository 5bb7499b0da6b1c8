"""From verified pairs to clusters: who is dropped in favour of whom.

In keep order, a document is dropped if one of its verified pairs is with a document that is kept, and then
for the first such in keep order; otherwise it is kept. So each dropped document is as similar to its kept
one as the threshold demands: a chain A ~ B ~ C where A and C are unlike drops B and keeps C.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webtext.dedup.order import Ranks

Similarities = npt.NDArray[np.float64]

AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Clusters:
    """Of each rank the kept document's rank, and the similarity to it; both are filled in place."""

    keeper: Ranks
    similarity: Similarities

    def begin(self) -> None:
        """Each document keeps itself."""
        for begin in range(0, len(self.keeper), AT_ONCE):
            end = min(begin + AT_ONCE, len(self.keeper))
            self.keeper[begin:end] = np.arange(begin, end, dtype=np.uint32)
        self.similarity[:] = 1

    def add(self, earlier: Ranks, later: Ranks, similarity: Similarities) -> None:
        """Takes verified pairs in, which come in the order of (later, earlier): what becomes of the earlier
        document is then known."""
        keeper = self.keeper
        for kept, dropped, similar in zip(*(c.tolist() for c in (earlier, later, similarity)), strict=True):
            if keeper[dropped] == dropped and keeper[kept] == kept:
                keeper[dropped] = kept
                self.similarity[dropped] = similar
