"""The documents that a corpus keeps, as they are published, read partition by partition.

Here is where `filter.mask_pii` is applied: documents/ holds each text as it was found, and duplicates are
looked for in that; all that is made of the kept ones (census, vocabulary, shards, tokens) has it masked.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from webtext.corpus import Corpus, Manifest
from webtext.errors import RunFailed
from webtext.extract import pii

BATCH_ROWS = 1000


def documents(corpus: Corpus, file: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The kept documents of one partition, some at a time, in the table's order; `columns` has `id`, and
    `text` where it has `words`."""
    kinds = corpus.recipe().filter.masked
    clusters = corpus.table("clusters").read(file, ["id", "kept"])
    ids = set(clusters.filter(clusters["kept"])["id"].to_pylist())
    path = corpus.table("documents").folder / file
    found = 0
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(BATCH_ROWS, columns=list(columns)):
            is_kept = pa.array([id in ids for id in batch["id"].to_pylist()], pa.bool_())
            table = pa.Table.from_batches([batch]).filter(is_kept)
            found += table.num_rows
            yield _masked(table, kinds) if kinds and "text" in columns else table
    if found != len(ids):
        raise RunFailed(f"{path}: {len(ids) - found:,} of the documents that clusters keeps are not in it")


def partitions(corpus: Corpus) -> list[str]:
    """The file names that `documents` takes."""
    return [part.file for part in published(corpus, "documents").partitions]


def hashes(corpus: Corpus) -> list[str]:
    """What the kept documents depend on."""
    return [
        *(published(corpus, table).hash for table in ("documents", "clusters")),
        *corpus.recipe().filter.masked,
    ]


def published(corpus: Corpus, table: str) -> Manifest:
    """The manifest of a table that the caller knows to be up to date."""
    manifest = corpus.table(table).manifest()
    assert manifest is not None, table
    return manifest


def _masked(table: pa.Table, kinds: Sequence[str]) -> pa.Table:
    texts = [pii.mask(text, kinds) for text in table["text"].to_pylist()]
    columns = {"text": pa.array(texts, table.schema.field("text").type)}
    if "words" in table.column_names:
        columns["words"] = pa.array([len(text.split()) for text in texts], pa.int64())
    for name, column in columns.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table
