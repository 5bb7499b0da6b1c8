"""Text that was decoded with the wrong encoding before it reached us, set right where that is certain."""

import re

from ftfy import fix_encoding
from ftfy.badness import is_bad

# A lead byte of UTF-8 with one that follows it, as windows-1252 or windows-1251 reads them: what every
# garbled text has, and nearly no other.
_PAIR = re.compile(
    "[\xc2-\xf4][\x80-\xbf\u0152-\u0192\u02c6\u02dc\u2013-\u2122]"
    "|[\u0412\u0413\u0420\u0421\u0432\u0440][\xa0-\xbb\u0401-\u040f\u0451-\u045f\u0490\u0491\u2013-\u2122]"
)
MOST_CHARS = 100_000  # of a line that is looked at


def mend(text: str) -> str:
    """The text with each line repaired that ftfy knows to be garbled and can read without a flaw."""
    if text.isascii() or not _PAIR.search(text):
        return text
    return "\n".join(map(_mend_line, text.split("\n")))


def _mend_line(line: str) -> str:
    if line.isascii() or len(line) > MOST_CHARS or not is_bad(line):
        return line
    return fix_encoding(line)
