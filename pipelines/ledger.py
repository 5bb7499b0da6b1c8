"""The ledger's partitions: one per partition of links, from whatever tables stand on them so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from webtext import ledger, parquet, schemas
from webtext.corpus import Corpus
from webtext.engine import Report
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Part
from webtext.stage import Plan, Work
from webtext.table import partition_name

VERSION = 1
COLUMNS = {
    "pages": ["id", "state", "detail"],
    "documents": ["id", "verdict", "detail"],
    "clusters": ["id", "kept", "duplicate", "cluster", "similarity"],
    "clusters/paragraphs": ["id", "kept", "words"],
    "clusters/contaminated": ["id", "file", "example", "shared", "overlap"],
}


@dataclass(frozen=True)
class Item:
    root: Path
    file: str
    key: str
    tables: tuple[str, ...]  # those of COLUMNS that are up to date
    published: bool


def plan(corpus: Corpus, current: Sequence[str]) -> Plan:
    """`current` names the tables that are up to date, in their order; what follows them is pending."""
    links = corpus.table("links").published()
    tables = tuple(name for name in COLUMNS if name in current)
    published = "shards" in current
    read = [corpus.table(name).manifest() for name in ("links", *tables)]
    inputs = fingerprint([manifest.hash for manifest in read if manifest], published)
    works = []
    for number, part in enumerate(links.partitions):
        file = partition_name(number)
        key = fingerprint(VERSION, inputs)
        works.append(Work(file, key, Item(corpus.root, file, key, tables, published), part.rows))
    return Plan("ledger", VERSION, fingerprint(), inputs, write_parts, tuple(works))


def write_parts(items: Sequence[Item], report: Report) -> list[Part]:
    return [_write_part(item, report) for item in items]


def _write_part(item: Item, report: Report) -> Part:
    corpus = Corpus(item.root)
    links = corpus.table("links").read(item.file, ["id", "url"])
    read = {name: corpus.table(name).read(item.file, COLUMNS[name]) for name in item.tables}
    tables = [read.get(name) for name in COLUMNS]
    rows = ledger.entries(links, *tables, published=item.published)
    path = corpus.table("ledger").folder / item.file
    written = parquet.write(path, schemas.LEDGER, [rows], row_group_rows=parquet.NARROW_ROWS)
    report(rows.num_rows, {})
    counts = Counts(into=links.num_rows, out=rows.num_rows)
    return Part(item.file, item.key, written.rows, written.bytes, written.hash, counts)
