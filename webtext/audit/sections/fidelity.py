"""Fidelity: the links' domains beside those of WebText, of which OpenAI published the 1,000 with most links.

Its list (`domains.txt` of openai/gpt-2) has a count and a label a line, the label without the public suffix:
"google" is google.com with google.co.uk. Shares are of the listed labels' links alone, on both sides.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from webtext.audit.blocks import BARS, Block, heading, numeric, sentence, table, wide
from webtext.audit.charts import bar
from webtext.audit.figures import number, percent, share
from webtext.audit.markup import Child, Markup, foreign
from webtext.audit.rank_correlation import spearman
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import count
from webtext.errors import UserError, why
from webtext.links.hosts import label_of

TOP = 30  # labels of each table
RANKS = (10, 100, 1000)


def read(path: Path) -> Counter[str]:
    """The published counts. Raises UserError for a file that is not such a list."""
    listed = Counter[str]()
    try:
        lines = path.read_text("utf-8-sig").splitlines()  # some editors write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({why(error)}); give OpenAI's domains.txt") from None
    for line_number, line in enumerate(lines, 1):
        match line.split():
            case []:
                continue
            case [links] if links.isdecimal():  # a label that was lost: the published list has one
                continue
            case [links, label] if links.isdecimal():
                listed[label] += int(links)
            case [label, links] if links.isdecimal():
                listed[label] += int(links)
            case _:
                found = f"not a count and a label: {line[:60]!r}"
                raise UserError(f"{path}:{line_number}: {found}; give OpenAI's domains.txt")
    if not listed:
        raise UserError(f"{path}: has no line with a count and a label; give OpenAI's domains.txt")
    return listed


def measure(source: Source, listed: Counter[str]) -> Numbers:
    ours = Counter[str]()
    for domains in source.scan("links", _domains):
        for domain, links in domains.items():
            ours[label_of(domain)] += links
    both = sorted(ours.keys() & listed.keys())
    totals = listed.total(), sum(ours[label] for label in both)
    rows = [_row(label, listed, ours, totals) for label in sorted(listed)]
    order, theirs = _ranked(ours), _ranked(listed)
    measured = (row for row in rows if row["links"] and row["webtext_links"])
    ratios = sorted(measured, key=lambda row: (row["ratio"], row["label"]))
    missing = [row for row in rows if not row["links"]]
    return {
        "listed": len(listed),
        "listed_links": totals[0],
        "labels": len(ours),
        "links": ours.total(),
        "in_both": len(both),
        "links_in_both": totals[1],
        "top_shared": [{"top": n, "shared": len({*order[:n]} & {*theirs[:n]})} for n in RANKS],
        "rank_correlation": spearman([ours[label] for label in both], [listed[label] for label in both]),
        "missing": sorted(missing, key=lambda row: (-row["webtext_links"], row["label"]))[:TOP],
        "missing_count": len(missing),
        "under": [row for row in ratios if row["ratio"] < 1][:TOP],
        "over": [row for row in ratios[::-1] if row["ratio"] > 1][:TOP],
        "unlisted": [
            {"label": label, "links": ours[label]} for label in order if label not in listed
        ][:TOP],
    }  # fmt: skip


def _domains(source: Source, file: str) -> Counter[str]:
    return count(source.partition("links", file, ["domain"]), "domain")[0]


def view(numbers: Numbers) -> list[Block]:
    shared = [(number(row["shared"]), f" of the top {row['top']:,}, ") for row in numbers["top_shared"]]
    said = sentence(
        "OpenAI’s list has ",
        number(numbers["listed"]),
        " labels; this corpus has ",
        number(numbers["in_both"]),
        " of them, with ",
        percent(share(numbers["links_in_both"], numbers["links"])),
        " of its links. In common are ",
        shared,
        "and their order correlates by ",
        number(numbers["rank_correlation"]),
        " (Spearman).",
    )
    tables = {
        "over": "Over-represented here: the largest share against WebText’s",
        "under": "Under-represented here: the smallest",
        "missing": f"Missing here: the largest of {numbers['missing_count']:,}",
    }
    blocks: list[Block] = [said]
    blocks += [wide(_compared(caption, numbers[name])) for name, caption in tables.items() if numbers[name]]
    headings = [heading("Label"), numeric("Links")]
    rows = [(foreign(row["label"], 60), number(row["links"])) for row in numbers["unlisted"]]
    return [*blocks, table("The largest here that are not on the list", headings, rows)]


def _row(label: str, listed: Counter[str], ours: Counter[str], totals: tuple[int, int]) -> dict[str, Any]:
    there, here = listed[label], ours[label]
    return {
        "label": label,
        "webtext_links": there,
        "webtext_share": share(there, totals[0]),
        "links": here,
        "share": share(here, totals[1]),
        "ratio": round(here * totals[0] / (there * totals[1]), 4) if there and totals[1] else None,
    }


def _ranked(counter: Counter[str]) -> list[str]:
    return sorted(counter, key=lambda label: (-counter[label], label))


def _compared(caption: str, rows: list[dict[str, Any]]) -> Markup:
    headings = [heading("Label"), numeric("Links in WebText"), numeric("Share"), BARS]
    headings += [numeric("Links here"), numeric("Share"), BARS, numeric("Ratio")]
    most = max(max(row["share"], row["webtext_share"]) for row in rows) or 1.0
    cells: list[list[Child]] = [
        [
            foreign(row["label"], 60),
            number(row["webtext_links"]),
            percent(row["webtext_share"]),
            bar(row["webtext_share"] / most),
            number(row["links"]),
            percent(row["share"]),
            bar(row["share"] / most),
            number(row["ratio"]),
        ]
        for row in rows
    ]
    return table(caption, headings, cells)


SECTION = Section("fidelity", "Domains beside WebText’s", ("links",), None, view)
