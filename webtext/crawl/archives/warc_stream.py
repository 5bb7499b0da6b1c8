"""The records of a WARC or ARC file, one after the other, as far as they can be read.

warcio parses them. Here is what it leaves open: how long a head may be, whether a record is whole, and where
the next one begins after one that is not.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from warcio.archiveiterator import UnseekableYetTellable
from warcio.bufferedreaders import DecompressingBufferedReader
from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeadersParser
from zstandard import ZstdCompressionDict

from webtext.crawl import zstd
from webtext.crawl.archives.captures import Unusable
from webtext.crawl.archives.members import Members, of_gzip, of_zstd
from webtext.errors import ENDINGS

MAX_HEAD_BYTES = 1_000_000  # of a record: its own head, and HTTP's
PIECE_BYTES = 1 << 14
CUT_SHORT = "the record is cut short"
NO_ARCHIVE = "no WARC or ARC file, plain, gzipped or zstd"
NO_FRAME = "zstd that cannot be read: damaged, of another dictionary, or of a window over 128 MiB"
NO_DICTIONARY = "zstd whose dictionary cannot be read"
GZIPPED_AS_A_WHOLE = "gzipped as a whole, not record by record: `warcio recompress` mends that"
ZSTD_AS_A_WHOLE = "compressed as a whole, not record by record: `unzstd` mends that"
HEAD_BYTES = 8  # of a file, or of a frame without data: a magic number and a length


class WarcStream:
    """An iteration gives the records whose heads can be read, and raises Unusable at its end where one of
    them was not whole. In a gzip file the next member is read on with, in a zstd file the next frame, also
    behind a damaged one; in a plain one a head that cannot be read is the end."""

    def __init__(self, stream: Any, dictionary: ZstdCompressionDict | None = None) -> None:
        """`dictionary`: of the zstd file that the stream is a part of. Raises Unusable for a bad one."""
        self._stream = UnseekableYetTellable(stream)
        head = _read(self._stream, HEAD_BYTES)
        if (found := dictionary_at(head, partial(_read, self._stream))) is not None:
            dictionary, head = found, _read(self._stream, HEAD_BYTES)
        self._zstd = zstd.begins_frame(head)
        self._reader = _Reader(self._stream, head, of_zstd(dictionary) if self._zstd else None)
        self._loader = ArcWarcRecordLoader(verify_http=False, arc2warc=True)
        self._loader.http_parser = _HttpHeads(self._loader.HTTP_TYPES, verify=False)
        self._record: Any = None
        # in the file; the end is not known before it is read
        self._start, self._end = self._stream.tell() - len(head), -1
        self._whole = True
        self._spare_bytes = 0  # in members, behind their records

    def __iter__(self) -> Iterator[Any]:
        damaged, records, members, line = False, 0, 1, b""
        while True:
            try:
                record = self.parse(line)
            except ENDINGS:  # of a bucket
                raise
            except Exception:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
                damaged |= self._reader.num_block_read > 0  # an empty file, or member, is none
            else:
                records += 1
                yield record
            self._finish()
            damaged |= not self._whole
            if self._reader.decompressor:
                if not self._reader.read_next_member():
                    break
                self._start, line, members = self._end, b"", members + 1
            elif self._record is None or not (line := self._next_line()):
                break
        if damaged:
            raise Unusable(self._damage(records, members))

    def _damage(self, records: int, members: int) -> str:
        if not records:
            frame = self._reader.decompressor
            return NO_FRAME if self._zstd and (frame is None or frame.damaged) else NO_ARCHIVE
        if members == 1 and self._spare_bytes:
            return ZSTD_AS_A_WHOLE if self._zstd else GZIPPED_AS_A_WHOLE
        return CUT_SHORT

    def parse(self, first_line: bytes = b"") -> Any:
        """The record that begins here, whose first line may have been read. Raises whatever warcio does."""
        self._record, self._end = None, -1
        self._reader.head_bytes = MAX_HEAD_BYTES
        self._record = self._loader.parse_record_stream(self._reader, first_line or None)
        self._reader.head_bytes = sys.maxsize  # whoever reads the body has a limit
        return self._record

    def place(self) -> tuple[int, int]:
        """Offset and length of the record given last. Raises Unusable where it is not whole."""
        self._finish()
        if not self._whole:
            raise Unusable(CUT_SHORT)
        return self._start, self._end - self._start

    def _finish(self) -> None:
        """Reads to the end of the record, and of its gzip member."""
        if self._end >= 0:
            return
        self._whole = True
        if self._record is not None:
            _exhaust(self._record.raw_stream)
            self._whole = not getattr(self._record.raw_stream, "limit", 0)
        if self._reader.decompressor:
            spare_bytes = _exhaust(self._reader)
            self._spare_bytes += spare_bytes
            self._whole = self._whole and not spare_bytes and self._reader.decompressor.eof
        self._end = self._position()

    def _next_line(self) -> bytes:
        """The first line of the next record of a plain file; none at its end."""
        self._reader.head_bytes = MAX_HEAD_BYTES
        line = self._reader.readline()
        if line.strip() and not line.startswith(b"WARC/"):  # of a record that announces a little too little
            line = self._reader.readline()
        while line and not line.strip():
            line = self._reader.readline()
        self._start = self._position() - len(line)
        return line

    def _position(self) -> int:
        return int(self._stream.tell() - self._reader.rem_length())


class _HttpHeads(StatusAndHeadersParser):  # type: ignore[misc]
    """As the network gives heads (see `exchange.Headers`): warcio would take some for UTF-8."""

    @staticmethod
    def decode_header(line: bytes) -> str:
        return line.decode("latin-1")


class _Reader(DecompressingBufferedReader):  # type: ignore[misc]
    """Lines come from heads, which end somewhere: warcio would read a line of any length."""

    head_bytes = MAX_HEAD_BYTES  # that may still come

    def __init__(self, stream: Any, head: bytes, frames: Members | None) -> None:
        """`head`: what was read of the stream already. `frames`: of a zstd file."""
        self.DECOMPRESSORS = {"zstd": frames.next} if frames else {"gzip": of_gzip().next}
        if frames:
            super().__init__(stream, zstd.PIECE_BYTES, decomp_type="zstd", starting_data=head)
        else:
            super().__init__(stream, starting_data=head)

    def readline(self, length: int | None = None) -> bytes:
        if self.head_bytes <= 0:
            raise Unusable("the record's head is too large")
        line = bytes(super().readline(min(length or self.head_bytes, self.head_bytes)))
        self.head_bytes -= len(line)
        return line


def dictionary_at(head: bytes, read: Callable[[int], bytes]) -> ZstdCompressionDict | None:
    """The dictionary of a zstd file that begins with `head`, if it has one; `read` gives what follows.

    https://iipc.github.io/warc-specifications/specifications/warc-zstd/ Raises Unusable.
    """
    if len(head) < HEAD_BYTES or not head.startswith(zstd.DICTIONARY):
        return None
    length = int.from_bytes(head[4:], "little")
    if length > zstd.MAX_DICTIONARY_BYTES or len(stored := read(length)) < length:
        raise Unusable(NO_DICTIONARY)
    try:
        return zstd.dictionary(stored)
    except zstd.BadDictionary:
        raise Unusable(NO_DICTIONARY) from None


def _read(stream: Any, length: int) -> bytes:
    """As many bytes, or what is left: streams may give less at a time."""
    data = b""
    while len(data) < length and (piece := stream.read(length - len(data))):
        data += piece
    return data


def _exhaust(stream: Any) -> int:
    """Reads what is left, and counts what of it is not blank."""
    return sum(len(piece.strip()) for piece in iter(partial(stream.read, PIECE_BYTES), b""))
