"""Frames of zstd (RFC 8878 §3.1) and their dictionaries, as strangers write them."""

import zstandard

# What a decoder is given at a time: it decompresses all of it at once, and four bytes may become 128 KiB.
PIECE_BYTES = 512
DICTIONARY = b"\x5d\x2a\x4d\x18"  # begins a frame without data that has the dictionary of those behind it
MAX_DICTIONARY_BYTES = 8 << 20  # as it is stored, and decompressed
MAX_WINDOW_BYTES = 128 << 20  # of files; what `zstd -d` takes without being told
# DEFLATE cannot pass 1032:1, zstd reaches 32,000:1: a file of its bombs would take days.
MAX_RATIO, RATIO_FREE_BYTES = 1032, 1 << 30

FRAME = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = 0x184D2A50  # magic numbers of frames without data, the last four bits aside


class BadDictionary(Exception):
    """The dictionary cannot be used."""


def begins_frame(data: bytes) -> bool:
    return data.startswith(FRAME) or int.from_bytes(data[:4], "little") & ~0xF == _SKIPPABLE


def dictionary(stored: bytes) -> zstandard.ZstdCompressionDict:
    """A dictionary, which may itself be compressed. Raises BadDictionary."""
    try:
        if stored.startswith(FRAME):
            frame, plain = Frames().next(), bytearray()
            for at in range(0, len(stored), PIECE_BYTES):
                plain += frame.decompress(stored[at : at + PIECE_BYTES])
                if len(plain) > MAX_DICTIONARY_BYTES:
                    raise BadDictionary
            stored = bytes(plain)
        found = zstandard.ZstdCompressionDict(stored, dict_type=zstandard.DICT_TYPE_FULLDICT)
        Frames(found)  # the decoder reads it now
    except zstandard.ZstdError:
        raise BadDictionary from None
    return found


class Frames:
    """The decoder of a file's frames, one after the other."""

    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None = None) -> None:
        self._decompressor = zstandard.ZstdDecompressor(dictionary, max_window_size=MAX_WINDOW_BYTES)
        self._spare_bytes = RATIO_FREE_BYTES  # that may come beyond MAX_RATIO

    def next(self) -> "Frame":
        """The next frame; the one before it cannot be read on with."""
        return Frame(self, self._decompressor.decompressobj())

    def spend(self, read_bytes: int, given_bytes: int) -> None:
        """Raises ZstdError where the file expands beyond all measure, and from there on."""
        if self._spare_bytes >= 0:
            self._spare_bytes += MAX_RATIO * read_bytes - given_bytes
        if self._spare_bytes < 0:
            raise zstandard.ZstdError("expands beyond all measure")


class Frame:
    """One frame, in the manner of zlib's objects. Raises ZstdError for what is damaged."""

    def __init__(self, frames: Frames, decoder: "zstandard.ZstdDecompressionObj") -> None:
        self.eof, self.unused_data = False, b""
        self._frames, self._decoder = frames, decoder

    def decompress(self, data: bytes) -> bytes:
        if self.eof:
            self.unused_data += data
            return b""
        self._frames.spend(len(data), 0)
        given = self._decoder.decompress(data)
        self._frames.spend(0, len(given))
        self.eof, self.unused_data = self._decoder.eof, self._decoder.unused_data
        return given
