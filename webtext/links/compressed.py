"""Reading compressed files as they are met: several frames, 2 GiB windows, cut short, damaged in the middle.

A reader's `readinto(buffer)` gives how many bytes it put there, 0 at the end. Damage raises `Broken` only
after everything before it was given.
"""

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

MAX_WINDOW_BYTES = 2**31  # the dumps are compressed with `zstd --long=31`
READ_BYTES = 1 << 20

_MAGIC = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PAR1": "parquet",
    b"PK\x03\x04": "zip",
    b"\x04\x22\x4d\x18": "lz4",
    b"ARROW1": "Feather",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x89PNG": "png",
    b"%PDF": "pdf",
}
_BOMS_OF_WIDER = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_SKIPPABLE = 0x184D2A50  # magic numbers of zstd frames without data, the last four bits aside


class Broken(Exception):
    """The compressed data ends early or is damaged; the message says which."""


class Reader(Protocol):
    """A file's bytes, decompressed; `readinto` raises Broken where they end early."""

    def readinto(self, buffer: memoryview, /) -> int: ...
    def close(self) -> None: ...


def kind_of(head: bytes) -> str | None:
    """What a file is by its first bytes: "zstd", "gzip", "bzip2", "xz", "parquet", something that cannot be
    read here, or None for none of these, perhaps text."""
    if len(head) >= 4 and int.from_bytes(head[:4], "little") & ~0xF == _SKIPPABLE:
        return "zstd"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def described(data: bytes) -> str:
    """What it is that cannot be read, by its first bytes."""
    start = data.lstrip()[:40]
    if not start:
        return "nothing but blanks"
    if data.startswith(_BOMS_OF_WIDER):
        return "text in UTF-16 or UTF-32 (save it as UTF-8)"
    if data[257:262] == b"ustar":
        return "a tar archive (unpack it)"
    if b"\0" in data or sum(byte < 9 for byte in start) > 0:
        return f"binary data that begins with {start[:8].hex(' ')}"
    return f"text that begins with {start.decode('utf-8', 'replace').splitlines()[0]!r}"


def open_reader(path: Path) -> Reader:
    """A reader of the file's decompressed bytes, or of its bytes where it is not compressed."""
    with path.open("rb") as file:
        kind = kind_of(file.read(8))
    if kind == "zstd":
        return _Zstd(path)
    if kind == "gzip":
        return _Standard(gzip.open(path))
    if kind == "bzip2":
        return _Standard(bz2.open(path))
    if kind == "xz":
        return _Standard(lzma.open(path))
    return path.open("rb", buffering=0)


class _Standard:
    """gzip, bzip2 and xz by the standard library: one read of the file at a time, so that nothing that was
    decompressed is lost to an error behind it."""

    def __init__(self, file: "gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile") -> None:
        self._file = file

    def readinto(self, buffer: memoryview) -> int:
        try:
            return self._file.readinto1(buffer)
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the disk's fault, not the data's
            raise Broken(str(error)) from None

    def close(self) -> None:
        self._file.close()


class _Zstd:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = _Walked(path.open("rb"))
        self._stream = _stream(self._source, READ_BYTES)
        self._given = 0
        self._damage: str | None = None

    def readinto(self, buffer: memoryview) -> int:
        if self._damage is not None:
            raise Broken(self._damage)
        try:
            count: int = self._stream.readinto(buffer)
        except zstandard.ZstdError as error:
            self._damage = f"damaged: {error}"
            count = self._salvage(buffer)
            if not count:
                raise Broken(self._damage) from None
        if not count and not self._source.walk.between_frames:
            raise Broken("cut short in the middle of a frame")
        self._given += count
        return count

    def close(self) -> None:
        self._source.file.close()

    def _salvage(self, buffer: memoryview) -> int:
        """What lies between the last good read and the damage: all again, the end in the smallest steps."""
        count, left = 0, self._given
        with self._path.open("rb") as file, suppress(zstandard.ZstdError):
            stream = _stream(file, 1 << 10)
            while left and (passed := stream.readinto(buffer[: min(left, len(buffer))])):
                left -= passed  # of a file that another program has just replaced there may be less
            while piece := stream.read1(len(buffer) - count):
                buffer[count : count + len(piece)] = piece
                count += len(piece)
        return count


def _stream(source: "BinaryIO | _Walked", read_bytes: int) -> zstandard.ZstdDecompressionReader:
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    return decompressor.stream_reader(source, read_size=read_bytes, read_across_frames=True)  # type: ignore[arg-type]


class _Walked:
    """A file whose frames are followed as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.walk = FrameWalk()

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        self.walk.feed(data)
        return data


class FrameWalk:
    """Follows zstd's frame and block headers (RFC 8878 §3.1), because the decoder does not tell an end of
    data inside a frame from one between two."""

    def __init__(self) -> None:
        self._in_frame = False
        self._headers = self._parse()
        self._wanted = next(self._headers)  # bytes of a header to hand over, or to pass over if negative
        self._held = b""

    @property
    def between_frames(self) -> bool:
        """Whether what was fed so far ends with a whole frame, or is nothing."""
        return not self._in_frame and not self._held

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the file."""
        at = 0
        while at < len(data):
            if self._wanted > 0:
                taken = data[at : at + self._wanted - len(self._held)]
                self._held += taken
                at += len(taken)
                if len(self._held) == self._wanted:
                    held, self._held = self._held, b""
                    self._wanted = self._headers.send(held)
            else:
                passed = min(-self._wanted, len(data) - at)
                at += passed
                self._wanted += passed
            while self._wanted == 0:
                self._wanted = next(self._headers)

    def _parse(self) -> Generator[int, bytes, None]:
        """Yields how many bytes it wants next, and is sent them; or minus how many are to be passed over."""
        while True:
            self._in_frame = False
            magic = int.from_bytes((yield 4), "little")
            self._in_frame = True
            if magic & ~0xF == _SKIPPABLE:
                yield -int.from_bytes((yield 4), "little")
                continue
            descriptor = (yield 1)[0]
            single_segment = descriptor >> 5 & 1
            dictionary_bytes = (0, 1, 2, 4)[descriptor & 3]
            size_bytes = (single_segment, 2, 4, 8)[descriptor >> 6]
            yield -(1 - single_segment + dictionary_bytes + size_bytes)
            last = 0
            while not last:
                block = int.from_bytes((yield 3), "little")
                last, run_length = block & 1, block >> 1 & 3 == 1
                yield -(1 if run_length else block >> 3)
            yield -4 if descriptor & 4 else 0
