"""What a section may read: the corpus' tables, column by column, a bounded batch at a time."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext.corpus import Corpus, Manifest
from webtext.errors import UserError

BATCH_ROWS = 65_536


class Source:
    """A corpus as it stands; tables that were not made yet are missing, which is no error."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.manifest = cache(self._manifest)

    def has(self, *tables: str) -> bool:
        return all(self.manifest(table) for table in tables)

    def files(self, table: str) -> list[str]:
        manifest = self.manifest(table)
        return [part.file for part in manifest.partitions] if manifest else []

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Every row, in the partitions' order. A column may be a leaf: `submissions.list.element.score`."""
        for file in self.files(table):
            yield from self.partition(table, file, columns)

    def partition(self, table: str, file: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with self._opened(table, file) as parquet:
            yield from parquet.iter_batches(BATCH_ROWS, columns=list(columns))

    def links(self, columns: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, pa.StructArray]]:
        """Batches of links, each with the ledger's (state, stage) of its rows: null where unknown."""
        for file in self.files("links"):
            fates = self._fates(file)
            for batch in self.partition("links", file, ["id", *columns]):
                rows = pc.index_in(batch.column("id"), fates.column("id"))
                found = fates.select(["state", "stage"]).take(rows).combine_chunks()
                yield (
                    batch,
                    pa.StructArray.from_arrays(
                        [column.combine_chunks() for column in found.columns], found.column_names
                    ),
                )

    def urls(self, ids: Collection[str]) -> dict[str, str]:
        """The URLs of the links with these ids."""
        wanted = pa.array(sorted(ids), pa.string())
        found: dict[str, str] = {}
        for batch in self.batches("links", ["id", "url"]) if ids else ():
            rows = batch.filter(pc.is_in(batch.column("id"), wanted)).to_pylist()
            found |= {row["id"]: row["url"] for row in rows}
        return found

    def row_groups(self, table: str, columns: Sequence[str]) -> Iterator[tuple[str, int, pa.Table]]:
        """(file, number, rows) of every row group: what `rows` needs to find a row again."""
        for file in self.files(table):
            with self._opened(table, file) as parquet:
                for group in range(parquet.num_row_groups):
                    yield file, group, parquet.read_row_group(group, columns=list(columns))

    def row(self, table: str, file: str, group: int, index: int, columns: Sequence[str]) -> dict[str, Any]:
        """One row, reading its row group alone."""
        with self._opened(table, file) as parquet:
            rows: list[dict[str, Any]] = (
                parquet.read_row_group(group, columns=list(columns)).slice(index, 1).to_pylist()
            )
        return rows[0]

    def token_index(self) -> dict[str, Any]:
        """tokens/index.json, or {} before there are tokens."""
        path = self.corpus.table("tokens").folder / "index.json"
        try:
            index: dict[str, Any] = json.loads(path.read_text("utf-8")) if self.has("tokens") else {}
        except (OSError, ValueError) as error:
            raise _damaged("tokens", path, error) from None
        return index

    def _manifest(self, table: str) -> Manifest | None:
        return self.corpus.table(table).manifest()

    def _fates(self, file: str) -> pa.Table:
        schema = pa.schema([(name, pa.string()) for name in ("id", "state", "stage")])
        if file not in self.files("ledger"):
            return schema.empty_table()
        return pa.Table.from_batches(self.partition("ledger", file, schema.names), schema)

    @contextmanager
    def _opened(self, table: str, file: str) -> Iterator[pq.ParquetFile]:
        path = self.corpus.table(table).folder / file
        try:
            with pq.ParquetFile(path) as parquet:
                yield parquet
        except (OSError, pa.ArrowException) as error:
            raise _damaged(table, path, error) from None


def _damaged(table: str, path: object, error: Exception) -> UserError:
    return UserError(
        f"{path}: cannot be read ({error}): delete {table}/_manifest.json and run the stage again"
    )
