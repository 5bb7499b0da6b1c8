"""The shuffle: rows scattered by their shard into one scratch file per partition, gathered shard by shard.

A scratch file is an Arrow IPC file whose record batches each belong to one shard, so that a shard's reader
touches only its own. Neither side ever holds more than a chunk, or a shard.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext import files
from webtext.shards.rows import UNENCODED

CHUNK_BYTES = 64 << 20  # held by a scattering process; bounds how finely its file is cut
SLICE_ROWS = 1000


class Scatter:
    """Writes rows to a scratch file, each under its shard's number."""

    def __init__(self, path: Path) -> None:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_file(path, UNENCODED, options=options)
        self._held: list[pa.Table] = []
        self._shards: list[int] = []
        self._bytes = 0
        self.batches: list[int] = []  # the shard of each record batch written so far

    def __enter__(self) -> "Scatter":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def write(self, rows: pa.Table, shards: Sequence[int]) -> None:
        """Adds UNENCODED rows and the shard of each."""
        self._held.append(rows)
        self._shards.extend(shards)
        self._bytes += rows.nbytes
        if self._bytes >= CHUNK_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._shards:
            return
        rows, shards = pa.concat_tables(self._held).combine_chunks(), np.array(self._shards)
        self._held, self._shards, self._bytes = [], [], 0
        for shard in np.unique(shards):
            (batch,) = rows.take(np.flatnonzero(shards == shard)).combine_chunks().to_batches()
            self._writer.write_batch(batch)
            self.batches.append(int(shard))


Piece = tuple[Path, tuple[int, ...]]  # a scratch file and its record batches that belong to one shard


def gather(pieces: Iterable[Piece]) -> Iterator[pa.Table]:
    """The documents of one shard in the order of their keys, some at a time, their duplicates counted."""
    rows = pa.Table.from_batches(_batches(pieces), UNENCODED).combine_chunks()
    duplicates = _duplicates(rows.select(["id", "text", "duplicates"]))
    keys = [("order", "ascending"), ("id", "ascending")]  # rows that only count duplicates have none: last
    places = pc.sort_indices(rows.select(["order", "id"]), sort_keys=keys)
    documents = len(places) - rows["text"].null_count
    column = UNENCODED.get_field_index("duplicates")
    for start in range(0, documents, SLICE_ROWS):
        part = rows.take(places[start : min(start + SLICE_ROWS, documents)])
        counts = [duplicates.get(id, 0) for id in part["id"].to_pylist()]
        yield part.set_column(column, UNENCODED.field(column), pa.array(counts, pa.int64()))


def _batches(pieces: Iterable[Piece]) -> Iterator[pa.RecordBatch]:
    for path, numbers in pieces:
        with pa.memory_map(str(files.here(path))) as file:
            reader = pa.ipc.open_file(file)
            yield from (reader.get_batch(number) for number in numbers)


def _duplicates(rows: pa.Table) -> dict[str, int]:
    """How many duplicates each kept document has, by the rows that were written for that."""
    counts = rows.filter(pc.is_null(rows["text"])).group_by("id").aggregate([("duplicates", "sum")])
    return dict(zip(counts["id"].to_pylist(), counts["duplicates_sum"].to_pylist(), strict=True))
