"""The members of a gzip file (RFC 1952 §2.2), of which one that is damaged costs no other."""

import zlib

MAGIC = b"\x1f\x8b\x08"  # begins a member; the third byte is the only method there is
MOST_FALSE_STARTS = 1000  # one after the other: what looks like a member and is none takes time


class Members:
    """The decoder of a file's members, one after the other."""

    def __init__(self) -> None:
        self.begun = False
        self.false_starts = 0  # since a member was whole

    def next(self) -> "Member":
        return Member(self)


class Member:
    """One member, in the manner of zlib's objects. What is damaged ends there, without `eof`; what is unused
    then begins where the next member may. Raises zlib.error where nothing of the first can be read."""

    def __init__(self, members: Members) -> None:
        self._members, self._inflater = members, zlib.decompressobj(31)
        self._behind = b""  # of a damaged one: its last bytes, or what is left for the next
        self._fed = self._damaged = self._ended = False

    @property
    def eof(self) -> bool:
        return self._inflater.eof and not self._damaged

    @property
    def unused_data(self) -> bytes:
        if self._damaged:
            return self._behind if self._ended else b""
        return self._inflater.unused_data

    def decompress(self, data: bytes) -> bytes:
        if not self._damaged:
            try:
                given = self._inflater.decompress(data)
            except zlib.error:
                if not self._members.begun:
                    raise
                self._damaged = True
                self._members.false_starts += 1
                data = data if self._fed else data[1:]  # which begins with this member
            else:
                self._fed, self._members.begun = True, True
                if self._inflater.eof:
                    self._members.false_starts = 0
                return given
        self._look(data)
        return b""

    def _look(self, data: bytes) -> None:
        """For the next member's beginning, which may stand in two pieces."""
        self._behind += data
        at = self._behind.find(MAGIC) if self._members.false_starts < MOST_FALSE_STARTS else -1
        self._ended = at >= 0
        self._behind = self._behind[at:] if self._ended else self._behind[-2:]
