"""A corpus' own Parquet files: the same bytes for the same rows, checksums checked as they are read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files, store

NARROW_ROWS = 50_000  # a row group of a table without texts
CHECKED = {"page_checksum_verification": True}  # a flipped bit is an error, not another text


@dataclass(frozen=True)
class Written:
    """What was written: rows, bytes on disk, and the xxh3-128 of those bytes (hex)."""

    rows: int
    bytes: int
    hash: str


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet file, or some columns of it, of which alone an object store is asked."""
    options = {"columns": None if columns is None else list(columns), "partitioning": None, **CHECKED}
    if (stored := store.of(path)) is None:
        return pq.read_table(path, use_threads=False, **options)
    return stored.ask(lambda system, key: pq.read_table(key, filesystem=system, **options), parsing=True)


def open_file(path: Path) -> pq.ParquetFile:
    """A Parquet file whose checksums are checked as it is read. Raises FileNotFoundError."""
    return pq.ParquetFile(files.here(path), **CHECKED)


def read_batches(path: Path, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a Parquet file, so many rows at a time, read by this thread: passing each batch to
    Arrow's threads and back takes a sixth longer, and more where every core has a worker of its own."""
    with open_file(path) as file:
        yield from file.iter_batches(rows, columns=list(columns), use_threads=False)


def write(
    path: Path,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    *,
    row_group_rows: int = 1000,
    dictionary: bool | Sequence[str] = True,
) -> Written:
    """Writes tables one after the other into one Parquet file: zstd, bounded row groups, a checksum a page,
    dictionaries for the columns whose values repeat.

    The bytes depend on the rows alone, not on how they were divided into tables.
    """
    rows = 0
    with (
        files.whole(path) as temporary,
        pq.ParquetWriter(
            temporary, schema, compression="zstd", use_dictionary=dictionary, write_page_checksum=True
        ) as writer,
    ):
        for group in _regrouped(tables, schema, row_group_rows):
            writer.write_table(group, row_group_size=row_group_rows)
            rows += group.num_rows
    return Written(rows, path.stat().st_size, files.hash_file(path))


def _regrouped(tables: Iterable[pa.Table], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        table = table.select(schema.names).cast(schema)
        held.append(table)
        count += table.num_rows
        while count >= rows:
            joined = pa.concat_tables(held)
            yield joined.slice(0, rows).combine_chunks()
            held, count = [joined.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(held).combine_chunks()
