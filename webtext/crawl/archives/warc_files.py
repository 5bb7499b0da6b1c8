"""WARC and ARC files that the user already has, of whatever crawler, as a source of pages.

They are read once to see which of the wanted pages they hold, then record by record. Such files are often
odd: what cannot be read is counted and passed over.
"""

import io
from collections.abc import Collection, Iterator
from contextlib import redirect_stderr
from datetime import datetime
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from webtext.buckets import StoredFile
from webtext.crawl.archives import records
from webtext.crawl.archives.captures import Capture, Pointer, Unavailable, Unusable, nearest
from webtext.crawl.archives.warc_places import PREFIX
from webtext.crawl.page import PAGE_STATUSES
from webtext.links.canonical import Rejected, canonicalise

MAX_LISTED = 100  # captures of one page are remembered
MAX_HEAD_BYTES = 1_000_000  # of a record beside its body


class WarcFiles:
    name = "warc"

    def __init__(self, files: Collection[StoredFile], wanted: Collection[str], max_bytes: int) -> None:
        """`wanted`: canonical URLs; no other page is looked for."""
        self._max_bytes = max_bytes
        self._files = {file.path: file for file in files}
        self._pointers: dict[str, list[Pointer]] = {}
        self.damaged = 0  # files that could not be read to their end
        pages = frozenset(wanted)
        for file in files if pages else ():
            self._scan(file, pages)

    def find(self, url: str, near: datetime) -> list[Pointer]:
        pointers = nearest(self._pointers.get(url, ()), near)
        if self.damaged and not pointers:
            raise Unavailable(f"{self.damaged:,} files cannot be read to their end")
        return pointers

    def read(self, pointer: Pointer) -> Capture:
        if pointer.length > self._max_bytes + MAX_HEAD_BYTES:
            raise Unusable("the record is too large")
        file = self._files[pointer.file]
        try:
            stored = io.BytesIO(file.read(pointer.offset, pointer.length))
            record = next(ArchiveIterator(stored, arc2warc=True))
            place = f"{PREFIX}{file.name}#{pointer.offset}"
            return Capture(records.exchange(record, place, self._max_bytes))
        except Unusable:
            raise
        except Exception as error:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
            raise Unusable(f"the record is damaged: {type(error).__name__}") from error

    def _scan(self, file: StoredFile, wanted: Collection[str]) -> None:
        try:
            with redirect_stderr(io.StringIO()):  # warcio prints its doubts
                for url, pointer in _pages(file):
                    listed = self._pointers.setdefault(url, []) if url in wanted else []
                    if len(listed) < MAX_LISTED:
                        listed.append(pointer)
        except Exception:  # see read
            self.damaged += 1


def _pages(file: StoredFile) -> Iterator[tuple[str, Pointer]]:
    """The canonical URL and the place of every page of an archive."""
    with file.stream() as stream:
        archive = ArchiveIterator(stream, arc2warc=True)
        for record in archive:
            if record.rec_type == "response" and record.http_headers is not None:
                found = _page(record)
                if found is not None:
                    at, url = found
                    archive.read_to_end(record)
                    place = archive.get_record_offset(), archive.get_record_length()
                    yield url, Pointer(at, url, file.path, *place)


def _page(record: Any) -> tuple[datetime, str] | None:
    try:
        if records.status(record) not in PAGE_STATUSES:
            return None
        return records.captured_at(record), canonicalise(records.target(record))
    except (Unusable, Rejected):
        return None
