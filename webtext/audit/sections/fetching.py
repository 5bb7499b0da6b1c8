"""Fetching: what the servers answered, from which sources, in which types, charsets and sizes."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import BARS, Block, Figure, heading, numeric, table
from webtext.audit.charts import bar, columns
from webtext.audit.figures import number, percent, size
from webtext.audit.histograms import as_columns, as_table
from webtext.audit.markup import Child, foreign
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import add_all, add_values, distribution, ranking
from webtext.reasons import FETCHED

TOP = 15  # values of each
OF_LINKS = {"http_status": "Status of the last answer", "attempts": "Attempts"}
OF_PAGES = {
    "source": "Source",
    "redirects": "Redirects followed",
    "content_type": "Content type",
    "charset": "Charset as declared",
}


def measure(source: Source) -> Numbers:
    """`of_links` counts all links, `of_pages` those that were fetched; null is what had no such value."""
    links: dict[str, Counter[Any]] = {}
    pages: dict[str, Counter[Any]] = {}
    for of_links, of_pages in source.scan("pages", _of_pages):
        add_all(links, of_links)
        add_all(pages, of_pages)
    lengths = pages.pop("bytes", Counter())
    return {
        "of_links": {name: _ranked(links.get(name, Counter())) for name in OF_LINKS},
        "of_pages": {name: _ranked(pages.get(name, Counter())) for name in OF_PAGES},
        "bytes": distribution(lengths),
    }


def _of_pages(source: Source, file: str) -> tuple[dict[str, Counter[Any]], dict[str, Counter[Any]]]:
    links = {name: Counter[Any]() for name in OF_LINKS}
    pages = {name: Counter[Any]() for name in (*OF_PAGES, "bytes")}
    for batch in source.partition("pages", file, ["state", *links, *pages]):
        for name, counter in links.items():
            add_values(counter, batch.column(name))
        rows = pa.Table.from_batches([batch]).filter(pc.field("state") == FETCHED)
        for name, counter in pages.items():
            add_values(counter, rows.column(name))
    return links, pages


def view(numbers: Numbers) -> list[Block]:
    tables = [
        _table(f"{title} (all links)", numbers["of_links"][name]) for name, title in OF_LINKS.items()
    ] + [_table(f"{title} (fetched pages)", numbers["of_pages"][name]) for name, title in OF_PAGES.items()]
    found = numbers["bytes"]
    if not found["count"]:
        return tables
    layers = {"pages": found["histogram"]}
    title = "Bytes per fetched page"
    chart = columns("bytes", title, as_columns(layers, "bytes"), parts=["pages"], axis="bytes (log scale)")
    together = (title, ": ", size(found["sum"]), " together, ", size(found["mean"]), " on average")
    return [Figure("bytes", chart, together, as_table(title, layers, "bytes")), *tables]


def _ranked(counter: Counter[Any]) -> dict[str, Any]:
    return {"distinct": len(counter), "top": ranking(counter, TOP)}


def _table(caption: str, found: dict[str, Any]) -> Block:
    headings = [heading("Value"), numeric("Count"), numeric("Share"), BARS]
    if found["distinct"] > TOP:
        caption = f"{caption}: the {TOP} most frequent of {found['distinct']:,}"
    rows = [
        (_value(row["value"]), number(row["count"]), percent(row["share"]), bar(row["share"]))
        for row in found["top"]
    ]
    return table(caption, headings, rows)


def _value(value: Any) -> Child:
    return "none" if value is None else foreign(str(value), 60)


SECTION = Section("fetching", "Fetching", ("pages",), measure, view, ("bytes",))
