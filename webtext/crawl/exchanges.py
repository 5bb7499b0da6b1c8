"""What a WARC file holds, exchange by exchange: of which URL, for which link, where its records lie."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webtext import files
from webtext.crawl.warc import Position

CHUNK_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 16  # of a record; its WARC headers end there, and a metadata record as a whole
ANSWERS = (b"response", b"revisit")  # begin an exchange
_FIELD = re.compile(rb"^([A-Za-z-]+): *(.*?)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stored:
    """One exchange in an archive."""

    url: str
    link_id: str | None  # of the link that led here; None of a robots.txt, and of what an archive gave
    records: tuple[Position, ...]  # the response or revisit, then the request and metadata that belong to it


def exchanges(pages_folder: Path, name: str) -> Iterator[Stored]:
    """The exchanges of an archive, up to where it is damaged. `name`: relative to pages/."""
    answer: dict[bytes, bytes] = {}
    link_id: str | None = None
    records: list[Position] = []
    for place, head, body in _records(pages_folder, name):
        kind = head.get(b"warc-type")
        if records and head.get(b"warc-concurrent-to") == answer[b"warc-record-id"]:
            records.append(place)
            if kind == b"metadata":
                link_id = _fields(body).get(b"linkid", b"").decode() or None
            continue
        if records:
            yield Stored(_url(answer), link_id, tuple(records))
        answer, link_id, records = head, None, [place] if kind in ANSWERS else []
    if records:
        yield Stored(_url(answer), link_id, tuple(records))


def _records(pages_folder: Path, name: str) -> Iterator[tuple[Position, dict[bytes, bytes], bytes]]:
    """Each record: its place, its WARC headers, the beginning of what follows them."""
    start = 0
    for length, data in _members(files.here(pages_folder / name)):
        head, _, body = data.partition(b"\r\n\r\n")
        yield Position(name, start, length), _fields(head), body
        start += length


def _members(path: Path) -> Iterator[tuple[int, bytes]]:
    """The length and the first bytes of each gzip member, up to one that is damaged or cut short."""
    with path.open("rb") as file:
        chunk = file.read(CHUNK_BYTES)
        while chunk:
            inflater, length, head = zlib.decompressobj(31), 0, b""
            while chunk and not inflater.eof:
                try:
                    data = inflater.decompress(chunk)
                except zlib.error:
                    return
                head += data[: MAX_HEAD_BYTES - len(head)]
                length += len(chunk) - len(inflater.unused_data)
                chunk = inflater.unused_data or file.read(CHUNK_BYTES)
            if not inflater.eof:
                return
            yield length, head


def _url(head: dict[bytes, bytes]) -> str:
    return head[b"warc-target-uri"].decode("utf-8", "replace")


def _fields(text: bytes) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in _FIELD.findall(text)}
