"""What is to be known of zstd's frames (RFC 8878 §3.1) where strangers send them."""

# To be given to a decoder at a time: it gives all that comes of it at once, and four bytes may be 128 KiB.
PIECE_BYTES = 512

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = 0x184D2A50  # magic numbers of frames without data, the last four bits aside


def begins_frame(data: bytes) -> bool:
    return data.startswith(_MAGIC) or int.from_bytes(data[:4], "little") & ~0xF == _SKIPPABLE
