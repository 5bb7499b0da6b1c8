"""Overlap: how much of each test set is in the corpus, beside the paper's Table 6.

The numbers are measured by `pipelines.overlap`: they need the test files, which are not of the corpus.
"""

from typing import Any

from webtext.audit.blocks import BARS, Block, folded, heading, numeric, sentence, table, wide
from webtext.audit.charts import bar
from webtext.audit.figures import number, percent, size
from webtext.audit.markup import Child, Markup, element, foreign
from webtext.audit.section import Numbers, Section

SHOWN = 20  # examples of a file


def view(numbers: Numbers) -> list[Block]:
    blocks: list[Block] = [wide(_files(numbers)), sentence(_how(next(iter(numbers.values()))))]
    for name, found in numbers.items():
        blocks.append(wide(_deciles(name, found)))
        if found["examples"]:
            blocks.append(wide(folded(f"{name}: the examples that overlap most", _examples(name, found))))
    return blocks


def _files(numbers: Numbers) -> Markup:
    headings = [heading("Test set"), numeric("8-grams"), numeric("Overlapping"), numeric("This corpus"), BARS]
    headings += [numeric("Own training set"), heading("Paper’s name"), numeric("WebText (paper)")]
    headings += [numeric("Own (paper)")]
    rows = [
        (
            foreign(name, 60),
            number(found["ngrams"]),
            number(found["overlapping"]),
            percent(_share(found)),
            bar(_share(found) or 0, "lost"),
            percent(_share(found["own"]) if found["own"] else None),
            *_paper(found["paper"]),
        )
        for name, found in numbers.items()
    ]
    return table("8-grams of test sets that are in the corpus (GPT-2 paper, Table 6)", headings, rows)


def _share(found: dict[str, Any]) -> float | None:
    """None for a file without an 8-gram."""
    return None if found["percent"] is None else float(found["percent"]) / 100


def _paper(row: dict[str, Any] | None) -> tuple[Child, Child, Child]:
    if row is None:
        return "–", percent(None), percent(None)
    return row["name"], percent(row["webtext"] / 100), percent(row["own"] / 100)


def _how(found: dict[str, Any]) -> list[Child]:
    told: list[Child] = ["The corpus has ", number(found["corpus_ngrams"]), " 8-grams. "]
    if filter := found["filter"]:
        told += [
            number(filter["filters"]),
            " Bloom filters" if filter["filters"] > 1 else " Bloom filter",
            " of ",
            size(filter["bytes"]),
            " together held them, and took ",
            number(filter["false_positives"]),
            " of ",
            number(filter["random_strings"]),
            " random strings for one of them.",
        ]
    else:
        told.append("Each was compared with those of the test sets, by 64 bits of hash.")
    return told


def _deciles(name: str, found: dict[str, Any]) -> Markup:
    caption = (
        f"{name}: {found['examples_overlapping']:,} of the {found['examples_measured']:,} examples that have "
        "an 8-gram overlap"
    )
    headings = [heading("Of an example's 8-grams"), numeric("Examples"), BARS]
    most = max((row["examples"] for row in found["example_deciles"]), default=0)
    rows = [
        (
            f"up to {row['up_to_percent']} %" if row["up_to_percent"] else "none",
            number(row["examples"]),
            bar(row["examples"] / most if most else 0),
        )
        for row in found["example_deciles"]
    ]
    return table(caption, headings, rows)


def _examples(name: str, found: dict[str, Any]) -> Markup:
    headings = [
        numeric("Example"),
        numeric("8-grams"),
        numeric("Overlapping"),
        numeric("Share"),
        heading("Text"),
    ]
    rows = [
        (
            number(row["example"]),
            number(row["ngrams"]),
            number(row["overlapping"]),
            percent(row["percent"] / 100),
            element("span", foreign(row["text"], 300)),
        )
        for row in found["examples"][:SHOWN]
    ]
    return table(f"{name}: lines or rows by the share of their 8-grams", headings, rows)


SECTION = Section("overlap", "Overlap with test sets", ("shards",), None, view)
