"""Personal data: how much of it the texts that passed have, by its form."""

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
    found = {kind: {"documents": 0, "count": 0} for kind in NAMES}
    documents = 0
    columns = {kind: f"pii_{kind}" for kind in NAMES}
    for batch in source.batches("documents", ["verdict", *columns.values()]):
        rows = batch.filter(pc.equal(batch.column("verdict"), KEEP))
        documents += rows.num_rows
        for kind, column in columns.items():
            counts = pc.fill_null(rows.column(column), 0)
            found[kind]["documents"] += pc.sum(pc.greater(counts, 0)).as_py() or 0
            found[kind]["count"] += pc.sum(counts).as_py() or 0
    masked = source.corpus.recipe().filter.masked
    kinds = [
        {"kind": kind, **numbers, "share": share(numbers["documents"], documents), "masked": kind in masked}
        for kind, numbers in found.items()
    ]
    return {"documents": documents, "kinds": kinds}


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
