"""What a section may read: the corpus' tables, partition by partition, a bounded batch at a time.

A section scans partitions by a module-level function and adds up what it gives; each partition is a
task of the engine.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext import files, layouts, parquet
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.engine.inline import InlineEngine
from webtext.manifest import Manifest

BATCH_ROWS = 65_536

HERE = InlineEngine()

Found = TypeVar("Found")


class Source:
    """A corpus as it stands; tables that were not made yet are missing, which is no error."""

    def __init__(self, corpus: Corpus, engine: Engine = HERE) -> None:
        self.corpus, self._engine = corpus, engine
        self.manifest = cache(self._manifest)
        self._name = uuid4().hex

    def has(self, *tables: str) -> bool:
        return all(self.manifest(table) for table in tables)

    def files(self, table: str) -> list[str]:
        manifest = self.manifest(table)
        return [part.file for part in manifest.partitions] if manifest else []

    def scan(self, table: str, task: Callable[..., Found], *arguments: Any) -> Iterator[Found]:
        """What `task(source, file, *arguments)` gives of each partition of a table, in the partitions' order.
        Read it to its end: an engine runs one scan at a time."""
        yield from self.scan_files(self.files(table), task, *arguments)

    def scan_files(
        self, files: Sequence[str], task: Callable[..., Found], *arguments: Any
    ) -> Iterator[Found]:
        """The same of some partitions alone."""
        root, waiting, place = self.corpus.root, dict[int, Found](), 0
        items = [_Scan(root, self._name, n, file, task, arguments) for n, file in enumerate(files)]
        for number, found in self._engine.map(_scan, items, lambda *_: None):
            waiting[number] = found
            while place in waiting:
                yield waiting.pop(place)
                place += 1

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Every row, in the partitions' order. A column may be a leaf: `submissions.list.element.score`."""
        for file in self.files(table):
            yield from self.partition(table, file, columns)

    def partition(self, table: str, file: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        schema = self.corpus.table(table).schema or pa.schema([])
        with self._opened(table, file) as parquet:
            for batch in parquet.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
                yield layouts.laid_out(batch, schema)

    def links(self, file: str, columns: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, pa.StructArray]]:
        """Batches of a partition's links, each with the ledger's (state, stage) of its rows: null where
        unknown."""
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
        found: dict[str, str] = {}
        for urls in self.scan("links", _urls, sorted(ids)) if ids else ():
            found |= urls
        return found

    def row_groups(self, table: str, file: str, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """(number, rows) of every row group of a partition: what `row` needs to find a row again."""
        with self._opened(table, file) as parquet:
            for group in range(parquet.num_row_groups):
                yield group, parquet.read_row_group(group, columns=list(columns))

    def row(self, table: str, file: str, group: int, index: int, columns: Sequence[str]) -> dict[str, Any]:
        """One row, reading its row group alone."""
        with self._opened(table, file) as parquet:
            rows: list[dict[str, Any]] = (
                parquet.read_row_group(group, columns=list(columns)).slice(index, 1).to_pylist()
            )
        return rows[0]

    def token_index(self) -> dict[str, Any]:
        """tokens/index.json, or {} before there are tokens."""
        if not self.has("tokens"):
            return {}
        table = self.corpus.table("tokens")
        with table.readable("index.json"):
            index: dict[str, Any] = json.loads(files.read_text(table.folder / "index.json"))
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
        ours = self.corpus.table(table)
        with ours.readable(file), parquet.open_file(ours.folder / file) as opened:
            if ours.schema:
                layouts.require(opened.schema_arrow, ours.schema)
            yield opened


@dataclass(frozen=True)
class _Scan:
    root: Path
    source: str  # names the driver's: a cluster's process may have known this corpus before it changed
    number: int
    file: str
    task: Callable[..., Any]
    arguments: tuple[Any, ...]


def _scan(item: _Scan, _: Report) -> tuple[int, Any]:
    return item.number, item.task(_source(item.root, item.source), item.file, *item.arguments)


@lru_cache(1)  # a manifest of thousands of partitions is read once a process, not once a task
def _source(root: Path, _: str) -> Source:
    return Source(Corpus(root))


def _urls(source: Source, file: str, ids: list[str]) -> dict[str, str]:
    wanted = pa.array(ids, pa.string())
    found: dict[str, str] = {}
    for batch in source.partition("links", file, ["id", "url"]):
        rows = batch.filter(pc.is_in(batch.column("id"), wanted)).to_pylist()
        found |= {row["id"]: row["url"] for row in rows}
    return found
