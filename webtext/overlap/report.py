"""The overlap of a test set with a training set, in the numbers of the GPT-2 paper's Table 6."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webtext.overlap.ngrams import Ngrams

MOST_EXAMPLES, MOST_CHARS = 1000, 500  # listed, and shown of each
DECILES = 10

# GPT-2 paper, Table 6: percent of each test set's 8-grams that are in its own training set, and in WebText.
TABLE_6 = {
    "ptb": ("PTB", 2.67, 0.88),
    "wikitext-2": ("WikiText-2", 0.66, 1.63),
    "enwik8": ("enwik8", 7.50, 6.31),
    "text8": ("text8", 2.34, 3.94),
    "wikitext-103": ("WikiText-103", 9.09, 2.42),
    "1bw": ("1BW", 13.19, 3.75),
}
ALIASES = {
    "wikitext2": "wikitext-2",
    "wikitext103": "wikitext-103",
    "lm1b": "1bw",
    "1-billion": "1bw",
    "news.en.heldout": "1bw",
    "penn": "ptb",
}


@dataclass(frozen=True)
class Seen:
    """Which 8-grams of a test set a training set has; `filter` says by what Bloom filters, if by any."""

    mask: npt.NDArray[np.bool_]  # one for each of the test set's, in their order
    ngrams: int  # of the training set
    filter: dict[str, Any] | None = None


def entry(test: Ngrams, corpus: Seen, own: Seen | None, own_name: str, paper: dict[str, Any] | None) -> Any:
    """A test file's entry in report.json: counts are of 8-grams as often as they occur, `percent` of 100."""
    counts = test.counts
    hits = np.bincount(test.example[corpus.mask], minlength=len(counts))
    measured = counts > 0
    shares = hits[measured] / counts[measured]
    return {
        "ngrams": len(test.hashes),
        "overlapping": int(hits.sum()),
        "percent": percent(hits.sum(), len(test.hashes)),
        "corpus_ngrams": corpus.ngrams,
        "filter": corpus.filter,
        "own": _own(own, len(test.hashes), own_name) if own else None,
        "paper": paper,
        "examples_measured": int(measured.sum()),
        "examples_overlapping": int((hits > 0).sum()),
        "example_deciles": _deciles(shares),
        "examples": _examples(test, counts, hits),
    }


def paper_row(path: Path) -> dict[str, Any] | None:
    """The paper's row for a test file, where its name, or its folder's, says which set it is."""
    for name in (path.name.lower(), path.parent.name.lower()):
        known = {key: key for key in TABLE_6} | ALIASES
        # the longest first: wikitext-2 is no part of wikitext-103, but could be
        for word in sorted(known, key=len, reverse=True):
            if word in name:
                title, own, webtext = TABLE_6[known[word]]
                return {"name": title, "own": own, "webtext": webtext}
    return None


def percent(part: float, whole: float) -> float | None:
    """None where there is nothing to have a share of."""
    return round(100 * float(part) / whole, 4) if whole else None


def _own(own: Seen, ngrams: int, name: str) -> dict[str, Any]:
    count = int(own.mask.sum())
    facts = {"file": name, "ngrams": own.ngrams, "filter": own.filter}
    return facts | {"overlapping": count, "percent": percent(count, ngrams)}


def _deciles(shares: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """How many examples overlap by how much: none, up to 10 %, … up to 100 %."""
    steps = np.ceil(shares * DECILES - 1e-9).astype(np.int64)
    counts = np.bincount(steps, minlength=DECILES + 1)
    return [{"up_to_percent": 100 * n // DECILES, "examples": int(count)} for n, count in enumerate(counts)]


def _examples(test: Ngrams, counts: npt.NDArray[np.int64], hits: npt.NDArray[np.int64]) -> list[Any]:
    """Those that overlap, the most first."""
    touched = np.flatnonzero(hits)
    order = sorted(touched.tolist(), key=lambda n: (-hits[n] / counts[n], -hits[n], n))
    return [
        {
            "example": test.examples[n].number,
            "ngrams": int(counts[n]),
            "overlapping": int(hits[n]),
            "percent": percent(hits[n], counts[n]),
            "text": "\n".join(test.examples[n].texts).strip()[:MOST_CHARS],
        }
        for n in order[:MOST_EXAMPLES]
    ]
