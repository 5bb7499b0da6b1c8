"""The report's numbers: what each section measures of a corpus, and what is missing."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from webtext.audit.figures import share
from webtext.audit.section import Numbers
from webtext.audit.sections import SECTIONS
from webtext.audit.source import Source

VERSION = 1
# Tables that sections need, and the sentence for one that is not there.
MISSING = {
    "pages": "The pages have not been fetched yet: `webtext crawl` does that.",
    "ledger": "The links have not been accounted for yet: let `webtext crawl` come to its end.",
    "documents": "No text has been extracted yet: `webtext build-shards` does that.",
    "clusters": "Duplicates have not been looked for yet: `webtext build-shards` does that.",
    "shards": "Nothing has been published yet: `webtext build-shards` does that.",
    "tokens": "There are no tokens yet: `webtext build-shards` makes them.",
}
# What comes out of a stage, as the headline names it.
OUTCOMES = {"pages": "pages fetched", "documents": "texts passed", "shards": "documents published"}


def measure(source: Source, done: Callable[[], None]) -> Numbers:
    """All numbers of a corpus that has links, as JSON values; `done` is called after each section.

    They depend on the corpus alone: no clock, no path but the corpus' own name.
    """
    numbers: Numbers = {
        "version": VERSION,
        "corpus": source.corpus.name,
        "recipe": source.corpus.recipe().public().model_dump(mode="json"),
        "missing": [
            {"table": table, "sentence": sentence}
            for table, sentence in MISSING.items()
            if not source.has(table)
        ],
        "summary": _summary(source),
    }
    for section in SECTIONS:
        if section.measure and source.has(*section.needs):
            numbers[section.name] = section.measure(source)
        done()
    return numbers


def _summary(source: Source) -> list[dict[str, Any]]:
    """The headline counts that are known, each as a share of the one before."""
    links = source.manifest("links")
    assert links is not None
    counts = {"submissions": links.counts.into, "links": links.counts.out}
    for table, name in OUTCOMES.items():
        if manifest := source.manifest(table):
            counts[name] = manifest.counts.out
    rows = [_headline("submissions", counts["submissions"])]
    rows += [_headline(name, counts[name], of, counts[of]) for of, name in pairwise(counts)]
    if source.has("tokens"):
        tokens = sum(split["tokens"] for split in source.token_index()["splits"].values())
        rows.append(_headline("tokens", tokens))
    return rows


def _headline(name: str, count: int, of: str | None = None, whole: int = 0) -> dict[str, Any]:
    return {"name": name, "count": count, "share": share(count, whole) if of else None, "of": of}
