"""Text that was decoded with the wrong encoding before it reached us, set right where that is certain."""

from ftfy import fix_encoding
from ftfy.badness import is_bad

MOST_CHARS = 100_000  # of a line that is looked at


def mend(text: str) -> str:
    """The text with each line repaired that ftfy knows to be garbled and can read without a flaw."""
    if text.isascii() or not is_bad(text):
        return text
    return "\n".join(map(_mend_line, text.split("\n")))


def _mend_line(line: str) -> str:
    if line.isascii() or len(line) > MOST_CHARS or not is_bad(line):
        return line
    return fix_encoding(line)
