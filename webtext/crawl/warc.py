"""WARC/1.1 (ISO 28500:2017): exchanges written as records, and a page's response read back.

Each record is one gzip member. Transfer coding is undone, content coding is kept as received; a header
that no longer says the truth about the stored body is renamed to `X-Crawl-…`, as Common Crawl does.
"""

import base64
import hashlib
import io
import os
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from webtext.crawl import coding
from webtext.crawl.exchange import Exchange, Headers, header

FOLDER = "warc"  # under pages/
SOFTWARE = "webtext"
# 2.6 times as fast as level 9 for 6 % more bytes; what came compressed does not become smaller.
GZIP_LEVEL, GZIP_LEVEL_CODED = 4, 1
DATE = "%Y-%m-%dT%H:%M:%S.%fZ"


class LostRecord(Exception):
    """The response cannot be read back from its WARC file."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response as it lies in an archive; `body` has its content coding undone."""

    status: int
    headers: list[tuple[str, str]]
    content_type: str | None  # the whole header value
    body: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class Body:
    """What a revisit is made of, should an archive have the body already."""

    digest: bytes  # equal for exchanges whose bodies and their type and coding are the same
    payload_digest: str  # as WARC-Payload-Digest has it
    bytes: int
    exchange: Exchange  # without its body


@dataclass(frozen=True, slots=True)
class Packed:
    """An exchange as bytes for an archive; the first `response_bytes` of them are the response record."""

    data: bytes
    response_bytes: int
    body: Body | None = None  # None: there is none, or it is not whole


