"""A partition's rows while it is crawled: appended one by one, so that a kill loses none that was had.

A response goes into the WARC file before its row goes into the journal, and both are the operating system's
at once. The disk is asked for them every few seconds, and then the journal says up to where. What stands
after the last such line is believed as far as its WARC records can be read, so that neither a kill nor a
power cut leaves a row without its record, or a record cut in the middle.

Of a corpus in an object store the same files grow on this machine, and are put as a whole now and then: a
WARC file before the journal that speaks of it. A machine that is lost loses what it had not put; here, where
that still lies, the journal goes on with it.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from webtext import files, store
from webtext.crawl import journal_reading, warc_names
from webtext.crawl.packing import Packed
from webtext.crawl.rows import Row
from webtext.crawl.warc import FOLDER, Position, WarcFile
from webtext.errors import RunFailed

WARC_BYTES = 1_000_000_000  # a file that has grown beyond is followed by another
# What a partition may lose with a machine that had not put it into the object store.
PUT_BYTES, PUT_EVERY_S = 64_000_000, 3600.0
SYNC_EVERY_S = 5.0
SUFFIX = ".journal.jsonl"
LOCK_WAIT_S = 60.0  # an orphan of a killed run ends within a second or so


class Journal:
    """The journal of one partition, for one process at a time; it goes on where an earlier one ended.

    `key` fingerprints what the rows depend on: of rows under another key, those of fetched pages are kept.
    """

    def __init__(self, pages_folder: Path, stem: str, key: str) -> None:
        self.folder, self.stem = pages_folder, stem
        self.path = journal_path(pages_folder, stem)
        self._stored = store.of(self.path) is not None
        self._file = _lock(self.path)
        _agree_with_store(self.path, self._file)
        kept = journal_reading.valid_prefix(self.path)
        os.ftruncate(self._file, kept.bytes)
        first = warc_names.next_number(pages_folder, stem) if kept.first_warc is None else kept.first_warc
        if kept.key != key:
            self._write({"key": key, "first_warc": first})
            os.fsync(self._file)
            files.sync(self.path.parent)
            files.put(self.path)
        # A new journal's folder, which may have tens of thousands of archives, is not listed a second time.
        self._warc = None if kept.first_warc is None else _trimmed(pages_folder, stem, first, kept.warc)
        self._next = (warc_names.number_in(Path(kept.warc[0]).name) if kept.warc else first - 1) + 1
        self._dirty, self._synced_at = not kept.synced, time.monotonic()
        # Of a corpus in a store: whether something was not put there yet, and when something was.
        self._unput, self._put_at = self._stored, time.monotonic()

    def append(self, packed: Packed) -> Position:
        """Writes an exchange to the partition's WARC file."""
        if self._warc is not None and self._warc.end >= (PUT_BYTES if self._stored else WARC_BYTES):
            self._end_warc()
        if self._warc is None:
            self._next = warc_names.free_number(self.folder, self.stem, self._next)
            self._warc = WarcFile(self.folder, warc_names.name_of(self.stem, self._next))
        self._dirty = True
        return self._warc.append(packed)

    def add(self, row: Row) -> None:
        """Writes a link's row; its exchanges have been appended before."""
        self._write({"row": row, "warc": self._reached()})
        self._dirty = True

    def sync(self, *, every_s: float = 0.0) -> None:
        """Brings what was written to disk, unless that was done less than `every_s` ago, and what has waited
        for long into the store."""
        if self._dirty and time.monotonic() - self._synced_at >= every_s:
            self._to_disk()
        if self._unput and time.monotonic() - self._put_at > PUT_EVERY_S:
            self._end_warc()

    def finish(self) -> None:
        """Brings everything to where others find it: to disk, or into the store."""
        self.sync()
        if self._stored:
            self._end_warc()

    def rows(self) -> Iterator[Row]:
        """The rows so far, in the order in which they came."""
        for row in journal_reading.rows(self.path):
            times = {name: row[name] and datetime.fromisoformat(row[name]) for name in journal_reading.TIMES}
            yield row | times

    def remove(self) -> None:
        """Ends the journal: its rows are in the table."""
        files.remove(self.path)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        if self._warc is not None:
            self._warc.close()
        os.close(self._file)

    def _to_disk(self) -> None:
        if self._warc is not None:
            self._warc.sync()
        self._write({"synced": self._reached()})
        os.fsync(self._file)
        self._dirty, self._synced_at, self._unput = False, time.monotonic(), self._stored

    def _end_warc(self) -> None:
        """Ends the WARC file; into a store it goes now, and then the journal."""
        if self._dirty:
            self._to_disk()
        ended, self._warc = self._warc, None
        if ended is not None:
            ended.close()
        if not self._stored:
            return
        if ended is not None:
            files.put(self.folder / ended.name)
        files.put(self.path)
        self._unput, self._put_at = False, time.monotonic()
        if ended is not None:
            (self.folder / ended.name).unlink()

    def _reached(self) -> tuple[str, int] | None:
        return None if self._warc is None else (self._warc.name, self._warc.end)

    def _write(self, line: Mapping[str, Any]) -> None:
        _write_all(self._file, _line(line).encode())


