"""Bloom filters of 8-grams, as the GPT-2 paper uses them (§4): false positives of at most 1 in 10^8.

Bloom 1970. Sixteen bits are set for each 8-gram. With 42.1 bits of filter for each, an 8-gram that was not
added (a stranger) finds all of its sixteen bits set with a chance of 1e-8. The smallest filter that does so
has 38.3 bits for each, but sets 27, which takes as much more time. Large sets are divided among filters by
hash: each holds its share, and is made and asked alone.
"""

import math

import numpy as np
import numpy.typing as npt

from webtext.dedup.shingles import Hashes, Indices, mix

RATE = 1e-8
BITS_SET = 16
BITS_PER_NGRAM = -BITS_SET / math.log1p(-(RATE ** (1 / BITS_SET)))
MIN_BITS, MAX_BITS = 16, 34  # of a filter's size: 8 KiB … 2 GiB
SALT = np.uint64(0x9E3779B97F4A7C15)
SIX, LOW, ONE = np.uint64(6), np.uint64(63), np.uint64(1)


def size_for(ngrams: int) -> tuple[int, int]:
    """For so many 8-grams: how many filters, and each one's size as a power of two of bits."""
    bits = max(ngrams, 1) * BITS_PER_NGRAM
    power = min(max(math.ceil(math.log2(bits)), MIN_BITS), MAX_BITS)
    return math.ceil(bits / 2**power), power


def share(hashes: Hashes, filter: int, filters: int) -> Hashes:
    """Those that belong to one of several filters."""
    return hashes if filters == 1 else hashes[of_filter(hashes, filter, filters)]


def of_filter(hashes: Hashes, filter: int, filters: int) -> npt.NDArray[np.bool_]:
    """Which of the hashes belong to one of several filters."""
    half = np.uint64(32)
    mine: npt.NDArray[np.bool_] = ((hashes >> half) * np.uint64(filters)) >> half == np.uint64(filter)
    return mine


class Bloom:
    """A filter of 2^`power` bits."""

    def __init__(self, power: int) -> None:
        self._words: npt.NDArray[np.uint64] = np.zeros(max(1, (1 << power) // 64), np.uint64)
        self._shift = np.uint64(64 - power)

    @property
    def bytes(self) -> int:
        return self._words.nbytes

    def add(self, hashes: Hashes) -> None:
        first, step = _start(hashes)
        for _ in range(BITS_SET):
            self._set(*_bits(first >> self._shift))
            first += step

    def contains(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """True for all that were added, and for one stranger in 10^8 once the filter is full."""
        found = np.ones(len(hashes), np.bool_)
        left = np.arange(len(hashes))
        first, step = _start(hashes)
        for _ in range(BITS_SET):
            words, bits = _bits(first[left] >> self._shift)
            there = self._words.take(words) & bits != 0
            found[left[~there]] = False
            left = left[there]
            first += step
        return found

    def _set(self, words: Indices, bits: Hashes) -> None:
        """Where two places share a word, one write is lost: it is made again until all are there."""
        while len(words):
            self._words[words] = self._words.take(words) | bits
            lost = np.flatnonzero(self._words.take(words) & bits == 0)
            words, bits = words[lost], bits[lost]


def _bits(places: Hashes) -> tuple[Indices, Hashes]:
    """The word of each place, and its bit in that. Indices are signed: NumPy is twice as fast with them."""
    return (places >> SIX).view(np.int64), ONE << (places & LOW)


def _start(hashes: Hashes) -> tuple[Hashes, Hashes]:
    """The first place of each and the step to the next ones (Kirsch, Mitzenmacher 2006), as 64 bits."""
    return mix(hashes * SALT), mix(hashes ^ SALT) | ONE
