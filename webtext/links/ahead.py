"""Lines read ahead: a thread fills the next chunk while this one is parsed.

Decompression runs outside the interpreter lock, so the two overlap on two cores.
"""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

from webtext.links.compressed import Broken, Reader, open_reader

CHUNK_BYTES = 1 << 19  # stays in the cache between the thread that fills it and the one that parses it
CHUNKS = 3
MAX_LINE_BYTES = 16 << 20  # a longer line is passed over as malformed; true ones stay under 1 MiB

_BOM = b"\xef\xbb\xbf"


class LineChunks:
    """The file's whole lines, chunk after chunk. After the last one `broken` says why there are no more, if
    not because the file ended, and `overlong` how many lines were passed over for their length.

    The memory under a chunk is used again after the next one was asked for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broken: str | None = None
        self.overlong = 0

    def __iter__(self) -> Iterator[memoryview]:
        full: queue.SimpleQueue[tuple[bytearray, int] | BaseException | None] = queue.SimpleQueue()
        free: queue.SimpleQueue[bytearray | None] = queue.SimpleQueue()
        for _ in range(CHUNKS):
            free.put(bytearray(CHUNK_BYTES))
        threading.Thread(target=self._fill, args=(free, full), daemon=True).start()
        try:
            while (filled := full.get()) is not None:
                if isinstance(filled, BaseException):
                    raise filled
                buffer, end = filled
                yield memoryview(buffer)[:end]
                free.put(buffer)
        finally:
            free.put(None)

    def _fill(
        self,
        free: "queue.SimpleQueue[bytearray | None]",
        full: "queue.SimpleQueue[tuple[bytearray, int] | BaseException | None]",
    ) -> None:
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
                    full.put((buffer, end))
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
        try:
            with memoryview(buffer) as view:
                count = self._reader.readinto(view[have:])
        except Broken as broken:
            self.broken, count = str(broken), 0
        if not count:
            self._ended = True
        if self._first and count:
            self._first = False
            if buffer.startswith(_BOM):
                count -= len(_BOM)
                buffer[:count] = buffer[len(_BOM) : len(_BOM) + count]
        return have + count

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
