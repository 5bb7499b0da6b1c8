"""A table is a folder of partitions with a `_manifest.json` that is written last.

While a stage runs, the finished partitions stand in `_journal.jsonl`, one line each; the manifest takes their
place at the end.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import damage, files, layouts, parquet, store, store_failures
from webtext.errors import UserError
from webtext.manifest import Manifest, Part

if TYPE_CHECKING:
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

ODD = (ValueError, KeyError, TypeError, AttributeError, RecursionError)  # JSON of another shape
PUT_EVERY_S = 5.0  # a stage's journal, into an object store
OPEN_AT_ONCE = 256  # partitions of a dataset
MANIFESTS_HELD = 8  # as many as a plan asks for by turns


@dataclass(frozen=True)
class Table:
    """One folder of a corpus."""

    name: str
    folder: Path
    schema: pa.Schema | None

    def path(self, partition: int) -> Path:
        return self.folder / partition_name(partition)

    def holding(self) -> Callable[[Part], bool]:
        """Says of a partition whether its file is there now, as long as it was when it was marked done."""
        sizes = files.sizes(self.folder)
        return lambda part: sizes.get(part.file) == part.bytes

    def read(self, file: str, columns: Sequence[str] | None = None) -> pa.Table:
        with self.readable(file):
            return self._checked(parquet.read_table(self.folder / file, columns))

    def batches(self, file: str, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Some columns of a partition, so many rows at a time."""
        with self.readable(file):
            yield from map(self._checked, parquet.read_batches(self.folder / file, rows, columns))

    def readable(self, file: str) -> AbstractContextManager[None]:
        """Names a partition that turns out to be damaged, or another program's."""
        return damage.told(self.folder / file, f"delete {self.name}/_manifest.json and run the stage again")

    def require_sound(self, file: str) -> None:
        """Raises UserError for a partition whose columns cannot be read, or are not the table's."""
        with self.readable(file):
            self._checked(pq.read_schema(files.here(self.folder / file)).empty_table())

    def _checked(self, rows: layouts.Rows) -> layouts.Rows:
        if self.schema is None:
            return rows
        names = [name for name in rows.schema.names if name in self.schema.names]
        layouts.require(rows.schema, pa.schema([self.schema.field(name) for name in names]))
        return layouts.laid_out(rows, self.schema)

    def rows(self, wanted: "pc.Expression", columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of all partitions for which an expression holds."""
        manifest = self.manifest()
        names = [part.file for part in manifest.partitions] if manifest else []
        return pa.concat_tables([self._rows([], wanted, columns), *self.found(wanted, names, columns)])

    def found(
        self, wanted: "pc.Expression", names: Sequence[str], columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """The rows of some partitions for which an expression holds, a few partitions at a time: what Arrow
        keeps of each that it has open would be gigabytes of tens of thousands."""
        for first in range(0, len(names), OPEN_AT_ONCE):
            yield self._rows(names[first : first + OPEN_AT_ONCE], wanted, columns)

    def _rows(self, names: Sequence[str], wanted: "pc.Expression", columns: Sequence[str] | None) -> pa.Table:
        if (stored := store.of(self.folder)) is None:
            return self._filtered(names, wanted, columns)
        return stored.ask(lambda *_: self._filtered(names, wanted, columns), parsing=True)

    def _filtered(
        self, names: Sequence[str], wanted: "pc.Expression", columns: Sequence[str] | None
    ) -> pa.Table:
        """The columns are checked first: a dataset would give nulls for one that a file lacks, or that has no
        type there."""
        with self.readable(""):
            dataset = self.dataset(names)
            for fragment in dataset.get_fragments():
                with self.readable(Path(fragment.path).name):
                    if self.schema:
                        layouts.require(fragment.physical_schema, self.schema)
            try:
                return dataset.to_table(columns, filter=wanted)
            except damage.UNREADABLE as error:
                if damage.is_no_damage(error):
                    raise
                for fragment in dataset.get_fragments():  # names the damaged one
                    self.read(Path(fragment.path).name, columns)
                raise

    def dataset(self, names: Sequence[str] | None = None) -> "ds.Dataset":
        """Some partitions, or all, as one pyarrow dataset, for filtered and columnar reads."""
        import pyarrow.dataset as ds  # loads pandas where that is installed: half a second for every command

        if names is None:
            manifest = self.manifest()
            names = [part.file for part in manifest.partitions] if manifest else []
        paths = [self.folder / name for name in names]
        format = ds.ParquetFileFormat(
            default_fragment_scan_options=ds.ParquetFragmentScanOptions(**parquet.CHECKED)
        )
        if (stored := store.of(self.folder)) is None:
            return ds.dataset(paths, schema=self.schema, format=format)
        system, top = stored.ask(lambda *asked: asked)
        keys = [f"{top}/{path.name}" for path in paths]
        return ds.dataset(keys, schema=self.schema, format=format, filesystem=system)

    def manifest(self) -> Manifest | None:
        try:
            found = _parsed(files.read_bytes(self.folder / "_manifest.json"))
            if found.stage != self.name:
                raise ValueError(f"it is that of {found.stage}")
        except FileNotFoundError:
            return None
        except ODD as error:
            raise UserError(
                f"{self.folder}/_manifest.json: not a manifest ({error}): delete it to rebuild the stage"
            ) from None
        return found

    def published(self) -> Manifest:
        """The manifest of a table of which the caller knows that it has one."""
        manifest = self.manifest()
        assert manifest is not None, self.name
        return manifest

    @property
    def is_published(self) -> bool:
        """Whether there is a manifest, which is not read for it."""
        return files.exists(self.folder / "_manifest.json")

    @property
    def begun(self) -> bool:
        """Whether a run is at work on the table, or was interrupted there."""
        return files.exists(self.folder / "_journal.jsonl")

    def finished(self) -> list[Part]:
        """The partitions that are marked done, by the manifest or by an unfinished run's journal."""
        manifest = self.manifest()
        if manifest is not None:
            return list(manifest.partitions)
        try:
            lines = files.read_bytes(self.folder / "_journal.jsonl").split(b"\n")
        except FileNotFoundError:
            return []
        try:
            # A killed run may leave its last line cut short: it was not marked.
            return [Part.from_json(json.loads(line)) for line in lines[:-1]]
        except ODD as error:
            raise UserError(
                f"{self.folder}/_journal.jsonl: not a journal ({error}): delete it to rebuild the stage"
            ) from None

    @contextmanager
    def journal(self, parts: Iterable[Part]) -> Iterator["Journal"]:
        """Takes the manifest's place for the time of a run; starts with the partitions that stay."""
        self.folder.mkdir(parents=True, exist_ok=True)
        files.clean(self.folder)
        path = self.folder / "_journal.jsonl"
        files.write_text(path, "".join(_line(part) for part in parts))
        files.remove(self.folder / "_manifest.json")
        with path.open("a", encoding="utf-8") as file:
            try:
                yield Journal(path, file.fileno())
            except BaseException:
                store_failures.briefly(lambda: files.put(path))
                raise
            files.put(path)

    def publish(self, manifest: Manifest) -> None:
        files.write_json(self.folder / "_manifest.json", manifest.as_json())
        self.end_journal()

    def end_journal(self) -> None:
        """Takes the journal back of a run whose manifest is there."""
        files.remove(self.folder / "_journal.jsonl")


@dataclass
class Journal:
    """The finished partitions of a stage that is running, a line of JSON each, open to be added to."""

    path: Path
    handle: int
    put_at: float = 0.0

    def mark(self, part: Part) -> None:
        """Marks a partition done; what it names is already on disk. A store, where a journal is put anew as a
        whole, hears of it after seconds: what a kill loses of it is made again."""
        line = memoryview(_line(part).encode())
        while line:  # a disk that gets full takes a part of it, and tells the next time
            line = line[os.write(self.handle, line) :]
        os.fsync(self.handle)
        if time.monotonic() - self.put_at > PUT_EVERY_S:
            files.put(self.path)
            self.put_at = time.monotonic()


@lru_cache(MANIFESTS_HELD)
def _parsed(raw: bytes) -> Manifest:
    """A manifest of tens of thousands of partitions takes a second to parse, and a command asks for it a
    dozen times: the same bytes are parsed once."""
    return Manifest.from_json(json.loads(raw))


def partition_name(partition: int) -> str:
    return f"part-{partition:05d}.parquet"


def _line(part: Part) -> str:
    return json.dumps(part.as_json(), ensure_ascii=False) + "\n"