@dataclass(frozen=True, slots=True)
class Position:
    """Where a response record lies."""

    file: str  # relative to pages/
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The response record that has a body: of which URL, when, where."""

    url: str
    at: datetime
    position: Position


def read_response(pages_folder: Path, warc_file: str, offset: int, max_bytes: int) -> StoredResponse:
    """The response that a row of `pages` points at, at most `max_bytes` of its body.

    Raises LostRecord when there is none, or none that can be decoded.
    """
    try:
        with (pages_folder / warc_file).open("rb") as file:
            file.seek(offset)
            record = next(ArchiveIterator(file))
            if record.rec_type != "response" or record.http_headers is None:
                raise LostRecord(f"{warc_file} has no response at {offset}")
            stored = record.raw_stream.read(record.length) if record.length else b""
            headers = [(str(name), str(value)) for name, value in record.http_headers.headers]
            decoded = coding.decode(stored, header(headers, "content-encoding"), max_bytes)
            status = int(record.http_headers.get_statuscode())
    except LostRecord:
        raise
    except Exception as error:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
        raise LostRecord(f"{warc_file} at {offset}: {type(error).__name__}") from error
    cut = record.rec_headers.get_header("WARC-Truncated") is not None
    truncated = cut or decoded.too_large or not decoded.complete
    return StoredResponse(status, headers, header(headers, "content-type"), decoded.body, truncated)


def pack(exchange: Exchange) -> Packed:
    """The response and request records of an exchange."""
    extra = {"WARC-Truncated": exchange.truncated} if exchange.truncated else {}
    response, record_id = _record(
        "response",
        exchange.url,
        _status(exchange),
        _stored_headers(exchange),
        exchange.body,
        _facts(exchange) | extra,
    )
    return Packed(response + _request(exchange, record_id), len(response), _body(exchange))


def pack_revisit(body: Body, stored: Stored) -> Packed:
    """The revisit and request records of an exchange whose body is stored already."""
    extra = {
        "WARC-Profile": _IDENTICAL,
        "WARC-Refers-To-Target-URI": stored.url,
        "WARC-Refers-To-Date": stored.at.strftime(DATE),
        "WARC-Payload-Digest": body.payload_digest,
    }
    exchange = body.exchange
    revisit, record_id = _record(
        "revisit", exchange.url, _status(exchange), exchange.headers, b"", _facts(exchange) | extra
    )
    return Packed(revisit + _request(exchange, record_id), len(revisit))


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
        return self._file.tell()

    def append(self, packed: Packed) -> Position:
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


class _Head(StatusAndHeaders):  # type: ignore[misc]
    """An HTTP head whose bytes are those received: warcio would percent-encode what is not ASCII."""

    def compute_headers_buffer(self, header_filter: Any = None) -> None:
        self.headers_buff = self.to_bytes(header_filter, encoding="latin-1")


def _record(
    kind: str, url: str, start: str, headers: Headers, body: bytes, extra: dict[str, str]
) -> tuple[bytes, str]:
    protocol = "" if kind == "request" else "HTTP/1.1"
    head = _Head(start, [(_clean(name), _clean(value)) for name, value in headers], protocol=protocol)
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False, warc_version="1.1")
    record = writer.create_warc_record(
        url, kind, payload=io.BytesIO(body), length=len(body), http_headers=head, warc_headers_dict=extra
    )
    writer.write_record(record)
    level = GZIP_LEVEL_CODED if header(headers, "content-encoding") else GZIP_LEVEL
    return _gzip(out.getvalue(), level), record.rec_headers.get_header("WARC-Record-ID")


def _request(exchange: Exchange, response_id: str) -> bytes:
    if exchange.source_uri:
        return b""  # an archive was asked, not the site
    split = urlsplit(exchange.url)
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    extra = _facts(exchange) | {"WARC-Concurrent-To": response_id}
    start = f"GET {target} HTTP/1.1"
    return _record("request", exchange.url, start, exchange.request_headers, b"", extra)[0]


def _facts(exchange: Exchange) -> dict[str, str]:
    facts = {"WARC-Date": exchange.at.strftime(DATE)}
    if exchange.address:
        facts["WARC-IP-Address"] = exchange.address
    if exchange.source_uri:
        facts["WARC-Source-URI"] = exchange.source_uri
    return facts


def _status(exchange: Exchange) -> str:
    return f"{exchange.status} {_clean(exchange.reason)}".strip()


def _body(exchange: Exchange) -> Body | None:
    if exchange.truncated or not exchange.body:
        return None
    sha1 = hashlib.sha1(exchange.body, usedforsecurity=False).digest()
    meaning = repr([exchange.header(name) for name in ("content-type", "content-encoding")])
    digest = hashlib.sha256(exchange.body)
    digest.update(meaning.encode())
    head = replace(exchange, headers=_stored_headers(exchange), body=b"")
    return Body(digest.digest(), f"sha1:{base64.b32encode(sha1).decode()}", len(exchange.body), head)


def _warcinfo(name: str) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False, warc_version="1.1")
    info = {"software": SOFTWARE, "format": "WARC File Format 1.1", "conformsTo": _SPECIFICATION}
    writer.write_record(writer.create_warcinfo_record(name, info))
    return _gzip(out.getvalue())


_IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_SPECIFICATION = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


def _gzip(data: bytes, level: int = GZIP_LEVEL) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, 31)
    return compressor.compress(data) + compressor.flush()


def _stored_headers(exchange: Exchange) -> Headers:
    """The response's headers, corrected where storing made them untrue."""
    stored = []
    for name, value in exchange.headers:
        lower = name.lower()
        wrong_length = lower == "content-length" and value.strip() != str(len(exchange.body))
        if lower == "transfer-encoding" or wrong_length:
            stored.append((f"X-Crawl-{name}", value))
            stored += [("Content-Length", str(len(exchange.body)))] if wrong_length else []
        else:
            stored.append((name, value))
    return tuple(stored)


def _clean(text: str) -> str:
    """A header's text on one line (obsolete folding undone, RFC 9112 §5.2), in Latin-1."""
    line = " ".join(text.split("\r\n")).translate(_CONTROLS)
    return line.encode("latin-1", "replace").decode("latin-1").strip()


_CONTROLS = {code: " " for code in range(32) if code != 9}
