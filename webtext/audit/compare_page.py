"""Two corpora side by side: the page, made of `compare`'s numbers and nothing else."""

from typing import Any

from webtext.audit.blocks import BARS, Block, heading, numeric, sentence, table, wide
from webtext.audit.charts import bar
from webtext.audit.figures import number, percent
from webtext.audit.markup import Child, Markup, element, foreign
from webtext.audit.page import document, titled
from webtext.audit.section import Numbers
from webtext.audit.sections.lengths import TITLES

CONTENTS = {
    "counts": "Numbers",
    "shared": "What both have",
    "attrition": "Attrition",
    "domains": "Domains",
    "languages": "Languages",
    "lengths": "Lengths",
    "recipes": "Recipes",
}


def page(numbers: Numbers) -> str:
    """The HTML page of `compare`'s numbers."""
    names = numbers["corpora"]
    bodies = [titled(name, title, VIEWS[name](numbers[name], names)) for name, title in CONTENTS.items()]
    title = element("h1", foreign(names[0]), " and ", foreign(names[1]))
    header = element("header", element("p", "webtext audit · two corpora", class_="kicker"), title)
    return document(f"{names[0]} and {names[1]}: webtext audit", header, CONTENTS, bodies)


def _counts(rows: list[dict[str, Any]], names: list[str]) -> list[Block]:
    headings = [heading("What"), *map(numeric, names), numeric("Ratio")]
    cells = [(row["name"], number(row["a"]), number(row["b"]), _ratio(row)) for row in rows]
    return [wide(table("Totals", headings, cells))]


def _shared(rows: list[dict[str, Any]], names: list[str]) -> list[Block]:
    headings = [heading("What"), *map(numeric, names), numeric("In both")]
    headings += [numeric(f"Of {name}") for name in names]
    cells = [
        (
            row["what"],
            number(row["a"]),
            number(row["b"]),
            number(row["both"]),
            percent(row["a_share"]),
            percent(row["b_share"]),
        )
        for row in rows
    ]
    return [wide(table("Links and documents by URL, texts by their content", headings, cells))]


def _attrition(rows: list[dict[str, Any]], names: list[str]) -> list[Block]:
    headings = [heading("Reason"), heading("Stage"), *_sides(names)]
    cells = [(element("code", row["reason"]), row["table"], *_shares(row)) for row in rows]
    return [wide(table("What was dropped, and its share of what went into the stage", headings, cells))]


def _domains(found: dict[str, Any], names: list[str]) -> list[Block]:
    correlation = found["rank_correlation"]
    said = sentence(
        number(found["distinct"][0]),
        " and ",
        number(found["distinct"][1]),
        " domains, ",
        number(found["in_both"]),
        " in both",
        "." if correlation is None else ("; the order of those correlates by ", number(correlation), "."),
    )
    headings = [heading("Domain"), *_sides(names)]
    cells = [(foreign(row["domain"], 60), *_shares(row)) for row in found["top"]]
    return [said, wide(table(f"The largest domains by {found['of']}", headings, cells))]


def _languages(rows: list[dict[str, Any]], names: list[str]) -> list[Block]:
    headings = [heading("Language"), *map(numeric, names)]
    cells = [(row["language"] or "not detected", percent(row["a"]), percent(row["b"])) for row in rows]
    return [wide(table("Share of extracted texts", headings, cells))]


def _lengths(rows: list[dict[str, Any]], names: list[str]) -> list[Block]:
    headings = [heading("Measure"), heading("Percentile"), *map(numeric, names), numeric("Ratio")]
    cells = [
        (TITLES[row["measure"]], row["point"], number(row["a"]), number(row["b"]), _ratio(row))
        for row in rows
    ]
    return [wide(table("Lengths", headings, cells))]


def _recipes(lines: list[str], _: list[str]) -> list[Block]:
    if not lines:
        return [sentence("Both were made with the same recipe.")]
    return [wide(element("ul", (element("li", foreign(line, 300)) for line in lines)))]


def _sides(names: list[str]) -> list[Any]:
    return [column for name in names for column in (numeric(name), numeric("Share"), BARS)]


def _shares(row: dict[str, Any]) -> list[Child]:
    most = max(row["a_share"] or 0, row["b_share"] or 0)
    cells: list[Child] = []
    for side in ("a", "b"):
        part = row[f"{side}_share"]
        cells += [number(row[side]), percent(part), bar(part / most if part else 0)]
    return cells


def _ratio(row: dict[str, Any]) -> Markup:
    known = row["a"] and row["b"] is not None
    return number(round(row["b"] / row["a"], 3) if known else None)


VIEWS: dict[str, Any] = {
    "counts": _counts,
    "shared": _shared,
    "attrition": _attrition,
    "domains": _domains,
    "languages": _languages,
    "lengths": _lengths,
    "recipes": _recipes,
}
