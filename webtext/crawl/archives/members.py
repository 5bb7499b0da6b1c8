"""The members of a gzip file (RFC 1952 §2.2), or the frames of a zstd file (RFC 8878 §3.1): one that is
damaged costs no other."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import zstandard

from webtext.crawl import zstd

GZIP = b"\x1f\x8b\x08"  # begins a member; the third byte is the only method there is
MOST_FALSE_STARTS = 1000  # one after the other: what looks like a member and is none takes time


class Decoder(Protocol):
    """Of one member. `unused_data` is what stands behind it."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


@dataclass
class Members:
    """The decoders of a file's members, one after the other."""

    magic: bytes  # begins a member
    begin: Callable[[], Decoder]
    damage: type[Exception]  # that a decoder raises
    begun: bool = False  # whether something of the first member could be read
    false_starts: int = 0  # since a member was whole

    def next(self) -> "Member":
        return Member(self)


def of_gzip() -> Members:
    """The members of a gzip file."""
    return Members(GZIP, partial(zlib.decompressobj, 31), zlib.error)


def of_zstd(dictionary: zstandard.ZstdCompressionDict | None) -> Members:
    """The frames of a zstd file with data."""
    return Members(zstd.FRAME, zstd.Frames(dictionary).next, zstandard.ZstdError)


class Member:
    """One member, used as zlib's decompressobj is.

    A damaged one gives nothing more and never comes to its `eof`; its `unused_data` then begins where the
    next member may begin. Raises the decoder's error where nothing of the file's first member can be read.
    """

    def __init__(self, members: Members) -> None:
        self.damaged = False
        self._members, self._decoder = members, members.begin()
        self._fed = self._passed = False
        self._rest = b""  # of a damaged member its last bytes; once it was passed, what follows

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        if self.damaged:
            return self._rest if self._passed else b""
        return self._decoder.unused_data

    def decompress(self, data: bytes) -> bytes:
        if self.damaged:
            return self._look(data)
        try:
            given = self._decoder.decompress(data)
        except self._members.damage:
            if not self._members.begun:
                raise
            self.damaged = True
            self._members.false_starts += 1
            return self._look(data if self._fed else data[1:])  # which begins with this member
        self._fed = self._members.begun = True
        if self._decoder.eof:
            self._members.false_starts = 0
        return given

    def _look(self, data: bytes) -> bytes:
        """Looks for the next member's beginning, which may stand in two pieces; gives nothing of this one."""
        magic, gone_on = self._members.magic, self._members.false_starts < MOST_FALSE_STARTS
        self._rest += data
        at = self._rest.find(magic) if gone_on else -1
        self._passed = at >= 0
        self._rest = self._rest[at:] if self._passed else self._rest[1 - len(magic) :]
        return b""
