"""From verified pairs to clusters: who is dropped in favour of whom.

In keep order, a document is dropped if one of its verified pairs is with a document that is kept, and then
for the first such in keep order; otherwise it is kept. So each dropped document is as similar to its kept
one as the threshold demands: a chain A ~ B ~ C where A and C are unlike drops B and keeps C.
"""

import numpy as np
import numpy.typing as npt

from webtext.dedup.order import Ranks

Similarities = npt.NDArray[np.float64]


class Clusters:
    """The kept document's rank, and the similarity to it, for each rank; at first each keeps itself."""

    def __init__(self, ranks: int) -> None:
        self.keeper: Ranks = np.arange(ranks, dtype=np.uint32)
        self.similarity: Similarities = np.ones(ranks)

    def add(self, a: Ranks, b: Ranks, similarity: Similarities) -> None:
        """Takes verified pairs in. All pairs of a document, as the later of the two, come in one call, and
        calls come in keep order: what becomes of the earlier one is then known."""
        later, earlier = np.maximum(a, b), np.minimum(a, b)
        order = np.lexsort((earlier, later))
        columns = (array[order].tolist() for array in (later, earlier, similarity))
        keeper = self.keeper
        for dropped, kept, similar in zip(*columns, strict=True):
            if keeper[dropped] == dropped and keeper[kept] == kept:
                keeper[dropped] = kept
                self.similarity[dropped] = similar
