"""What a WARC file holds, exchange by exchange: of which URL, for which link, where its records lie."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from webtext import files
from webtext.crawl.archives.members import GZIP
from webtext.crawl.warc import Position

FIRST_CHUNK_BYTES, CHUNK_BYTES = 1 << 8, 1 << 16  # read of a member; each time more
MOST_IN_VAIN = 4  # times a file's bytes
MAX_HEAD_BYTES = 1 << 16  # of a record; its WARC headers end there, and a metadata record as a whole
ANSWERS = (b"response", b"revisit")  # begin an exchange
# Of an answer; behind damage a page's own bytes may look like one.
NEEDED = {b"warc-record-id", b"warc-target-uri"}
_FIELD = re.compile(rb"^([A-Za-z-]+): *(.*?)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """Where one exchange lies in a WARC file."""

    url: str
    link_id: str | None  # of the link that led here; None of a robots.txt, and of what an archive gave
    records: tuple[Position, ...]  # the response or revisit, then the request and metadata that belong to it


def exchanges(pages_folder: Path, name: str) -> Iterator[StoredExchange]:
    """The exchanges in a WARC file, without what is damaged. `name`: the file's, relative to pages/."""
    answer: dict[bytes, bytes] = {}
    link_id: str | None = None
    records: list[Position] = []
    for place, head, body in _records(pages_folder, name):
        kind = head.get(b"warc-type")
        if records and head.get(b"warc-concurrent-to") == answer[b"warc-record-id"]:
            records.append(place)
            if kind == b"metadata":
                link_id = _fields(body).get(b"linkid", b"").decode("utf-8", "replace") or None
            continue
        if records:
            yield StoredExchange(_url(answer), link_id, tuple(records))
        begins = kind in ANSWERS and head.keys() >= NEEDED
        answer, link_id, records = head, None, [place] if begins else []
    if records:
        yield StoredExchange(_url(answer), link_id, tuple(records))


def _records(pages_folder: Path, name: str) -> Iterator[tuple[Position, dict[bytes, bytes], bytes]]:
    """Each record: its place, its WARC headers, the beginning of what follows them."""
    for start, length, data in _members(files.here(pages_folder / name)):
        head, _, body = data.partition(b"\r\n\r\n")
        yield Position(name, start, length), _fields(head), body


def _members(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """The place, the length and the first bytes of each gzip member that is neither damaged nor cut short.

    Those that begin within a damaged one are found too, until looking for them has cost several times the
    file: what only looks like members may be a page's work.
    """
    if not path.stat().st_size:  # which cannot be mapped
        return
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        in_vain, start = 0, data.find(GZIP)
        while start >= 0:
            end, head = _member(data, start)
            if head is not None:
                yield start, end - start, head
            else:
                in_vain += end - start
                end = end if in_vain > MOST_IN_VAIN * len(data) else start + 1
            start = data.find(GZIP, end)


def _member(data: mmap, start: int) -> tuple[int, bytes | None]:
    """Where a member ends, and its first bytes; None of one that is damaged, and how far it was read."""
    inflater, end, head, size = zlib.decompressobj(31), start, b"", FIRST_CHUNK_BYTES
    while not inflater.eof:
        chunk = data[end : end + size]
        try:
            text = inflater.decompress(chunk)
        except zlib.error:
            return end + len(chunk), None
        if not chunk:
            return end, None
        head += text[: MAX_HEAD_BYTES - len(head)]
        end += len(chunk) - len(inflater.unused_data)
        size = min(16 * size, CHUNK_BYTES)
    return end, head


def _url(head: dict[bytes, bytes]) -> str:
    return head[b"warc-target-uri"].decode("utf-8", "replace")


def _fields(text: bytes) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in _FIELD.findall(text)}
