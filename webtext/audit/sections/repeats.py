"""Repeats: the lines and the runs of words that most published documents share.

What is left of a site's frame, of licences and of templates shows here first. Lines are counted over the
whole corpus, runs of eight words over its first documents, which a seeded hash has shuffled.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import xxhash

from webtext.audit import frequent
from webtext.audit.blocks import BARS, Block, heading, numeric, sentence, table, wide
from webtext.audit.charts import bar
from webtext.audit.figures import number, percent, share
from webtext.audit.frequent import Hashes, Mask, Rough
from webtext.audit.markup import Markup, element, foreign, link
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.dedup.normalise import normalise
from webtext.dedup.shingles import distinct, shingle_hashes

TOP = 20
LEAST_CHARS, SHOWN_CHARS = 20, 300  # of a line that is counted; of what is shown
WORDS, MOST_DOCUMENTS = 8, 20_000  # of a run; that runs are looked for in
CANDIDATES = 400  # runs, of which neighbours make one passage
MOST_DOMAINS = 1000  # counted of a line


@dataclass
class _Line:
    text: str
    url: str
    documents: int = 0
    domains: set[str] = field(default_factory=set)

    def add(self, documents: int, domains: set[str]) -> None:
        self.documents += documents
        if len(self.domains) < MOST_DOMAINS:
            self.domains |= domains


@dataclass(frozen=True)
class _Passage:
    """Neighbouring runs of a document that equally many documents have."""

    runs: list[int]
    words: list[bytes]
    url: str

    def without(self, known: set[int]) -> Iterator["_Passage"]:
        """What is left of it between runs that are known."""
        for is_known, places in groupby(range(len(self.runs)), lambda place: self.runs[place] in known):
            if not is_known:
                taken = list(places)
                words = self.words[taken[0] : taken[-1] + WORDS]
                yield _Passage(self.runs[taken[0] : taken[-1] + 1], words, self.url)


def measure(source: Source) -> Numbers:
    """`lines` and `passages`, each with the number of documents that have it and one of them."""
    manifest = source.manifest("shards")
    rows = {part.file: part.rows for part in manifest.partitions} if manifest else {}
    first, left = dict[str, int](), MOST_DOCUMENTS
    for file, documents in rows.items():
        if left > 0:
            first[file] = min(left, documents)
            left -= documents
    return {
        "documents": sum(rows.values()),
        "lines": _lines(source, sum(rows.values())),
        "documents_searched": sum(first.values()),
        "passages": _passages(source, first),
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


def _groups(source: Source, file: str) -> Iterator[list[dict[str, Any]]]:
    for _, rows in source.row_groups("shards", file, ["text", "url", "domain"]):
        yield rows.to_pylist()


def _first(source: Source, file: str, documents: int) -> Iterator[list[dict[str, Any]]]:
    """The first documents of a shard."""
    for group in _groups(source, file):
        yield group[:documents]
        documents -= len(group)
        if documents <= 0:
            return


def _line_hashes(text: str) -> tuple[list[str], Hashes]:
    """The lines of a text, each once, and their hashes."""
    stripped = (line.strip() for line in text.split("\n"))
    lines = list(dict.fromkeys(line for line in stripped if len(line) >= LEAST_CHARS))
    return lines, np.fromiter(
        (xxhash.xxh3_64_intdigest(line.encode()) for line in lines), np.uint64, len(lines)
    )


def _run_hashes(group: list[dict[str, Any]]) -> Hashes:
    """The hashes of all texts' runs of words, each once a text."""
    hashes, _ = distinct(*shingle_hashes([normalise(row["text"]) for row in group], WORDS))
    return hashes


def _lines(source: Source, documents: int) -> list[dict[str, Any]]:
    mask = frequent.fullest(source.scan("shards", _count_lines))
    known: dict[int, _Line] = {}
    for found in source.scan("shards", _find_lines, mask):
        for each, line in found.items():
            known.setdefault(each, _Line(line.text, line.url)).add(line.documents, line.domains)
    counts = Counter({each: line.documents for each, line in known.items()})
    rows = []
    for each, count in frequent.most(counts, TOP):
        line = known[each]
        domains = min(len(line.domains), MOST_DOMAINS)
        rows.append(_found(line.text, line.url, count, documents, domains))
    return rows


def _count_lines(source: Source, file: str) -> Rough:
    return frequent.count(_line_hashes(row["text"])[1] for group in _groups(source, file) for row in group)


def _find_lines(source: Source, file: str, mask: Mask) -> dict[int, _Line]:
    known: dict[int, _Line] = {}
    for group in _groups(source, file):
        for row in group:
            found, hashes = _line_hashes(row["text"])
            for place in np.flatnonzero(frequent.may_be_frequent(hashes, mask)).tolist():
                line = known.setdefault(int(hashes[place]), _Line(found[place], row["url"]))
                line.add(1, {row["domain"]})
    return known


def _passages(source: Source, first: Mapping[str, int]) -> list[dict[str, Any]]:
    """What the first documents of shards have in common, each where it occurs first."""
    counts, files = Counter[int](), list(first)
    mask = frequent.fullest(source.scan_files(files, _count_runs, first))
    for some in source.scan_files(files, _count_runs_exactly, first, mask):
        counts.update(some)
    wanted = dict(frequent.most(counts, CANDIDATES))
    known, found = set[int](), list[dict[str, Any]]()
    for passages in source.scan_files(files if wanted else [], _find_passages, first, wanted):
        for passage in (rest for whole in passages for rest in whole.without(known)):
            known.update(passage.runs)
            text, count = b" ".join(passage.words).decode(), wanted[passage.runs[0]]
            found.append(_found(text, passage.url, count, sum(first.values())))
    return sorted(found, key=lambda row: (-row["documents"], row["text"]))[:TOP]


def _count_runs(source: Source, file: str, first: Mapping[str, int]) -> Rough:
    return frequent.count(_run_hashes(group) for group in _first(source, file, first[file]))


def _count_runs_exactly(source: Source, file: str, first: Mapping[str, int], mask: Mask) -> Counter[int]:
    counts = Counter[int]()
    for group in _first(source, file, first[file]):
        counts.update(frequent.count_exactly(_run_hashes(group), mask))
    return counts


def _find_passages(
    source: Source, file: str, first: Mapping[str, int], counts: Mapping[int, int]
) -> list[_Passage]:
    """The shard's passages of runs that have these counts; each run is in the first one alone."""
    wanted, found = dict(counts), list[_Passage]()
    for group in _first(source, file, first[file]):
        if not wanted:
            break
        texts = [normalise(row["text"]) for row in group]
        hashes, offsets = shingle_hashes(texts, WORDS)
        owner = np.searchsorted(offsets, np.arange(len(hashes)), side="right") - 1
        for place in np.flatnonzero(np.isin(hashes, np.array(list(wanted), np.uint64))).tolist():
            if int(hashes[place]) not in wanted:
                continue
            runs, count = [int(hashes[place])], wanted.pop(int(hashes[place]))
            while (end := place + len(runs)) < offsets[owner[place] + 1] and (
                wanted.get(each := int(hashes[end])) == count
            ):
                del wanted[each]
                runs.append(each)
            row, start = group[owner[place]], place - int(offsets[owner[place]])
            words = texts[owner[place]].split(b" ")[start : start + len(runs) + WORDS - 1]
            found.append(_Passage(runs, words, row["url"]))
    return found


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
