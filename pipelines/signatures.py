"""clusters/signatures: a partition per partition of documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.scratch import SIGNATURES
from webtext import parquet
from webtext.corpus import Corpus
from webtext.dedup.minhash import ALGORITHM
from webtext.dedup.normalise import UNICODE_VERSION
from webtext.dedup.signatures import schema, sign
from webtext.engine import Report
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Part
from webtext.recipe import Recipe
from webtext.sections import Dedup
from webtext.stage import Plan, Work

VERSION = 4
BATCH_DOCUMENTS = 200  # texts held in memory at once


@dataclass(frozen=True)
class Item:
    root: Path
    file: str
    key: str
    settings: Dedup


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """A partition of signatures for each of documents."""
    documents, links = corpus.table("documents").published(), corpus.table("links").published()
    link_hashes = {part.file: part.hash for part in links.partitions}
    says = _says(recipe.dedup)
    works = []
    for part in documents.partitions:
        key = fingerprint(VERSION, says, part.hash, link_hashes[part.file])
        works.append(Work(part.file, key, Item(corpus.root, part.file, key, recipe.dedup), part.counts.out))
    return Plan(SIGNATURES, VERSION, says, fingerprint(documents.hash, links.hash), write_parts, tuple(works))


def write_parts(items: Sequence[Item], report: Report) -> list[Part]:
    return [_write_part(item, report) for item in items]


def texts(corpus: Corpus, file: str) -> Iterator[pa.RecordBatch]:
    """The id, text and verdict of a documents partition, in batches that fit in memory."""
    return corpus.table("documents").batches(file, BATCH_DOCUMENTS, ["id", "text", "verdict"])


def _says(settings: Dedup) -> str:
    """What the recipe says to signatures; the threshold, for one, is not their business."""
    fold = sorted(settings.fold)
    if "near" not in settings.methods:
        return fingerprint(UNICODE_VERSION, fold)
    sizes = [settings.shingle_words, settings.permutations, settings.bands, settings.rows]
    return fingerprint(UNICODE_VERSION, fold, ALGORITHM, sizes, settings.verify == "signature")


def _write_part(item: Item, report: Report) -> Part:
    corpus = Corpus(item.root)
    links = corpus.table("links").read(item.file, ["id", "first_posted", "karma"])
    tables = []
    for table in sign(texts(corpus, item.file), links, item.settings):
        tables.append(table)
        report(table.num_rows, {})
    columns = schema(item.settings)
    rows = pa.concat_tables(tables or [columns.empty_table()]).sort_by("id")
    path = corpus.table(SIGNATURES).folder / item.file
    written = parquet.write(path, columns, [rows], row_group_rows=parquet.NARROW_ROWS)
    counts = Counts(into=rows.num_rows, out=rows.num_rows)
    return Part(item.file, item.key, written.rows, written.bytes, written.hash, counts)
