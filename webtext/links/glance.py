"""A dump's rows at a glance: most fall to a rule that a few numbers and flags decide, so that their lines
need not become posts.

What is decided here is what `Rules.refusal` would say of the parsed post, with the same key for
`superseding`; whatever is not written in the usual way stays undecided. The work is the compiled scanner's
(`_scan.c`): where that was not built, every line is parsed.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from webtext.links.canonical import Rejected, is_canonical_host
from webtext.links.codes import CODES, REASONS
from webtext.links.posts import MAX_SECONDS
from webtext.links.selection import Rules
from webtext.links.superseding import Numbers

try:
    from webtext.links._scan import scan
except ImportError:
    scan = None  # type: ignore[assignment]

HAS_SCANNER = scan is not None
MAX_ROWS = 1 << 17  # of a chunk of lines; with more, which only very short ones make, nothing is decided

_FIRST, _LAST = -(2**63), 2**63 - 1
_DOMAIN = CODES["domain"]
_REFUSED_BY = ("self_post", "karma", "too_new", "too_old", "over_18")


class Refused(NamedTuple):
    """Rows that are no links: the keys of those with an id (n, 3), and how many fell to each reason."""

    keys: Numbers
    reasons: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.reasons.values())


NOTHING_REFUSED = Refused(np.empty((0, 3), dtype=np.int64), {})


class Look(NamedTuple):
    """What the scanner finds in lines, rows counted from 0."""

    keys: Numbers  # (n, 3) of refused rows with an id
    open: Numbers  # (n, 7): row, begin and end in `fields`, id, time, begin and end of the host in the lines
    fields: memoryview  # of the open rows, a line each
    counts: Numbers  # of refused rows, by code


class Glance(NamedTuple):
    """Lines that follow each other: what was refused of them; the other rows' numbers and lines of fields."""

    first_row: int
    refused: Refused
    rows: Numbers
    lines: list[bytes]

    @property
    def next_row(self) -> int:
        return self.first_row + self.refused.total + len(self.rows)


def joined(glances: Sequence[Glance]) -> Glance:
    """Glances that follow each other as one."""
    reasons: Counter[str] = Counter()
    for each in glances:
        reasons.update(each.refused.reasons)
    keys = np.concatenate([each.refused.keys for each in glances])
    rows = np.concatenate([each.rows for each in glances])
    lines = [line for each in glances for line in each.lines]
    return Glance(glances[0].first_row, Refused(keys, dict(reasons)), rows, lines)


class Glancer:
    """The rules that a glance is enough for, on one source."""

    def __init__(self, rules: Rules, scored: bool) -> None:
        limits = (
            scored,
            _FIRST + 1 if rules.karma_is_summed else rules.min_karma,  # an unknown score is _FIRST
            _LAST if rules.before is None else rules.before,
            _FIRST if rules.after is None else rules.after,
            rules.over_18,
            MAX_SECONDS,
            *(CODES[reason] for reason in _REFUSED_BY),
        )
        self._limits = np.array(limits, dtype=np.int64)
        self._rules = rules
        self._blocks = lru_cache(maxsize=1 << 16)(self._look_up)  # hosts repeat

    def look(self, lines: memoryview) -> Look | None:
        """All that compiled code can do for a chunk of whole lines, in any thread; None if a parser has to
        look at all of them."""
        if scan is None:
            return None
        keys = np.empty((MAX_ROWS, 3), dtype=np.int64)  # memory that is not written costs nothing
        rows = np.empty((MAX_ROWS, 7), dtype=np.int64)
        fields = np.empty(len(lines) + 1, dtype=np.uint8)
        counts = np.zeros(256, dtype=np.int64)
        found = scan(lines, self._limits, keys, rows, fields, counts)
        if found is None:
            return None
        keyed, opened, written = found
        return Look(keys[:keyed].copy(), rows[:opened].copy(), fields[:written].data, counts)

    def glance(self, lines: memoryview, first_row: int, look: Look) -> Glance:
        """Decides what can be decided of lines that a look was taken at, from the source's `first_row` on."""
        keys, left, fields, counts = look
        keys[:, 2] += first_row << 16
        left[:, 0] += first_row
        if not self._rules.subreddits:  # a rule that comes before those on URLs
            blocked = self._blocked(lines, left)
            counts[_DOMAIN] = blocked.sum()
            keys = np.concatenate([keys, _keys_of(left[blocked])])
            left = left[~blocked]
        reasons = {REASONS[code]: int(counts[code]) for code in counts.nonzero()[0]}
        open_lines = [bytes(fields[begin:end]) for begin, end in left[:, 1:3].tolist()]
        return Glance(first_row, Refused(keys, reasons), left[:, 0], open_lines)

    def _blocked(self, lines: memoryview, rows: Numbers) -> npt.NDArray[np.bool_]:
        blocks = self._blocks
        spans = rows[:, 5:7].tolist()
        return np.array([begin < end and blocks(bytes(lines[begin:end])) for begin, end in spans], np.bool_)

    def _look_up(self, host: bytes) -> bool:
        name = host.decode("ascii")
        try:
            return is_canonical_host(name) and self._rules.blocks_host(name)
        except Rejected:
            return False


def _keys_of(rows: Numbers) -> Numbers:
    with_id = rows[rows[:, 3] != _FIRST]
    return np.stack([with_id[:, 3], with_id[:, 4], with_id[:, 0] << 16 | _DOMAIN << 8], axis=1)
