"""Samples: a few documents to read, published ones by their length and refused ones by reason.

Which ones is decided by the second half of an id, which is a hash: the same corpus gives the same sample.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import Block, wide
from webtext.audit.figures import number
from webtext.audit.markup import Child, Markup, element, foreign, join, link
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import count
from webtext.reasons import KEEP, SENTENCES

PUBLISHED, REFUSED = 2, 2  # documents: of each stratum, of each reason
STRATA = {"short": "the shortest third", "middle": "the middle third", "long": "the longest third"}
EXCERPT_CHARS = 700
SHARD_COLUMNS = ["id", "url", "domain", "title", "language", "words", "tokens", "subreddits", "text"]
DOCUMENT_COLUMNS = ["id", "url", "domain", "title", "language", "words", "detail", "text"]


@dataclass(frozen=True, order=True)
class _Place:
    """Where a sampled row is; `rank` orders rows as a shuffle would."""

    rank: str
    file: str
    group: int
    index: int


def measure(source: Source) -> Numbers:
    thirds = _thirds(source)
    published = _first(PUBLISHED, source.scan("shards", _published, thirds))
    refused = _first(REFUSED, source.scan("documents", _refused))
    refused.pop(KEEP, None)
    return {
        "published": [
            {"stratum": stratum} | _sample(source, "shards", place, SHARD_COLUMNS)
            for stratum in STRATA
            for place in published.get(stratum, [])
        ],
        "refused": [
            {
                "reason": reason,
                "sentence": SENTENCES.get(reason, reason),
                "documents": [_sample(source, "documents", place, DOCUMENT_COLUMNS) for place in places],
            }
            for reason, places in sorted(refused.items())
        ],
    }


def view(numbers: Numbers) -> list[Block]:
    blocks: list[Block] = []
    for stratum, title in STRATA.items():
        if rows := [row for row in numbers["published"] if row["stratum"] == stratum]:
            read = element("div", (_card(row) for row in rows), class_="cards")
            blocks.append(wide(element("h3", f"Published: {title}"), read))
    for group in numbers["refused"]:
        title = element("h3", "Refused: ", element("code", group["reason"]))
        cards = element("div", (_card(row) for row in group["documents"]), class_="cards")
        blocks.append(wide(title, element("p", group["sentence"], "."), cards))
    return blocks


def _thirds(source: Source) -> tuple[int, int]:
    """The words up to which a published document is short, and up to which it is not long."""
    words = Counter[Any]()
    for some in source.scan("shards", _words):
        words.update(some)
    known = sorted(value for value in words if value is not None)
    if not known:
        return 0, 0
    ends = np.cumsum([words[value] for value in known])
    places = [int((ends[-1] - 1) * share) for share in (1 / 3, 2 / 3)]
    low, high = (known[place] for place in np.searchsorted(ends, places, "right"))
    return low, high


def _words(source: Source, file: str) -> Counter[Any]:
    return count(source.partition("shards", file, ["words"]), "words")[0]


def _first(most: int, found: Iterable[dict[str, list[_Place]]]) -> dict[str, list[_Place]]:
    """The `most` first rows of the shuffle, per key."""
    first: dict[str, list[_Place]] = {}
    for some in found:
        for key, places in some.items():
            first[key] = heapq.nsmallest(most, first.get(key, []) + places)
    return first


def _published(source: Source, file: str, thirds: tuple[int, int]) -> dict[str, list[_Place]]:
    """By stratum, the first of a shard."""
    return _first(PUBLISHED, _places(source, "shards", file, "words", PUBLISHED, thirds))


def _refused(source: Source, file: str) -> dict[str, list[_Place]]:
    """By verdict, the first of a partition."""
    return _first(REFUSED, _places(source, "documents", file, "verdict", REFUSED))


def _stratum(words: pa.ChunkedArray, thirds: tuple[int, int]) -> pa.ChunkedArray:
    low, high = thirds
    longer = pc.if_else(pc.less_equal(words, high), "middle", "long")
    return pc.if_else(pc.less_equal(words, low), "short", longer)


def _places(
    source: Source, table: str, file: str, by: str, most: int, thirds: tuple[int, int] | None = None
) -> Iterator[dict[str, list[_Place]]]:
    """The `most` first rows of each row group, by the column `by`, or by the third that it lies in."""
    for group, rows in source.row_groups(table, file, ["id", by]):
        found: dict[str, list[_Place]] = {}
        ranks = pc.utf8_slice_codeunits(rows.column("id"), 8)
        keys = _stratum(pc.fill_null(rows.column(by), 0), thirds) if thirds else rows.column(by)
        ranked = pa.table({"rank": ranks, "key": keys, "index": range(rows.num_rows)})
        for key in pc.unique(ranked.column("key")).to_pylist():
            of_key = ranked.filter(pc.field("key") == key)
            first = of_key.take(
                pc.select_k_unstable(of_key, most, [("rank", "ascending"), ("index", "ascending")])
            )
            found[key] = [_Place(row["rank"], file, group, row["index"]) for row in first.to_pylist()]
        yield found


def _sample(source: Source, table: str, place: _Place, columns: list[str]) -> dict[str, Any]:
    row = source.row(table, place.file, place.group, place.index, columns)
    text = row.pop("text") or ""
    return row | {"excerpt": text[:EXCERPT_CHARS], "cut": len(text) > EXCERPT_CHARS}


def _card(row: dict[str, Any]) -> Markup:
    excerpt = element("p", row["excerpt"], "…" if row["cut"] else None, class_="excerpt", dir="auto")
    return element(
        "article",
        element("h4", foreign(row["title"], 120) if row["title"] else "Untitled"),
        element("p", link(row["url"])),
        excerpt if row["excerpt"] else None,
        element("p", join(_facts(row)), class_="facts"),
        class_="card",
    )


def _facts(row: dict[str, Any]) -> list[Child]:
    facts: list[Child] = []
    for key in ("words", "tokens"):
        if row.get(key) is not None:
            facts.append(element("span", number(row[key]), f" {key}"))
    for text in (
        row["language"],
        *(f"r/{name}" for name in (row.get("subreddits") or [])[:3]),
        row.get("detail"),
    ):
        if text:
            facts.append(element("span", foreign(text, 80)))
    return facts


SECTION = Section("samples", "Documents to read", ("documents",), measure, view)
