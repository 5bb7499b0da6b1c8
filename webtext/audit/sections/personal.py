"""Personal data: how much of it the texts that passed have, by its form."""

from collections import Counter
from typing import Any

import pyarrow.compute as pc

from webtext.audit.blocks import Block, heading, numeric, table, wide
from webtext.audit.figures import number, percent, share
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.reasons import KEEP

NAMES = {
    "email": "E-mail addresses",
    "phone": "Phone numbers",
    "ip": "IP addresses",
    "iban": "Bank accounts (IBAN)",
    "card": "Payment cards",
}


def measure(source: Source) -> Numbers:
    """Over all documents that passed the filters, before anything is masked."""
    documents, having, count = 0, Counter[str](), Counter[str]()
    for rows, some, counts in source.scan("documents", _of_documents):
        documents += rows
        having.update(some)
        count.update(counts)
    masked = source.corpus.recipe().filter.masked
    kinds = [
        {
            "kind": kind,
            "documents": having[kind],
            "count": count[kind],
            "share": share(having[kind], documents),
            "masked": kind in masked,
        }
        for kind in NAMES
    ]
    return {"documents": documents, "kinds": kinds}


def _of_documents(source: Source, file: str) -> tuple[int, Counter[str], Counter[str]]:
    """How many passed, how many of them have each kind, and how often."""
    documents, having, count = 0, Counter[str](), Counter[str]()
    columns = {kind: f"pii_{kind}" for kind in NAMES}
    for batch in source.partition("documents", file, ["verdict", *columns.values()]):
        rows = batch.filter(pc.equal(batch.column("verdict"), KEEP))
        documents += rows.num_rows
        for kind, column in columns.items():
            counts = pc.fill_null(rows.column(column), 0)
            having[kind] += pc.sum(pc.greater(counts, 0)).as_py() or 0
            count[kind] += pc.sum(counts).as_py() or 0
    return documents, having, count


def view(numbers: Numbers) -> list[Block]:
    headings = [
        heading("Kind"),
        numeric("Found"),
        numeric("In documents"),
        numeric("Share"),
        heading("Published"),
    ]
    caption = f"Personal data by its form in {numbers['documents']:,} texts that passed"
    return [wide(table(caption, headings, [_kind(row) for row in numbers["kinds"]]))]


def _kind(row: dict[str, Any]) -> tuple[str, ...]:
    fate = "masked" if row["masked"] else "as it stands"
    return NAMES[row["kind"]], number(row["count"]), number(row["documents"]), percent(row["share"]), fate


SECTION = Section("personal", "Personal data", ("documents",), measure, view)
