"""Candidate pairs: documents whose signatures agree in a band.

A pair is one 64-bit key, the later document's rank above the earlier one's, so that sorted keys list each
document's earlier candidates together.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from webtext.dedup.order import Ranks
from webtext.dedup.shingles import Hashes, Indices

Keys = npt.NDArray[np.uint64]

# A bucket's documents are paired with its first few in keep order and with their predecessor: all pairs of
# a small bucket, a constant number for each document of a large one. A cluster's kept document is its
# first, so the pairs that matter are among those.
ANCHORS = 15
AT_ONCE = 250_000  # documents whose pairs are made together
SHIFT = np.uint64(32)


def candidate_pairs(hashes: Hashes, ranks: Ranks) -> Iterator[Keys]:
    """The pairs of one band, sorted, a piece at a time: ranks[i] has the band hash hashes[i]. Time
    O(n log n), at most ANCHORS + 1 pairs a document, memory some 50 bytes a document."""
    order = np.lexsort((ranks, hashes))
    hashes, ranks = hashes[order], ranks[order]
    starts = _bucket_starts(hashes)
    later = np.flatnonzero(np.arange(len(hashes)) > starts)
    later = later[np.argsort(ranks[later])]
    for begin in range(0, len(later), AT_ONCE):
        yield _pairs_of(later[begin : begin + AT_ONCE], starts, ranks)


def _pairs_of(later: Indices, starts: Indices, ranks: Ranks) -> Keys:
    found = []
    places = later - starts[later]
    for anchor in range(ANCHORS):
        some = later[places > anchor]
        found.append(join(ranks[some], ranks[starts[some] + anchor]))
    beyond = later[places > ANCHORS]
    found.append(join(ranks[beyond], ranks[beyond - 1]))
    return np.sort(np.concatenate(found))


def join(later: Ranks, earlier: Ranks) -> Keys:
    """The keys of pairs of ranks."""
    return later.astype(np.uint64) << SHIFT | earlier


def split(keys: Keys) -> tuple[Ranks, Ranks]:
    """(later, earlier) of each pair."""
    return (keys >> SHIFT).astype(np.uint32), keys.astype(np.uint32)


def _bucket_starts(hashes: Hashes) -> Indices:
    """For each of the sorted hashes the place of the first equal one."""
    new = np.concatenate(([True], hashes[1:] != hashes[:-1]))[: len(hashes)]
    starts = np.flatnonzero(new)
    return np.repeat(starts, np.diff(starts, append=len(hashes)))
