"""Lines read ahead: a thread fills the next chunk while this one is parsed.

Decompression runs outside the interpreter lock, and so does a look at the lines by compiled code: both
overlap with parsing on two cores. Each wait for the lock can take milliseconds, so that chunks are large.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from webtext.links.compressed import Broken, Reader, open_reader

CHUNK_BYTES = 1 << 23
CHUNKS = 4  # one filled, one parsed, two between them
MAX_LINE_BYTES = 16 << 20  # a longer line is passed over as malformed; true ones stay under 1 MiB

_BOM = b"\xef\xbb\xbf"

Seen = TypeVar("Seen")


class _Filled(NamedTuple):
    """A buffer, the end of the whole lines in it, and what the look saw, if it was taken already."""

    buffer: bytearray
    end: int
    seen: list[Any]


_Full = queue.SimpleQueue[_Filled | BaseException | None]
_Free = queue.SimpleQueue[bytearray | None]


class LineChunks:
    """The file's whole lines, chunk after chunk. After the last one `broken` says why there are no more, if
    not because the file ended, and `overlong` how many lines were passed over for their length.

    The memory under a chunk is used again after the next one was asked for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broken: str | None = None
        self.overlong = 0
        self._awaited = True  # whether whoever takes the chunks has nothing to do

    def __iter__(self) -> Iterator[memoryview]:
        return (lines for lines, _ in self.looked_at(lambda _: None))

    def looked_at(self, look: Callable[[memoryview], Seen]) -> Iterator[tuple[memoryview, Seen]]:
        """Each chunk with what `look` sees in it. The reading thread looks, unless the chunk is awaited: then
        whoever takes it does, so that neither waits long for the other."""
        full, free = _Full(), _Free()
        for _ in range(CHUNKS):
            free.put(bytearray(CHUNK_BYTES))
        threading.Thread(target=self._fill, args=(free, full, look), daemon=True).start()
        try:
            while (filled := full.get()) is not None:
                if isinstance(filled, BaseException):
                    raise filled
                self._awaited = False
                lines = memoryview(filled.buffer)[: filled.end]
                yield lines, filled.seen[0] if filled.seen else look(lines)
                free.put(filled.buffer)
                self._awaited = full.empty()
        finally:
            free.put(None)

    def _fill(self, free: _Free, full: _Full, look: Callable[[memoryview], Seen]) -> None:
        try:
            reader = open_reader(self.path)
            try:
                lines = _Lines(reader)
                while (buffer := free.get()) is not None:
                    buffer, end = lines.fill(buffer)
                    self.overlong = lines.overlong
                    self.broken = lines.broken
                    if not end:
                        break
                    awaited, self._awaited = (
                        self._awaited,
                        False,
                    )  # only this chunk is; those after it wait themselves
                    full.put(_Filled(buffer, end, [] if awaited else [look(memoryview(buffer)[:end])]))
            finally:
                reader.close()
            full.put(None)
        except BaseException as error:  # it is the consumer's to handle
            full.put(error)


class _Lines:
    """Cuts what a reader gives at line ends; what follows the last one waits for the next chunk."""

    def __init__(self, reader: Reader) -> None:
        self.broken: str | None = None
        self.overlong = 0
        self._reader = reader
        self._tail = b""
        self._first = True
        self._ended = False

    def fill(self, buffer: bytearray) -> tuple[bytearray, int]:
        """(buffer, end of its whole lines); an end of 0 is the end of the file."""
        have = len(self._tail)
        if have >= len(buffer):
            buffer = bytearray(2 * have)
        buffer[:have] = self._tail
        self._tail = b""
        while not self._ended:
            have = self._more(buffer, have)
            end = buffer.rfind(b"\n", 0, have) + 1
            if end:
                self._tail = bytes(memoryview(buffer)[end:have])
                return buffer, end
            if have == len(buffer) and have < MAX_LINE_BYTES:
                buffer = buffer + bytearray(len(buffer))
            elif have == len(buffer):
                have = self._pass_line(buffer)
        return buffer, 0 if self.broken else have

    def _more(self, buffer: bytearray, have: int) -> int:
        count = self._read(buffer, have)
        if self._first:
            self._first = False
            while 0 < count < len(_BOM) and (more := self._read(buffer, count)):  # a frame may hold a byte
                count += more
            if buffer.startswith(_BOM):
                count -= len(_BOM)
                buffer[:count] = buffer[len(_BOM) : len(_BOM) + count]
        return have + count

    def _read(self, buffer: bytearray, have: int) -> int:
        try:
            with memoryview(buffer) as view:
                count = self._reader.readinto(view[have:])
        except Broken as broken:
            self.broken, count = str(broken), 0
        if not count:
            self._ended = True
        return count

    def _pass_line(self, buffer: bytearray) -> int:
        """Reads on to the next line's beginning, which it moves to the front; how much there is of it."""
        self.overlong += 1
        while not self._ended:
            have = self._more(buffer, 0)
            end = buffer.find(b"\n", 0, have) + 1
            if end:
                buffer[: have - end] = buffer[end:have]
                return have - end
        return 0
