"""What reading a source, or a slice of it, leaves behind for the next steps, in files that need no memory.

`KEY.rows` holds the selected submissions (Arrow IPC, ROWS), `KEY.keys` the key of every row with an id (see
superseding.py). Both are written in chunks, each sorted by bucket, so that one bucket can be read without the
rest: rows by the top bits of their domain's hash, as partitions are, keys by id. `KEY.json` is written last
and says where each bucket lies and what was counted; without it the other two do not exist.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext import files
from webtext.links.merging import ROWS
from webtext.links.sifting import Sifted, to_rows
from webtext.links.superseding import BUCKETS, KEY_BYTES, Numbers, id_buckets, make_keys

CHUNK_ROWS = 1 << 16
CHUNK_KEYS = 1 << 20
PENDING_ROWS = 1 << 14  # that wait as Python objects


@dataclass
class Summary:
    """What was read: `dropped` counts the rows that are no links, by reason."""

    rows: int = 0
    selected: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, tuple[int, str]] = field(default_factory=dict)  # the first broken row of each kind
    broken: str | None = None  # why reading ended before the source did
    row_offsets: list[list[int]] = field(default_factory=list)  # per chunk, where each bucket begins
    key_offsets: list[list[int]] = field(default_factory=list)

    def count(self, rows: int, dropped: dict[str, int], examples: dict[str, str], first_row: int) -> None:
        """Adds the rows of a batch that begins at the source's `first_row`. Earlier examples stay."""
        self.rows += rows
        self.examples = {reason: (first_row, row) for reason, row in examples.items()} | self.examples
        for reason, count in dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count


class Spill:
    """Writes a source's spill, which exists when the `with` block ends well."""

    def __init__(self, folder: Path, key: str, are_submissions: bool) -> None:
        self.summary = Summary()
        self._marker = folder / f"{key}.json"
        self._paths = (folder / f"{key}.keys", folder / f"{key}.rows")
        self._are_submissions = are_submissions
        self._pending = Sifted()
        self._batches: list[pa.RecordBatch] = []
        self._keys: list[Numbers] = []
        self._key_count = 0

    def __enter__(self) -> Self:
        self._marker.parent.mkdir(parents=True, exist_ok=True)
        self._keys_file = self._paths[0].open("wb")
        self._rows_writer = pa.ipc.new_file(str(self._paths[1]), ROWS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._convert()
            self._write_rows()
            self._write_keys()
        self._rows_writer.close()
        self._keys_file.close()
        if kind is None:
            for path in self._paths:
                files.sync(path)
                files.put(path)
            files.write_json(self._marker, asdict(self.summary))

    def add(self, sifted: Sifted, refused: Numbers) -> None:
        """Takes the next rows of the source, and the keys of those that were refused at a glance."""
        self._take_keys(refused)
        self._pending += sifted
        if len(self._pending.ids) < PENDING_ROWS:
            return
        self._convert()
        if sum(batch.num_rows for batch in self._batches) >= CHUNK_ROWS:
            self._write_rows()

    def _convert(self) -> None:
        """Turns what waits as Python objects into columns."""
        rows, self._pending = self._pending, Sifted()
        if rows.ids:
            self._take_keys(make_keys(rows.rows, rows.ids, rows.retrieved, rows.codes, rows.buckets))
        if rows.selected:
            self._batches.append(to_rows(rows.selected, self._are_submissions))
            self.summary.selected += len(rows.selected)

    def _take_keys(self, keys: Numbers) -> None:
        self._keys.append(keys)
        self._key_count += len(keys)
        if self._key_count >= CHUNK_KEYS:
            self._write_keys()

    def _write_rows(self) -> None:
        if not self._batches:
            return
        rows = pa.Table.from_batches(self._batches)
        order, offsets = _by_bucket((rows["domain_hash"].to_numpy() >> np.uint64(56)).astype(np.uint8))
        (batch,) = rows.take(pa.array(order)).combine_chunks().to_batches()
        self._rows_writer.write_batch(batch)
        self.summary.row_offsets.append(offsets)
        self._batches = []

    def _write_keys(self) -> None:
        if not self._keys:
            return
        keys = np.concatenate(self._keys)
        order, offsets = _by_bucket(id_buckets(keys))
        self._keys_file.write(np.take(keys, order, axis=0).tobytes())
        self.summary.key_offsets.append(offsets)
        self._keys, self._key_count = [], 0


@dataclass(frozen=True)
class Spilled:
    """A finished spill, for reading."""

    folder: Path
    key: str
    summary: Summary

    @classmethod
    def find(cls, folder: Path, key: str) -> Self | None:
        """The spill of that key; None where it was not finished."""
        try:
            facts = json.loads((folder / f"{key}.json").read_text("utf-8"))
        except FileNotFoundError:
            return None
        return cls(folder, key, Summary(**facts))

    def rows(self, first_bucket: int, end_bucket: int) -> pa.Table:
        """The selected submissions of some buckets of domains, in the order of the source within each."""
        with pa.memory_map(str(self.folder / f"{self.key}.rows")) as file:
            reader = pa.ipc.open_file(file)
            batches = [
                reader.get_batch(chunk).slice(
                    offsets[first_bucket], offsets[end_bucket] - offsets[first_bucket]
                )
                for chunk, offsets in enumerate(self.summary.row_offsets)
            ]
        return pa.Table.from_batches(batches, ROWS)

    def keys(self, first_bucket: int, end_bucket: int) -> Numbers:
        """The keys of some buckets of ids; their source is for the reader to set."""
        path = self.folder / f"{self.key}.keys"
        pieces = []
        begin = 0
        for offsets in self.summary.key_offsets:
            first, end = offsets[first_bucket], offsets[end_bucket]
            pieces.append(np.fromfile(path, np.int64, 3 * (end - first), offset=KEY_BYTES * (begin + first)))
            begin += offsets[-1]
        return np.concatenate(pieces or [np.zeros(0, np.int64)]).reshape(-1, 3)


def _by_bucket(buckets: npt.NDArray[np.uint8]) -> tuple[Numbers, list[int]]:
    """(the stable order by bucket, where each bucket begins and the last one ends)."""
    counts = np.bincount(buckets, minlength=BUCKETS)
    offsets = [0, *np.cumsum(counts).tolist()]
    return np.argsort(buckets, kind="stable"), offsets
