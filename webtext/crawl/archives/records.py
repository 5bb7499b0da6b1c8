"""A response record of a WARC or ARC file, whoever wrote it, as an exchange."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from webtext.crawl.archives.captures import Unusable
from webtext.crawl.archives.warc_stream import CUT_SHORT
from webtext.crawl.exchange import Exchange, Headers, header
from webtext.crawl.page import PAGE_STATUSES, announced_bytes

# A chunk's size (RFC 9112 §7.1), and no more of its extensions than anybody sends.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")
MAX_SIZE_LINE_BYTES = 256


def exchange(record: Any, source_uri: str, max_bytes: int) -> Exchange:
    """The record's response, at most `max_bytes` of its body. Raises Unusable."""
    if record.rec_type != "response" or record.http_headers is None:
        raise Unusable("no response record")
    truncated = record.rec_headers.get_header("WARC-Truncated")
    body, whole = _body(record, max_bytes + 1)
    if not whole and not truncated:
        raise Unusable("the body is cut short")
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
    """The response's status code. Raises Unusable without one of three digits."""
    code = str(record.http_headers.get_statuscode())
    if not (code.isascii() and code.isdigit() and len(code) == 3):
        raise Unusable("no status code")
    return int(code)


def _phrase(record: Any) -> str:
    return str(record.http_headers.statusline).partition(" ")[2]


def captured_at(record: Any) -> datetime:
    """When the record says that it was captured, in UTC. Raises Unusable where it does not say."""
    text = str(record.rec_headers.get_header("WARC-Date") or "").strip()
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may be before the year 1
        raise Unusable("no date") from None


def payload_digest(body: bytes) -> str:
    """As CDX indexes give it: the SHA-1 in base 32."""
    return base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


def _body(record: Any, limit: int) -> tuple[bytes, bool]:
    """The body, its transfer coding undone (most archives keep it as it was on the wire), and whether it is
    as long as the server said. Raises Unusable where the record is shorter than it says itself.

    A Content-Length is believed of bodies as they are alone: archives undo codings and leave it as it was.
    """
    stream, head = record.raw_stream, headers(record)
    if "chunked" in (header(head, "transfer-encoding") or "").lower():
        body, whole = _unchunked(stream, limit)
    else:
        body = _read(stream, limit)
        coded = header(head, "content-encoding") or header(head, "transfer-encoding")
        whole = bool(coded) or len(body) >= announced_bytes(head)
    if len(body) == limit:
        return body, True
    if getattr(stream, "limit", 0) and not stream.read(1):
        raise Unusable(CUT_SHORT)
    return body, whole


def _unchunked(stream: Any, limit: int) -> tuple[bytes, bool]:
    """A body and whether its last chunk is there; one whose chunks the archive undid is given as it is."""
    line = stream.readline(MAX_SIZE_LINE_BYTES)
    if not _CHUNK_SIZE.fullmatch(line):
        return line[:limit] + _read(stream, limit - len(line)), True
    body = bytearray()
    while len(body) < limit and (match := _CHUNK_SIZE.fullmatch(line)):
        if (size := int(match[1], 16)) == 0:
            return bytes(body), True
        body += _read(stream, min(size, limit - len(body)))
        line = stream.readline(MAX_SIZE_LINE_BYTES)
        if not line.strip():  # the end of the chunk's own line
            line = stream.readline(MAX_SIZE_LINE_BYTES)
    return bytes(body), False


def _read(stream: Any, limit: int) -> bytes:
    body = bytearray()
    while len(body) < limit and (piece := stream.read(min(limit - len(body), 1 << 16))):
        body += piece
    return bytes(body)
