"""Shares of one dump, so that several processes parse it together.

Decompressing costs a fifth of what parsing does, and cannot begin in the middle of a frame. So each process
decompresses all of a dump, and takes every n-th block of it: whole lines, by where they begin.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

_LINE_END = ord("\n")
BLOCK_BYTES = 4 << 20  # of decompressed lines


@dataclass(frozen=True)
class Slice:
    """The blocks number `number`, `number + of`, …"""

    number: int = 0
    of: int = 1

    def takes(self, offset: int) -> bool:
        """Whether the line that begins there, in the decompressed bytes, is of this slice."""
        return offset // BLOCK_BYTES % self.of == self.number


WHOLE = Slice()


def lines_of(chunks: Iterable[memoryview], share: Slice) -> Iterator[tuple[int, memoryview]]:
    """(how many lines of the file stand before, whole lines) of a slice, from chunks of whole lines.

    Where blocks end depends on the file alone.
    """
    offset = row = 0
    for chunk in chunks:
        begin = 0
        while begin < len(chunk):
            end = _end_of_block(chunk, begin, offset)
            if share.takes(offset + begin):
                yield row, chunk[begin:end]
            row += _count_lines(chunk, begin, end)
            begin = end
        offset += len(chunk)


def _end_of_block(chunk: memoryview, begin: int, offset: int) -> int:
    """Where, in a chunk that begins at `offset`, the block of the line at `begin` ends."""
    border = (offset + begin) // BLOCK_BYTES * BLOCK_BYTES + BLOCK_BYTES - offset
    if border >= len(chunk):
        return len(chunk)
    # The line that runs over the border still belongs to the block that it begins in.
    return _bytes_of(chunk).find(b"\n", border - 1, len(chunk)) + 1 or len(chunk)


def _count_lines(chunk: memoryview, begin: int, end: int) -> int:
    # bytes.count looks at one byte after the other, ten times as slowly
    return int(np.count_nonzero(np.frombuffer(chunk[begin:end], np.uint8) == _LINE_END))


def _bytes_of(chunk: memoryview) -> bytearray | bytes:
    """What lies under a chunk, which begins where that does."""
    under = chunk.obj
    assert isinstance(under, bytearray | bytes)
    return under