def seed(pages_folder: Path, stem: str, key: str, rows: Iterable[Row]) -> None:
    """Begins a journal with rows whose records lie in WARC files that are finished."""
    head = {"key": key, "first_warc": warc_names.next_number(pages_folder, stem)}
    lines: list[Mapping[str, Any]] = [head, *({"row": row, "warc": None} for row in rows)]
    files.write_text(journal_path(pages_folder, stem), "".join(_line(line) for line in lines))


def agreed(path: Path) -> Path:
    """A journal as the next crawl on this machine goes on with it."""
    if store.of(path) is not None:
        handle = _lock(path)
        try:
            _agree_with_store(path, handle)
        finally:
            os.close(handle)
    return path


def journal_path(pages_folder: Path, stem: str) -> Path:
    return pages_folder / f"{stem}{SUFFIX}"


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, default=datetime.isoformat, ensure_ascii=False) + "\n"


def _trimmed(folder: Path, stem: str, first: int, reached: tuple[str, int] | None) -> WarcFile | None:
    """The WARC file to go on with, without what no row knows of; later ones are removed."""
    last = warc_names.number_in(Path(reached[0]).name) if reached else first - 1
    for number in warc_names.numbers(folder, stem):
        if number > last:
            files.remove(folder / FOLDER / warc_names.name_of(stem, number))
    if reached is None or not (folder / reached[0]).exists():  # which was put
        return None
    os.truncate(folder / reached[0], reached[1])
    return WarcFile(folder, Path(reached[0]).name)


def _agree_with_store(path: Path, handle: int) -> None:
    """A journal that lies here holds if it goes on where the store's ends. Otherwise another machine was at
    the partition since, and its journal takes the place of this one and of what belongs to it."""
    if (stored := store.of(path)) is None:
        return
    try:
        theirs = stored.read()
    except FileNotFoundError:
        theirs = b""
    if theirs and path.read_bytes().startswith(theirs):
        return
    stem = path.name.removesuffix(SUFFIX)
    for warc in (path.parent / FOLDER).glob(f"{stem}-*.warc.gz"):
        warc.unlink()
    os.ftruncate(handle, 0)
    _write_all(handle, theirs)


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:  # a write may be a short one
        left = left[os.write(handle, left) :]


def _lock(path: Path) -> int:
    """Opens a file that only this process writes; waits for another one that is about to end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        except BlockingIOError:
            if time.monotonic() > give_up:
                os.close(handle)
                raise RunFailed(
                    f"{path}: another process is still writing it; stop it and try again"
                ) from None
            time.sleep(0.1)
        os.close(handle)
