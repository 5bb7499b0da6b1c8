"""Two corpora side by side: the numbers."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np

from webtext.audit.figures import share
from webtext.audit.rank_correlation import spearman
from webtext.audit.section import Numbers
from webtext.audit.sections import languages, lengths
from webtext.audit.source import Source
from webtext.audit.tally import count
from webtext.corpus import Corpus
from webtext.dedup.shingles import Hashes
from webtext.recipe import differences

VERSION = 1
SIDES = ("a", "b")
TOP = 40  # domains of each
# What came out of a stage, by the name of its table.
OUTCOMES = {"links": "links", "pages": "pages fetched", "documents": "texts passed"}
DROPPING = ("links", "pages", "documents", "clusters", "clusters/paragraphs", "shards")
SHARED = {"links": ("links", "id"), "published documents": ("shards", "id"), "texts": ("shards", "sha256")}


def compare(a: Source, b: Source, done: Callable[[], None]) -> Numbers:
    """All numbers as JSON values; a stage that a corpus has not come to is null there."""
    sides = (a, b)
    numbers: Numbers = {"version": VERSION, "corpora": _names(a.corpus, b.corpus)}
    for name, measure in MEASURES.items():
        numbers[name] = measure(*sides)
        done()
    return numbers


def _names(a: Corpus, b: Corpus) -> list[str]:
    """The directories' names, or where those are alike, their paths."""
    return [a.place, b.place] if a.name == b.name else [a.name, b.name]


def _counts(*sides: Source) -> list[dict[str, Any]]:
    return [{"name": name} | values for name, values in _beside(*(_totals(side) for side in sides)).items()]


def _totals(source: Source) -> dict[str, float | None]:
    links = source.manifest("links")
    found: dict[str, float | None] = {"submissions": links.counts.into if links else None}
    for table, name in OUTCOMES.items():
        manifest = source.manifest(table)
        found[name] = manifest.counts.out if manifest else None
    clusters, shards = source.manifest("clusters"), source.manifest("shards")
    found["duplicates"] = sum(clusters.counts.dropped.values()) if clusters else None
    found["documents published"] = shards.counts.out if shards else None
    files = list(
        chain.from_iterable(split["files"] for split in source.token_index().get("splits", {}).values())
    )
    totals = {name: sum(file[name] for file in files) for name in ("bytes", "tokens", "documents")}
    found["bytes of text"] = totals["bytes"] or None
    found["tokens"] = totals["tokens"] or None
    found["bytes per token"] = _rate(totals["bytes"], totals["tokens"])
    found["tokens per document"] = _rate(totals["tokens"], totals["documents"])
    return found


def _attrition(*sides: Source) -> list[dict[str, Any]]:
    """A row per stage and reason; shares are of what went into the stage."""
    rows = []
    for table in DROPPING:
        manifests = [side.manifest(table) for side in sides]
        into = [manifest.counts.into if manifest else 0 for manifest in manifests]
        dropped = [manifest.counts.dropped if manifest else None for manifest in manifests]
        for reason, values in _beside(*dropped).items():
            row: dict[str, Any] = {"table": table, "reason": reason} | values
            shares = {
                f"{side}_share": None if values[side] is None else share(values[side], n)
                for side, n in zip(SIDES, into, strict=True)
            }
            rows.append(row | shares)
    return sorted(rows, key=lambda row: (DROPPING.index(row["table"]), -_largest(row), row["reason"]))


def _domains(*sides: Source) -> Numbers:
    """By published documents, or by links where one has none."""
    of = "shards" if all(side.has("shards") for side in sides) else "links"
    counts = [count(side.batches(of, ["domain"]), "domain")[0] for side in sides]
    totals = [counter.total() for counter in counts]
    both = sorted(counts[0].keys() & counts[1].keys())
    chosen = {name for counter in counts for name, _ in sorted(counter.items(), key=_most)[:TOP]}
    rows = []
    for name in sorted(chosen):
        row: dict[str, Any] = {"domain": name}
        for side, counter, total in zip(SIDES, counts, totals, strict=True):
            row |= {side: counter[name], f"{side}_share": share(counter[name], total)}
        rows.append(row)
    return {
        "of": "documents" if of == "shards" else "links",
        "distinct": [len(counter) for counter in counts],
        "in_both": len(both),
        "rank_correlation": spearman(*([counter[name] for name in both] for counter in counts)),
        "top": sorted(rows, key=lambda row: (-_largest(row), row["domain"])),
    }


def _languages(*sides: Source) -> list[dict[str, Any]]:
    """Of extracted texts, every language: one that is rare in a corpus is not to be taken for missing."""
    shares = [_language_shares(side) if side.has("documents") else None for side in sides]
    rows = [{"language": name or None} | values for name, values in _beside(*shares).items()]
    return sorted(rows, key=lambda row: (-max(row["a"] or 0, row["b"] or 0), row["language"] or ""))


def _language_shares(source: Source) -> dict[str, float]:
    rows = languages.counted(source).to_pylist()
    documents = sum(row["documents"] for row in rows)
    return {row["language"] or "": share(row["documents"], documents) for row in rows}


def _lengths(*sides: Source) -> list[dict[str, Any]]:
    """A row per measure and percentile."""
    measured = [lengths.measure(side) if side.has("documents") else {} for side in sides]
    rows = []
    for name in lengths.TITLES:
        points = [_points(found[name]) if name in found else None for found in measured]
        rows += [{"measure": name, "point": point} | values for point, values in _beside(*points).items()]
    return rows


def _points(found: Mapping[str, Any]) -> dict[str, float]:
    return {"documents": found["count"], "mean": found["mean"], **found["percentiles"]}


def _shared(*sides: Source) -> list[dict[str, Any]]:
    """What both have: links by URL, published documents by URL, texts by their hash."""
    rows = []
    for name, (table, column) in SHARED.items():
        if not all(side.has(table) for side in sides):
            continue
        a, b = (_set(side, table, column) for side in sides)
        both = len(np.intersect1d(a, b, assume_unique=True))
        row = {"what": name, "a": len(a), "b": len(b), "both": both}
        rows.append(row | {"a_share": share(both, len(a)), "b_share": share(both, len(b))})
    return rows


def _set(source: Source, table: str, column: str) -> Hashes:
    """The different values, known by the 64 bits of their first 16 hex digits."""
    found = [
        np.array([int(value[:16], 16) for value in batch.column(0).to_pylist() if value], np.uint64)
        for batch in source.batches(table, [column])
    ]
    return np.unique(np.concatenate([np.empty(0, np.uint64), *found]))


def _recipes(*sides: Source) -> list[str]:
    """A line `key: value of the one → value of the other` for each key that differs."""
    return differences(*(side.corpus.recipe().public() for side in sides))


def _beside(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The values of two mappings by their keys; null for a side that has no such mapping, 0 for one that has
    no such key."""
    names = dict.fromkeys([*(a or {}), *(b or {})])
    return {
        name: {side: None if of is None else of.get(name, 0) for side, of in zip(SIDES, (a, b), strict=True)}
        for name in names
    }


def _largest(row: Mapping[str, Any]) -> float:
    return max(row["a_share"] or 0.0, row["b_share"] or 0.0)


def _most(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _rate(part: float, whole: float) -> float | None:
    return round(part / whole, 3) if whole else None


MEASURES: dict[str, Callable[..., Any]] = {
    "counts": _counts,
    "shared": _shared,
    "attrition": _attrition,
    "domains": _domains,
    "languages": _languages,
    "lengths": _lengths,
    "recipes": _recipes,
}
