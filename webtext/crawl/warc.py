"""WARC files: records appended (`packing` makes them), and a page's response read back."""

import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.warcwriter import WARCWriter

from webtext import store
from webtext.crawl import coding
from webtext.crawl.exchange import header
from webtext.crawl.packing import Packed, gzip_member
from webtext.damage import is_no_damage
from webtext.errors import RunFailed, UserError, why

FOLDER = "warc"  # under pages/
SOFTWARE = "webtext"
_SPECIFICATION = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


class LostRecord(Exception):
    """The response cannot be read back from its WARC file."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response as it lies in a WARC file; `body` has its content coding undone."""

    status: int
    headers: list[tuple[str, str]]
    content_type: str | None  # the whole header value
    body: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class Position:
    """Where a response record lies."""

    file: str  # relative to pages/
    offset: int
    length: int


def read_response(
    pages_folder: Path,
    warc_file: str,
    offset: int,
    max_bytes: int,
    length: int = 0,
    record: memoryview | None = None,
) -> StoredResponse:
    """The response that a row of `pages` points at, at most `max_bytes` of its body. Where its `record` was
    not read already, an object store is asked for the `length` of it alone.

    Raises LostRecord when there is none, or none that can be decoded, and RunFailed when the system does not
    let it be read now.
    """
    try:
        path = pages_folder / warc_file
        with opened(path, offset, length) if record is None else io.BytesIO(record) as file:
            found = next(ArchiveIterator(file))
            if found.rec_type != "response" or found.http_headers is None:
                raise LostRecord(f"{warc_file} has no response at {offset}")
            stored = found.raw_stream.read(found.length) if found.length else b""
            headers = [(str(name), str(value)) for name, value in found.http_headers.headers]
            decoded = coding.decode(stored, header(headers, "content-encoding"), max_bytes)
            status = int(found.http_headers.get_statuscode())
    except (LostRecord, UserError, RunFailed):
        raise
    except Exception as error:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
        if is_no_damage(error):
            raise RunFailed(f"{path} cannot be read now: {why(error)}") from None
        raise LostRecord(f"{warc_file} at {offset}: {type(error).__name__}") from error
    cut = found.rec_headers.get_header("WARC-Truncated") is not None
    truncated = cut or decoded.too_large or not decoded.complete
    return StoredResponse(status, headers, header(headers, "content-type"), decoded.body, truncated)


def is_warc_name(name: str) -> bool:
    """Whether a name relative to pages/ is that of a WARC file there, and not of any file elsewhere."""
    return PurePath(name).parts == (FOLDER, PurePath(name).name)


def opened(path: Path, offset: int, length: int) -> BinaryIO:
    """A file at one of its records; of an object in a store that record alone."""
    if (stored := store.of(path)) is not None:
        return io.BytesIO(stored.read_range(offset, length))
    file = path.open("rb")
    file.seek(offset)
    return file


def whole_records(path: Path, start: int) -> int:
    """Where the last whole gzip member at or after `start` ends; `start` itself if none is whole."""
    end = position = start
    inflater = zlib.decompressobj(31)
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(1 << 16):
            position += len(chunk)
            while chunk:
                try:
                    inflater.decompress(chunk)
                except zlib.error:
                    return end
                if not inflater.eof:
                    break
                chunk = inflater.unused_data
                end = position - len(chunk)
                inflater = zlib.decompressobj(31)
    return end


class WarcFile:
    """A WARC file that grows at its end. Records exist on disk after `sync`."""

    def __init__(self, pages_folder: Path, name: str) -> None:
        self.name = f"{FOLDER}/{name}"
        path = pages_folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        if self.end == 0:
            self._write(_warcinfo(name))

    @property
    def end(self) -> int:
        """The file's length in bytes: where the next record begins."""
        return self._file.tell()

    def append(self, packed: Packed) -> Position:
        """Writes an exchange; the position is that of its response record."""
        position = Position(self.name, self.end, packed.response_bytes)
        self._write(packed.data)
        return position

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "WarcFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:  # an unbuffered write may be a short one
            view = view[self._file.write(view) :]


def _warcinfo(name: str) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False, warc_version="1.1")
    info = {"software": SOFTWARE, "format": "WARC File Format 1.1", "conformsTo": _SPECIFICATION}
    writer.write_record(writer.create_warcinfo_record(name, info))
    return gzip_member(out.getvalue(), 0)  # of one length: no record's place depends on the time of day
