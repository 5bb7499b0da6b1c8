"""A response record of a WARC or ARC file, whoever wrote it, as an exchange."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from warcio.bufferedreaders import ChunkedDataReader

from webtext.crawl.archives.captures import Unusable
from webtext.crawl.exchange import Exchange, Headers
from webtext.crawl.page import PAGE_STATUSES


def exchange(record: Any, source_uri: str, max_bytes: int) -> Exchange:
    """The record's response, at most `max_bytes` of its body. Raises Unusable."""
    if record.rec_type != "response" or record.http_headers is None:
        raise Unusable("no response record")
    body = _body(record, max_bytes + 1)
    truncated = record.rec_headers.get_header("WARC-Truncated")
    if len(body) > max_bytes:
        body, truncated = body[:max_bytes], "length"
    return Exchange(
        target(record),
        status(record),
        headers(record),
        body,
        _phrase(record),
        truncated=truncated,
        at=captured_at(record),
        source_uri=source_uri,
    )


def revisited(record: Any, original: Exchange) -> Exchange:
    """The page that a revisit record says was there again: its own head, where it has a page's, and time."""
    again = replace(original, url=target(record), at=captured_at(record))
    if record.http_headers is None or status(record) not in PAGE_STATUSES:  # 304: as it was
        return again
    return replace(again, status=status(record), headers=headers(record), reason=_phrase(record))


def target(record: Any) -> str:
    """The URL of a record."""
    return uri(record, "WARC-Target-URI")


def uri(record: Any, name: str) -> str:
    """A record's header that is a URI; some writers put it in angle brackets (WARC/1.0's grammar)."""
    return str(record.rec_headers.get_header(name) or "").strip().strip("<>")


def headers(record: Any) -> Headers:
    """The response's."""
    return tuple((str(name), str(value)) for name, value in record.http_headers.headers)


def status(record: Any) -> int:
    code = str(record.http_headers.get_statuscode())
    if not (code.isascii() and code.isdigit() and len(code) == 3):
        raise Unusable("no status code")
    return int(code)


def _phrase(record: Any) -> str:
    return str(record.http_headers.statusline).partition(" ")[2]


def captured_at(record: Any) -> datetime:
    text = str(record.rec_headers.get_header("WARC-Date") or "").strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Unusable("no date") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def payload_digest(body: bytes) -> str:
    """As CDX indexes give it: the SHA-1 in base 32."""
    return base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


def _body(record: Any, limit: int) -> bytes:
    """The body, its transfer coding undone: most archives keep it as it was on the wire."""
    stream = record.raw_stream
    if "chunked" in str(record.http_headers.get_header("Transfer-Encoding") or "").lower():
        stream = ChunkedDataReader(stream, decomp_type=None)  # passes on what is not chunked after all
    body = bytearray()
    while len(body) < limit and (piece := stream.read(min(limit - len(body), 1 << 16))):
        body += piece
    return bytes(body)
