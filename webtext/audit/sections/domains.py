"""Domains: who the corpus is made of, and how much of it the largest ones hold."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import BARS, Block, Figure, heading, legend, numeric, table, wide
from webtext.audit.charts import STROKES, Curve, bar, curves
from webtext.audit.figures import number, percent, share
from webtext.audit.markup import Child, Markup, element, foreign
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import Sums, flags, ones, summed
from webtext.reasons import State

TOP = 30  # domains, by links and by text
RANKS = tuple(step * 10**power for power in range(9) for step in (1, 2, 5))
BY_LINKS, BY_TEXT = ("links", "fetched", "kept"), ("documents", "words", "tokens")


def measure(source: Source) -> Numbers:
    links, texts = _links(source), _texts(source)
    unit = _unit(texts)
    columns = [*BY_LINKS, *(BY_TEXT if unit else ())]
    numbers: Numbers = {
        "distinct": links.num_rows,
        "links": _total(links, "links"),
        "has_pages": source.has("pages", "ledger"),
        "share_of": unit,
        "concentration": {"links": _concentration(links, "links")},
    }
    if unit:
        numbers["distinct_published"] = texts.num_rows
        numbers["concentration"][unit] = _concentration(texts, unit)
    rows = _together(links, texts)
    top = _largest(rows, "links") | (_largest(rows, unit) if unit else set())
    totals = {name: _total(rows, name) for name in ("links", unit) if name}
    found = rows.filter(pc.is_in(rows.column("domain"), pa.array(sorted(top), pa.string())))
    numbers["top"] = [
        {name: row[name] for name in ("domain", *columns)}
        | {f"share_of_{name}": share(row[name], total) for name, total in totals.items()}
        for row in found.sort_by([(unit or "links", "descending"), ("domain", "ascending")]).to_pylist()
    ]
    return numbers


def view(numbers: Numbers) -> list[Block]:
    if not numbers["top"]:
        return [_said(numbers)]
    concentration = numbers["concentration"]
    drawn = [
        Curve(f"share of {name}", tuple((point["rank"], point["share"]) for point in points))
        for name, points in concentration.items()
        if points
    ]
    chart = curves("domains", "How concentrated the domains are", drawn, axis="the largest domains, by rank")
    caption = (
        "Share that the largest domains hold",
        legend(**{c: f"of {n}" for c, n in zip(STROKES, concentration, strict=False)}),
    )
    figure = Figure("domains", chart, caption, _points(concentration))
    return [figure, _said(numbers), wide(_top(numbers))]


def _links(source: Source) -> pa.Table:
    return summed("domain", BY_LINKS, source.scan("links", _of_links))


def _of_links(source: Source, file: str) -> pa.Table:
    sums = Sums("domain", BY_LINKS)
    for batch, fates in source.links(file, ["domain"]):
        state, stage = fates.field("state"), fates.field("stage")
        unseen = pc.or_(pc.equal(state, str(State.UNFETCHED)), pc.equal(stage, "pages"))
        columns = [ones(batch.num_rows), flags(pc.invert(unseen)), flags(pc.equal(state, str(State.KEPT)))]
        sums.add(pa.table([batch.column("domain"), *columns], names=["domain", *BY_LINKS]))
    return sums.table()


def _texts(source: Source) -> pa.Table:
    return summed("domain", BY_TEXT, source.scan("shards", _of_texts))


def _of_texts(source: Source, file: str) -> pa.Table:
    sums = Sums("domain", BY_TEXT)
    for batch in source.partition("shards", file, ["domain", "words", "tokens"]):
        columns = [ones(batch.num_rows), batch.column("words"), batch.column("tokens")]
        sums.add(pa.table([batch.column("domain"), *columns], names=["domain", *BY_TEXT]))
    return sums.table()


def _unit(texts: pa.Table) -> str | None:
    """What the share of a domain is measured in: tokens, or words where tokens are not known."""
    return next((name for name in ("tokens", "words") if _total(texts, name)), None)


def _together(links: pa.Table, texts: pa.Table) -> pa.Table:
    """A row per domain of links, with 0 for what it has no text of."""
    rows = pc.index_in(links.column("domain"), texts.column("domain"))
    for name in BY_TEXT:
        links = links.append_column(name, pc.fill_null(texts.column(name).take(rows), 0))
    return links


def _largest(rows: pa.Table, column: str) -> set[str]:
    order = rows.sort_by([(column, "descending"), ("domain", "ascending")])
    return set(order.slice(0, TOP).column("domain").to_pylist())


def _concentration(rows: pa.Table, column: str) -> list[dict[str, Any]]:
    """The share of the largest 1, 2, 5, 10 … domains, and of all."""
    values = np.sort(rows.column(column).to_numpy())[::-1]
    total = int(values.sum())
    if not total:
        return []
    sums = np.cumsum(values)
    ranks = [rank for rank in RANKS if rank < len(values)]
    return [{"rank": r, "share": share(int(sums[r - 1]), total)} for r in [*ranks, len(values)]]


def _total(rows: pa.Table, column: str) -> int:
    return pc.sum(rows.column(column)).as_py() or 0


def _said(numbers: Numbers) -> Markup:
    lines = [element("p", number(numbers["distinct"]), " domains hold ", number(numbers["links"]), " links.")]
    for name, points in numbers["concentration"].items():
        known = {point["rank"]: point["share"] for point in points}
        told = [
            (
                f"the {rank} largest " if rank > 1 else "The largest domain holds ",
                percent(known[rank]),
                f" of all {name}" if rank == 1 else "",
            )
            for rank in (1, 10, 100)
            if rank in known
        ]
        commas = [(", " if i else "", part) for i, part in enumerate(told)]
        lines.append(element("p", commas, "."))
    return element("div", lines, class_="said")


def _points(concentration: dict[str, list[dict[str, Any]]]) -> Markup:
    ranks = sorted({point["rank"] for points in concentration.values() for point in points})
    shares = {name: {p["rank"]: p["share"] for p in points} for name, points in concentration.items()}
    headings = [numeric("Domains"), *(numeric(f"Share of {name}") for name in concentration)]
    rows = [(number(rank), *(percent(known.get(rank)) for known in shares.values())) for rank in ranks]
    return table("Share held by the largest domains", headings, rows)


def _top(numbers: Numbers) -> Markup:
    unit = numbers["share_of"]
    headings = [heading("Domain"), numeric("Links"), numeric("Share of links")]
    if numbers["has_pages"]:
        headings += [numeric("Fetched"), numeric("Kept")]
    if unit:
        headings += [numeric("Words"), numeric("Tokens"), numeric(f"Share of {unit}"), BARS]
    # 1.0: no text is of these links
    most = max(row[f"share_of_{unit or 'links'}"] for row in numbers["top"]) or 1.0
    which = "most links and those with the most text" if unit else "most links"
    return table(
        f"The domains with the {which}", headings, [_domain(row, numbers, most) for row in numbers["top"]]
    )


def _domain(row: dict[str, Any], numbers: Numbers, most: float) -> list[Child]:
    cells: list[Child] = [foreign(row["domain"], 60), number(row["links"]), percent(row["share_of_links"])]
    if numbers["has_pages"]:
        cells += [number(row["fetched"]), number(row["kept"])]
    if unit := numbers["share_of"]:
        part = row[f"share_of_{unit}"]
        cells += [number(row["words"]), number(row["tokens"]), percent(part), bar(part / most)]
    return cells


SECTION = Section("domains", "Domains", ("links",), measure, view, ("domains",))
