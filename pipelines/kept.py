"""The documents that a corpus keeps, as they are published, read partition by partition.

Here is where paragraphs that a domain repeats are taken out, then `filter.mask_pii` is applied, then
documents that hold examples of test sets are left out: documents/ holds each text as it was found, and
duplicates are looked for in that; all that is made of the kept ones (census, vocabulary, shards, tokens) has
it changed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.corpus import Corpus
from webtext.dedup.paragraphs import drop
from webtext.errors import RunFailed
from webtext.extract import pii
from webtext.recipe import Recipe

BATCH_ROWS = 1000
CONTAMINATED = "clusters/contaminated"  # there only where the recipe names test sets
PARAGRAPHS = "clusters/paragraphs"  # there only where repeated paragraphs are taken out


def documents(corpus: Corpus, file: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The kept documents of one partition, some at a time, in the table's order; `columns` has `id`, and
    `text` where it has `words`."""
    left_out = corpus.table(CONTAMINATED)
    ids = left_out.read(file, ["id"])["id"] if left_out.is_published else pa.array([], pa.string())
    for table in cleaned(corpus, file, columns):
        yield table.filter(pc.invert(pc.is_in(table["id"], ids)))


def cleaned(corpus: Corpus, file: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The same, before those that hold examples of test sets are left out."""
    kinds, changes = corpus.recipe().filter.masked, _changes(corpus, file)
    for table in whole_documents(corpus, file, columns):
        if changes:
            table = _without_paragraphs(table, changes)
        if kinds and "text" in columns:
            table = _with_texts(table, [pii.mask(text, kinds) for text in table["text"].to_pylist()])
        yield table


def whole_documents(corpus: Corpus, file: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The documents of one partition that its clusters keep, as they were extracted."""
    clusters = corpus.table("clusters").read(file, ["id", "kept"])
    ids = set(clusters.filter(clusters["kept"])["id"].to_pylist())
    texts = corpus.table("documents")
    found = 0
    for batch in texts.batches(file, BATCH_ROWS, columns):
        is_kept = pa.array([id in ids for id in batch["id"].to_pylist()], pa.bool_())
        table = pa.Table.from_batches([batch]).filter(is_kept)
        found += table.num_rows
        yield table
    if found != len(ids):
        raise RunFailed(
            f"{texts.folder / file}: {len(ids) - found:,} of the documents that clusters keeps are not in it"
        )


def partitions(corpus: Corpus) -> list[str]:
    """The file names that `documents` takes."""
    return [part.file for part in corpus.table("documents").published().partitions]


def hashes(corpus: Corpus, recipe: Recipe) -> list[str]:
    """What the kept documents depend on."""
    optional = [corpus.table(name).manifest() for name in (PARAGRAPHS, CONTAMINATED)]
    return [
        *(corpus.table(name).published().hash for name in ("documents", "clusters")),
        *(manifest.hash for manifest in optional if manifest),
        *recipe.filter.masked,
    ]


def _changes(corpus: Corpus, file: str) -> dict[str, Any]:
    table = corpus.table(PARAGRAPHS)
    return {row["id"]: row for row in table.read(file).to_pylist()} if table.is_published else {}


def _without_paragraphs(table: pa.Table, changes: dict[str, Any]) -> pa.Table:
    left = [id not in changes or changes[id]["kept"] for id in table["id"].to_pylist()]
    table = table.filter(pa.array(left, pa.bool_()))
    if "text" not in table.column_names:
        return table
    rows = zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)
    texts = [drop(text, changes[id]["removed"]).text if id in changes else text for id, text in rows]
    return _with_texts(table, texts)


def _with_texts(table: pa.Table, texts: list[str]) -> pa.Table:
    columns = {"text": pa.array(texts, table.schema.field("text").type)}
    if "words" in table.column_names:
        columns["words"] = pa.array([len(text.split()) for text in texts], pa.int64())
    for name, column in columns.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table
