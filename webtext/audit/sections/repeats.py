"""Repeats: the lines and the runs of words that most published documents share.

What is left of a site's frame, of licences and of templates shows here first. Lines are counted over the
whole corpus, runs of eight words over its first documents, which a seeded hash has shuffled.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import xxhash

from webtext.audit.blocks import BARS, Block, heading, numeric, sentence, table, wide
from webtext.audit.charts import bar
from webtext.audit.figures import number, percent, share
from webtext.audit.frequent import Frequent, Hashes
from webtext.audit.markup import Markup, element, foreign, link
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.dedup.normalise import normalise
from webtext.dedup.shingles import shingle_hashes

TOP = 20
LEAST_CHARS, SHOWN_CHARS = 20, 300  # of a line that is counted; of what is shown
WORDS, MOST_DOCUMENTS = 8, 20_000  # of a run; that runs are looked for in
CANDIDATES = 400  # runs, of which neighbours make one passage
MOST_DOMAINS = 1000  # counted of a line


@dataclass
class _Line:
    text: str
    url: str
    domains: set[str] = field(default_factory=set)


def measure(source: Source) -> Numbers:
    """`lines` and `passages`, each with the number of documents that have it and one of them."""
    lines, runs, documents = Frequent(), Frequent(), 0
    for group in _groups(source):
        documents += len(group)
        for row in group:
            lines.count(_line_hashes(row["text"])[1])
    for group in _first(source):
        runs.count(np.concatenate(_run_hashes(group)))
    return {
        "documents": documents,
        "lines": _lines(source, lines, documents),
        "documents_searched": min(documents, MOST_DOCUMENTS),
        "passages": _passages(source, runs, min(documents, MOST_DOCUMENTS)),
    }


def view(numbers: Numbers) -> list[Block]:
    searched = number(numbers["documents_searched"])
    blocks: list[Block] = []
    for key, caption in (
        ("lines", f"Lines of {LEAST_CHARS} characters or more that most documents have"),
        ("passages", f"Passages of {WORDS} words or more that most documents have, as bare words"),
    ):
        if numbers[key]:
            blocks.append(wide(_table(caption, numbers[key])))
    if not blocks:
        return [sentence("No two documents have a line or a passage in common.")]
    return [sentence("Passages were looked for in ", searched, " documents."), *blocks]


def _groups(source: Source) -> Iterator[list[dict[str, Any]]]:
    for _, _, rows in source.row_groups("shards", ["text", "url", "domain"]):
        yield rows.to_pylist()


def _first(source: Source) -> Iterator[list[dict[str, Any]]]:
    left = MOST_DOCUMENTS
    for group in _groups(source):
        yield group[:left]
        left -= len(group)
        if left <= 0:
            return


def _line_hashes(text: str) -> tuple[list[str], Hashes]:
    """The lines of a text, each once, and their hashes."""
    stripped = (line.strip() for line in text.split("\n"))
    lines = list(dict.fromkeys(line for line in stripped if len(line) >= LEAST_CHARS))
    return lines, np.fromiter(
        (xxhash.xxh3_64_intdigest(line.encode()) for line in lines), np.uint64, len(lines)
    )


def _run_hashes(group: list[dict[str, Any]]) -> list[Hashes]:
    """The hashes of each text's runs of words, each once."""
    hashes, offsets = shingle_hashes([normalise(row["text"]) for row in group], WORDS)
    return [np.unique(hashes[begin:end]) for begin, end in pairwise(offsets)]


def _lines(source: Source, lines: Frequent, documents: int) -> list[dict[str, Any]]:
    known: dict[int, _Line] = {}
    for group in _groups(source):
        for row in group:
            found, hashes = _line_hashes(row["text"])
            lines.count_exactly(hashes)
            for place in np.flatnonzero(lines.may_be_frequent(hashes)).tolist():
                line = known.setdefault(int(hashes[place]), _Line(found[place], row["url"]))
                if len(line.domains) < MOST_DOMAINS:
                    line.domains.add(row["domain"])
    return [
        _found(known[each].text, known[each].url, count, documents, len(known[each].domains))
        for each, count in lines.most(TOP)
    ]


def _passages(source: Source, runs: Frequent, documents: int) -> list[dict[str, Any]]:
    """Neighbouring runs that equally many documents have are one passage."""
    for group in _first(source):
        for hashes in _run_hashes(group):
            runs.count_exactly(hashes)
    wanted = dict(runs.most(CANDIDATES))
    found: list[dict[str, Any]] = []
    for group in _first(source):
        if not wanted:
            break
        texts = [normalise(row["text"]) for row in group]
        hashes, offsets = shingle_hashes(texts, WORDS)
        owner = np.searchsorted(offsets, np.arange(len(hashes)), side="right") - 1
        places = iter(np.flatnonzero(np.isin(hashes, np.array(list(wanted), np.uint64))).tolist())
        for place in places:
            each = int(hashes[place])
            if each not in wanted:
                continue
            count, end, begin = wanted.pop(each), place + 1, place
            while end < offsets[owner[place] + 1] and wanted.get(int(hashes[end])) == count:
                del wanted[int(hashes[end])]
                end += 1
            row, start = group[owner[place]], begin - int(offsets[owner[place]])
            words = texts[owner[place]].split(b" ")[start : start + end - begin + WORDS - 1]
            found.append(_found(b" ".join(words).decode(), row["url"], count, documents))
    return sorted(found, key=lambda row: (-row["documents"], row["text"]))[:TOP]


def _found(text: str, url: str, count: int, of: int, domains: int | None = None) -> dict[str, Any]:
    row = {"text": text[:SHOWN_CHARS], "documents": count, "share": share(count, of), "example": url}
    return row if domains is None else row | {"domains": domains}


def _table(caption: str, rows: list[dict[str, Any]]) -> Markup:
    with_domains = "domains" in rows[0]
    headings = [heading("Text"), numeric("Documents"), numeric("Share"), BARS]
    headings += [numeric("Domains")] if with_domains else []
    most = max(row["share"] for row in rows)
    return table(
        caption,
        [*headings, heading("One of them")],
        [
            (
                element("span", foreign(row["text"], SHOWN_CHARS)),
                number(row["documents"]),
                percent(row["share"]),
                bar(row["share"] / most),
                *((number(row["domains"]),) if with_domains else ()),
                link(row["example"], 60),
            )
            for row in rows
        ],
    )


SECTION = Section("repeats", "Repeats", ("shards",), measure, view)
