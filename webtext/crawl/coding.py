"""Content codings undone, within bounds: the coded bytes come from strangers.

Requests ask for gzip and deflate alone, which the standard library can decode piece by piece.
"""

import zlib
from dataclasses import dataclass

from webtext.crawl import media_types

ACCEPTED = "gzip, deflate"

MAX_CODINGS = 3
MAX_GZIP_MEMBERS = 256
# DEFLATE cannot pass 1032:1 and HTML seldom passes 20:1; small bodies may be one repeated byte.
MAX_RATIO, RATIO_FREE_BYTES = 300, 1_000_000

_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's names for the three containers
_GZIP_MAGIC = b"\x1f\x8b"
_WINDOW = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
# Codings that we know and did not ask for. Any other word is a mistake ("utf-8", "none"), which
# browsers read as no coding.
_REFUSED = {"br", "zstd", "compress", "x-compress", "dcb", "dcz"}


class BadCoding(Exception):
    """The body cannot be decoded; the message says why."""


@dataclass(frozen=True, slots=True)
class Decoded:
    body: bytes
    complete: bool = True  # the coded stream has its end
    too_large: bool = False  # there is more than the limit; `body` is cut there


def decode(body: bytes, content_encoding: str | None, max_bytes: int) -> Decoded:
    """Undoes the codings that a Content-Encoding header names; raises BadCoding."""
    decoded = Decoded(body[:max_bytes], too_large=len(body) > max_bytes)
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    codings = [name for name in names if name in _WINDOW or name in _REFUSED]
    if len(codings) > MAX_CODINGS:
        raise BadCoding("too many codings")
    complete, received = True, len(body)
    for name in reversed(codings):
        if name in _REFUSED:
            raise BadCoding(f"{name} cannot be decoded")
        decoded = _inflate(body, _WINDOW[name], max_bytes)
        complete = complete and decoded.complete
        body = decoded.body
    if len(body) > max(RATIO_FREE_BYTES, MAX_RATIO * received):
        raise BadCoding("expands beyond all measure")
    return Decoded(decoded.body, complete, decoded.too_large)


def is_undone(body: bytes, content_encoding: str | None) -> bool:
    """Whether a body has certainly not the coding that its header names: archives undo it and leave that."""
    name = (content_encoding or "").strip().lower()
    if _WINDOW.get(name) == _GZIP:
        return bool(body) and not body.startswith(_GZIP_MAGIC)
    return (name in _WINDOW or name in _REFUSED) and media_types.sniff(body) == "text/html"


def _inflate(data: bytes, window: int, max_bytes: int) -> Decoded:
    if not data:
        return Decoded(b"")
    if window == _ZLIB and not _has_zlib_header(data):
        window = _RAW  # RFC 9110 §8.4.1.2 notes servers that leave the zlib container out
    out, members, complete = bytearray(), 0, False
    while not complete and len(out) <= max_bytes:
        inflater = zlib.decompressobj(window)
        try:
            out += inflater.decompress(data, max_bytes + 1 - len(out))
        except zlib.error:
            raise BadCoding("the compressed data is damaged") from None
        if not inflater.eof:
            break
        members += 1
        if members > MAX_GZIP_MEMBERS:
            raise BadCoding("too many gzip members")
        data = inflater.unused_data
        complete = window != _GZIP or not data.startswith(_GZIP_MAGIC)  # what follows else is garbage
    return Decoded(bytes(out[:max_bytes]), complete, len(out) > max_bytes)


def _has_zlib_header(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
