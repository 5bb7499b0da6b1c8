"""Verification: how similar the two documents of a candidate pair really are."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from webtext.dedup.candidates import Keys, split

# What verification compares of a document: its sorted shingle set, or its MinHash signature.
Evidence = npt.NDArray[Any]
Fetch = Callable[[int], Evidence]


def similarities(
    keys: Keys, fetch: Fetch, verify: Literal["exact", "signature"], threshold: float
) -> npt.NDArray[np.float64]:
    """The similarity of each pair, 0 for pairs of such different sizes that they cannot reach the
    threshold. `fetch` gives a rank's evidence; keys that share a document should stand together."""
    measure = jaccard if verify == "exact" else agreement
    measured = np.zeros(len(keys))
    mine, of = np.empty(0), -1
    for pair, (later, earlier) in enumerate(zip(*(ranks.tolist() for ranks in split(keys)), strict=True)):
        if later != of:
            mine, of = fetch(later), later
        other = fetch(earlier)
        if min(len(mine), len(other)) / max(len(mine), len(other)) >= threshold:
            measured[pair] = measure(mine, other)
    return measured


def jaccard(a: Evidence, b: Evidence) -> float:
    """Shared over all elements of two sorted arrays without repetitions; 1 for two empty ones."""
    both = np.concatenate((a, b))
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared) if len(both) else 1.0


def agreement(a: Evidence, b: Evidence) -> float:
    """The share of equal entries of two MinHash signatures: an estimate of the Jaccard similarity."""
    return float(np.count_nonzero(a == b) / len(a))
