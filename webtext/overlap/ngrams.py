"""8-grams as the GPT-2 paper takes them (§4): lower-case alphanumeric words, single spaces, eight in a row.

An 8-gram is known by 64 bits of hash: another one is taken for one of n with a chance of n / 2^64, 4 in 10^10
for a corpus of 40 GB.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from webtext.dedup.normalise import normalise
from webtext.dedup.shingles import Hashes, Indices, shingle_hashes
from webtext.overlap.texts import RUNNING, Example, examples, form_of

WORDS = 8
BATCH_CHARS = 1 << 20  # hashed together


@dataclass(frozen=True)
class Ngrams:
    """The 8-grams of a file's examples in their order: of each its hash, and the number of its example."""

    hashes: Hashes
    example: Indices
    examples: tuple[Example, ...]

    @property
    def counts(self) -> Indices:
        """How many each example has."""
        return np.bincount(self.example, minlength=len(self.examples))


def of_texts(texts: Sequence[str]) -> tuple[Hashes, Indices]:
    """The hashes of each text's 8-grams, and the offsets of each text's first; a short text has none."""
    return _of_normalised([normalise(text) for text in texts])


def of_file(path: Path) -> Ngrams:
    """The 8-grams of a test file. Those of running text go on over its lines, and belong to the example in
    which they begin."""
    found = tuple(examples(path))
    if form_of(path) == RUNNING:
        lines = [normalise(example.texts[0]) for example in found]
        words = np.cumsum([line.count(b" ") + 1 if line else 0 for line in lines])
        hashes, _ = _of_normalised([b" ".join(filter(None, lines))])
        return Ngrams(hashes, np.searchsorted(words, np.arange(len(hashes)), side="right"), found)
    owner = [number for number, example in enumerate(found) for _ in example.texts]
    hashes, offsets = of_texts([text for example in found for text in example.texts])
    return Ngrams(hashes, np.repeat(np.array(owner, np.int64), np.diff(offsets)), found)


def stream(path: Path) -> Iterator[Hashes]:
    """The hashes of all 8-grams of a file of any size, some at a time."""
    running, tail, held, chars = form_of(path) == RUNNING, b"", list[str](), 0
    for example in examples(path):
        held += example.texts
        chars += sum(map(len, example.texts))
        if chars >= BATCH_CHARS:
            hashes, tail = _batch(held, tail, running=running)
            yield hashes
            held, chars = [], 0
    yield _batch(held, tail, running=running)[0]


def _batch(texts: list[str], tail: bytes, *, running: bool) -> tuple[Hashes, bytes]:
    """The hashes of a batch, and of running text the words with which the next one goes on."""
    if not running:
        return of_texts(texts)[0], b""
    joined = b" ".join(filter(None, [tail, normalise("\n".join(texts))]))
    tail = b" ".join(joined.rsplit(b" ", WORDS - 1)[-(WORDS - 1) :])
    return _of_normalised([joined])[0], tail


def _of_normalised(texts: Sequence[bytes]) -> tuple[Hashes, Indices]:
    long_enough = [text if text.count(b" ") >= WORDS - 1 else b"" for text in texts]
    return shingle_hashes(long_enough, WORDS)
