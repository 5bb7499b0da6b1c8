"""In what a dropped document differs from the one that is kept, word by word, for a person to read.

In scripts without spaces each character is a word, as in shingles.
"""

import re
from difflib import SequenceMatcher
from itertools import takewhile

from webtext.dedup.normalise import UNSPACED

COMPARED = 4_000  # words of each text from the first difference on; bounds the time, which may be quadratic
CONTEXT = 5  # words shown before and after
SHOWN = 40  # words of one side of a difference
MOST = 20  # differences

_MARKS = ((0x3000, 0x303F), (0xFF00, 0xFFEF))  # that such scripts have no spaces beside
_ALONE = "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in (*UNSPACED, *_MARKS)) + "]"
_WORD = re.compile(rf"{_ALONE}|(?:(?!{_ALONE})\S)+")
_SEAM = re.compile(rf"(?<={_ALONE}) (?={_ALONE})")

Words = list[str]


def differences(kept: str, dropped: str) -> list[str]:
    """A line per difference, `… context [-only in the kept one-] {+only in the dropped one+} context …`,
    as wdiff writes them; a last line says what is not shown."""
    a, b = _words(kept), _words(dropped)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
    start = max(0, same - CONTEXT)
    mine, other = a[start : start + COMPARED], b[start : start + COMPARED]
    matcher = SequenceMatcher(None, mine, other)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    cut = max(len(a), len(b)) - start > COMPARED
    if cut and len(changes) > 1 and (changes[-1][2] == len(mine) or changes[-1][4] == len(other)):
        changes.pop()  # it ends where the texts were cut, not where they agree again
    lines = [_line(mine, other, *change[1:]) for change in changes[:MOST]]
    rest = [f"{len(changes) - MOST:,} more differences"] if len(changes) > MOST else []
    if cut:
        rest.append(f"compared up to word {start + COMPARED:,} of {len(a):,} and {len(b):,}")
    return lines + (["; ".join(rest)] if rest else [])


def _words(text: str) -> Words:
    # U+3000 is white space in the range of marks
    return text.split() if text.isascii() else _WORD.findall(text.replace("\u3000", " "))


def _line(a: Words, b: Words, begin: int, end: int, other_begin: int, other_end: int) -> str:
    before, after = a[max(0, begin - CONTEXT) : begin], a[end : end + CONTEXT]
    gone = ["[-" + _short(a[begin:end]) + "-]"] if end > begin else []
    new = ["{+" + _short(b[other_begin:other_end]) + "+}"] if other_end > other_begin else []
    head = ["…"] if begin > CONTEXT else []
    tail = ["…"] if end + CONTEXT < len(a) else []
    return _SEAM.sub("", " ".join([*head, *before, *gone, *new, *after, *tail]))


def _short(words: Words) -> str:
    more = f" … ({len(words) - SHOWN:,} more words)" if len(words) > SHOWN else ""
    return " ".join(words[:SHOWN]) + more
