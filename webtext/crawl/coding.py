"""Content codings undone, within bounds: the coded bytes come from strangers.

Requests ask for gzip and deflate alone. Archives have what browsers asked for: br and zstd, too.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli
import zstandard

from webtext.crawl import media_types, zstd

ACCEPTED = "gzip, deflate"

MAX_CODINGS = 3
MAX_MEMBERS = 256  # of gzip, or frames of zstd
MAX_WINDOW_BYTES = 8 << 20  # of zstd (RFC 9659 §3); brotli has none over 16 MiB
# DEFLATE cannot pass 1032:1 and HTML seldom passes 20:1; small bodies may be one repeated byte.
MAX_RATIO, RATIO_FREE_BYTES = 300, 1_000_000

_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's names for the three containers
_GZIP_MAGIC = b"\x1f\x8b"
_DAMAGED = "the compressed data is damaged"


class BadCoding(Exception):
    """The body cannot be decoded; the message says why."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body with a coding undone, as far as it goes."""

    body: bytes
    complete: bool = True  # the coded stream has its end
    too_large: bool = False  # there is more than the limit; `body` is cut there


def decode(body: bytes, content_encoding: str | None, max_bytes: int) -> Decoded:
    """Undoes the codings that a Content-Encoding header names; raises BadCoding."""
    decoded = Decoded(body[:max_bytes], too_large=len(body) > max_bytes)
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    codings = [name for name in names if name in _DECODERS or name in _REFUSED]
    if len(codings) > MAX_CODINGS:
        raise BadCoding("too many codings")
    complete, received = True, len(body)
    for name in reversed(codings):
        if name in _REFUSED:
            raise BadCoding(f"{name} cannot be decoded")
        decoded = _DECODERS[name](body, max_bytes) if body else Decoded(b"")
        complete = complete and decoded.complete
        body = decoded.body
    if len(body) > max(RATIO_FREE_BYTES, MAX_RATIO * received):
        raise BadCoding("expands beyond all measure")
    return Decoded(decoded.body, complete, decoded.too_large)


def is_undone(body: bytes, content_encoding: str | None) -> bool:
    """Whether a body has certainly not the coding that its header names: archives undo it and leave that."""
    name = (content_encoding or "").strip().lower()
    if _DECODERS.get(name) is _gzip:
        return bool(body) and not body.startswith(_GZIP_MAGIC)
    if name == "zstd":
        return bool(body) and not zstd.begins_frame(body)
    return (name in _DECODERS or name in _REFUSED) and media_types.sniff(body) == "text/html"


def _gzip(data: bytes, max_bytes: int) -> Decoded:
    return _inflate(data, _GZIP, max_bytes)


def _deflate(data: bytes, max_bytes: int) -> Decoded:
    # RFC 9110 §8.4.1.2 notes servers that leave the zlib container out
    return _inflate(data, _ZLIB if _has_zlib_header(data) else _RAW, max_bytes)


def _inflate(data: bytes, window: int, max_bytes: int) -> Decoded:
    out, members, complete = bytearray(), 0, False
    while not complete and len(out) <= max_bytes:
        inflater = zlib.decompressobj(window)
        try:
            out += inflater.decompress(data, max_bytes + 1 - len(out))
        except zlib.error:
            raise BadCoding(_DAMAGED) from None
        if not inflater.eof:
            break
        members += 1
        if members > MAX_MEMBERS:
            raise BadCoding("too many gzip members")
        data = inflater.unused_data
        complete = window != _GZIP or not data.startswith(_GZIP_MAGIC)  # what follows else is garbage
    return Decoded(bytes(out[:max_bytes]), complete, len(out) > max_bytes)


def _has_zlib_header(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def _brotli(data: bytes, max_bytes: int) -> Decoded:
    decoder, out = brotli.Decompressor(), bytearray()
    try:
        while len(out) <= max_bytes and not decoder.is_finished():
            out += decoder.process(data, output_buffer_limit=max_bytes + 1 - len(out))
            data = b""
            if decoder.can_accept_more_data():  # it has given what it had
                break
    except brotli.error:  # for what follows the end, too
        raise BadCoding(_DAMAGED) from None
    return Decoded(bytes(out[:max_bytes]), decoder.is_finished(), len(out) > max_bytes)


def _zstd(data: bytes, max_bytes: int) -> Decoded:
    frames, out = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES), bytearray()
    frame, ended, at, complete = frames.decompressobj(), 0, 0, False
    while at < len(data) and len(out) <= max_bytes and not complete:
        piece = data[at : at + zstd.PIECE_BYTES]
        try:
            out += frame.decompress(piece)
        except zstandard.ZstdError:
            raise BadCoding(f"{_DAMAGED}, or its window larger than {MAX_WINDOW_BYTES:,} bytes") from None
        at += len(piece)
        if frame.eof:
            at -= len(frame.unused_data)
            complete = not zstd.begins_frame(data[at : at + 4])  # what follows else is garbage
            frame, ended = frames.decompressobj(), ended + 1
            if ended > MAX_MEMBERS:
                raise BadCoding("too many zstd frames")
    return Decoded(bytes(out[:max_bytes]), complete, len(out) > max_bytes)


_DECODERS: dict[str, Callable[[bytes, int], Decoded]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
# Codings that we know and nobody asks for. Any other word is a mistake ("utf-8", "none"), which browsers
# read as no coding.
_REFUSED = {"compress", "x-compress", "dcb", "dcz"}
