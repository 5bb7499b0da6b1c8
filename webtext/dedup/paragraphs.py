"""Paragraphs that a domain repeats: boilerplate that extraction left in.

A paragraph is a line of a text; two are the same when their normalised texts are. It is repeated when more
than a share of its domain's documents have it. Domains of a few documents are left alone: there a quotation
would pass for boilerplate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from webtext import pretokens
from webtext.dedup.normalise import normalise

FEWEST_DOCUMENTS = 10  # of a domain that is looked at

Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Rest:
    """A text without some of its paragraphs."""

    removed: list[int]  # numbers of lines, from 0
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


def paragraph_keys(domain: str, text: str) -> Iterator[int]:
    """A 64-bit key of each line within its domain; 0 for a line without a word, which is never repeated."""
    seed = xxhash.xxh3_64_intdigest(domain.encode())
    for line in text.split("\n"):
        words = normalise(line)
        yield xxhash.xxh3_64_intdigest(words, seed) if words else 0


def repeated(keys: Keys, domains: Keys, documents: npt.NDArray[np.int64], share: float) -> Keys:
    """The sorted keys that more than a share of a domain's documents have. Each document gives a key once:
    keys[i] is of the domain numbered domains[i], which has documents[domains[i]] documents."""
    distinct, first, counts = np.unique(keys, return_index=True, return_counts=True)
    of = documents[domains[first]]
    return distinct[(of >= FEWEST_DOCUMENTS) & (counts > share * of)]


def without(text: str, domain: str, repeated: Keys) -> Rest:
    """The text without its repeated paragraphs."""
    keys = np.fromiter(paragraph_keys(domain, text), np.uint64)
    places = np.searchsorted(repeated, keys)
    found = repeated[np.minimum(places, len(repeated) - 1)] == keys if len(repeated) else keys == 1
    return drop(text, np.flatnonzero(found & (keys != 0)).tolist())


def drop(text: str, removed: list[int]) -> Rest:
    """The text without the lines of these numbers, from 0."""
    gone = set(removed)
    lines = [line for number, line in enumerate(text.split("\n")) if number not in gone]
    return Rest(removed, "\n".join(lines).strip("\n"))


def long_enough(text: str, min_tokens: int) -> bool:
    """Whether a text would still pass `filter.min_tokens`, and has anything at all."""
    return bool(normalise(text)) and pretokens.count(text) >= min_tokens
