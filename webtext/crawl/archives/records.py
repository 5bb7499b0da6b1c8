"""A response record of a WARC or ARC file, whoever wrote it, as an exchange."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

from warcio.bufferedreaders import ChunkedDataReader

from webtext.crawl.archives.captures import Unusable
from webtext.crawl.exchange import Exchange


def exchange(record: Any, source_uri: str, max_bytes: int) -> Exchange:
    """The record's response, at most `max_bytes` of its body. Raises Unusable."""
    if record.rec_type != "response" or record.http_headers is None:
        raise Unusable("no response record")
    head = record.http_headers
    headers = tuple((str(name), str(value)) for name, value in head.headers)
    body = _body(record, max_bytes + 1)
    truncated = record.rec_headers.get_header("WARC-Truncated")
    if len(body) > max_bytes:
        body, truncated = body[:max_bytes], "length"
    _, _, reason = str(head.statusline).partition(" ")
    return Exchange(
        target(record),
        status(record),
        headers,
        body,
        reason,
        truncated=truncated,
        at=captured_at(record),
        source_uri=source_uri,
    )


def target(record: Any) -> str:
    """The URL of a record; some writers put it in angle brackets (WARC/1.0's grammar)."""
    return str(record.rec_headers.get_header("WARC-Target-URI") or "").strip().strip("<>")


def status(record: Any) -> int:
    code = str(record.http_headers.get_statuscode())
    if not (code.isascii() and code.isdigit() and len(code) == 3):
        raise Unusable("no status code")
    return int(code)


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
