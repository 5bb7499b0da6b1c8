"""Lengths: how long the texts are, before and after the filters, in words and in tokens."""

from collections import Counter
from typing import Any

import pyarrow.compute as pc

from webtext.audit.blocks import Block, Figure, heading, legend, numeric, sentence, table, wide
from webtext.audit.charts import columns
from webtext.audit.figures import number
from webtext.audit.histograms import as_columns, as_table
from webtext.audit.markup import Child, Markup
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import add_values, count, distribution
from webtext.reasons import KEEP

TITLES = {
    "words_extracted": "Words, all extracted texts",
    "words_passed": "Words, texts passed",
    "words_refused": "Words, texts refused",
    "words_published": "Words, published",
    "tokens_published": "Tokens, published",
}

SHOWN = ("p1", "p10", "p25", "p50", "p75", "p90", "p99")


def measure(source: Source) -> Numbers:
    """A distribution for each of TITLES that the corpus has."""
    passed, refused, words, tokens = (Counter[Any]() for _ in range(4))
    for of_passed, of_refused in source.scan("documents", _of_documents):
        passed.update(of_passed)
        refused.update(of_refused)
    for of_words, of_tokens in source.scan("shards", _of_shards):
        words.update(of_words)
        tokens.update(of_tokens)
    measured = zip(TITLES, (passed + refused, passed, refused, words, tokens), strict=True)
    return {name: found for name, counts in measured if (found := distribution(counts))["count"]}


def _of_documents(source: Source, file: str) -> tuple[Counter[Any], Counter[Any]]:
    """Of those that passed, and of those that were refused."""
    passed, refused = Counter[Any](), Counter[Any]()
    for batch in source.partition("documents", file, ["words", "verdict"]):
        words, passes = batch.column("words"), pc.equal(batch.column("verdict"), KEEP)
        add_values(passed, words.filter(passes))
        add_values(refused, words.filter(pc.invert(passes)))
    return passed, refused


def _of_shards(source: Source, file: str) -> list[Counter[Any]]:
    return count(source.partition("shards", file, ["words", "tokens"]), "words", "tokens")


def view(numbers: Numbers) -> list[Block]:
    if not numbers:
        return [sentence("No text was extracted.")]
    blocks: list[Block] = []
    if "words_extracted" in numbers:
        layers = {
            "pass the filters": _histogram(numbers, "words_passed"),
            "are refused": _histogram(numbers, "words_refused"),
        }
        caption = ("Words per extracted text", legend(kept="passes the filters", lost="refused"))
        blocks.append(_figure("lengths-words", "Words per extracted text", caption, layers, "words"))
    if tokens := numbers.get("tokens_published"):
        layers = {"documents": tokens["histogram"]}
        title = "Tokens per published document"
        blocks.append(_figure("lengths-tokens", title, title, layers, "tokens"))
    return [*blocks, wide(_percentiles(numbers))]


def _figure(
    name: str, title: str, caption: Child, layers: dict[str, list[dict[str, Any]]], unit: str
) -> Figure:
    bars = as_columns(layers, unit)
    chart = columns(name, title, bars, parts=list(layers), axis=f"{unit} (log scale)")
    return Figure(name, chart, caption, as_table(title, layers, unit))


def _histogram(numbers: Numbers, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = numbers.get(name, {}).get("histogram", [])
    return found


def _percentiles(numbers: Numbers) -> Markup:
    headings = [heading("Measure"), numeric("Documents"), numeric("Mean"), numeric("Least")]
    headings += [numeric("Median" if rank == "p50" else rank) for rank in SHOWN] + [numeric("Most")]
    rows = [
        (
            TITLES[name],
            number(found["count"]),
            number(found["mean"]),
            number(found["min"]),
            *(number(found["percentiles"][rank]) for rank in SHOWN),
            number(found["max"]),
        )
        for name, found in numbers.items()
    ]
    return table("Lengths: percentiles by nearest rank", headings, rows)


SECTION = Section("lengths", "Lengths", ("documents",), measure, view, ("lengths-words", "lengths-tokens"))
