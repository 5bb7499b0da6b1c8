"""Documents that hold test examples: how many 8-grams a document and an example have in common.

The measure is the overlap coefficient (Szymkiewicz, Simpson): the different 8-grams that both have, as a
share of those of the one that has fewer. So a long page that quotes an example whole counts as much as a
fragment of one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from webtext.dedup.shingles import Indices
from webtext.overlap import ngrams
from webtext.overlap.lookup import Lookup


@dataclass(frozen=True)
class Match:
    """The example that a document overlaps most: its file's name, its line or row, the different 8-grams in
    common, and their share."""

    file: str
    example: int
    shared: int
    overlap: float


class TestSets:
    """The examples of some files, to be looked for in documents."""

    __test__ = False

    def __init__(self, files: Sequence[Path]) -> None:
        self._names: list[tuple[str, int]] = []
        hashes, owners = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for path in files:
            found = ngrams.of_file(path)
            hashes.append(found.hashes)
            owners.append(found.example + len(self._names))
            self._names += [(path.name, example.number) for example in found.examples]
        self._lookup = Lookup(np.concatenate(hashes))
        known = np.searchsorted(self._lookup.hashes, np.concatenate(hashes))
        pairs = np.unique(np.stack([known, np.concatenate(owners)], axis=1), axis=0)
        # the examples that have hash number n: owners[starts[n]:starts[n + 1]]
        self._owners = pairs[:, 1]
        self._starts = np.searchsorted(pairs[:, 0], np.arange(len(self._lookup.hashes) + 1))
        self._sizes = np.bincount(self._owners, minlength=len(self._names))

    def matches(self, texts: Sequence[str]) -> Iterator[Match | None]:
        """For each text the example that it overlaps most, the first of equals; None where it has no 8-gram
        of any."""
        hashes, offsets = ngrams.of_texts(texts)
        places, found = self._lookup.places(hashes)
        ends = np.searchsorted(places, offsets)
        for text, (begin, end) in enumerate(pairwise(ends)):
            if begin == end:
                yield None
                continue
            different = len(np.unique(hashes[offsets[text] : offsets[text + 1]]))
            yield self._best(np.unique(found[begin:end]), different)

    def _best(self, known: Indices, ngrams_of_text: int) -> Match:
        owners = np.concatenate([self._owners[self._starts[n] : self._starts[n + 1]] for n in known])
        examples, shared = np.unique(owners, return_counts=True)
        overlaps = shared / np.minimum(self._sizes[examples], ngrams_of_text)
        best = int(np.lexsort((examples, -shared, -overlaps))[0])
        file, number = self._names[examples[best]]
        return Match(file, number, int(shared[best]), round(float(overlaps[best]), 4))
