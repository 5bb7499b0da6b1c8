"""Words that only a style sheet shows apart: `<b>La Sportiva</b><i>Skwama</i>`."""

import re

GAP = "\1"  # which no text keeps: an inline element ends here and another one begins

_GAPS = re.compile(f"{GAP}+")


def apart(raw: str) -> tuple[str, int]:
    """A text with blanks in the gaps where surely one word ends and another begins; and how many blanks."""
    blanks = 0

    def fill(gap: re.Match[str]) -> str:
        nonlocal blanks
        end, begin = raw[max(0, gap.start() - 2) : gap.start()], raw[gap.end() : gap.end() + 3]
        if not _two_words(end, begin):
            return ""
        blanks += 1
        return " "

    return _GAPS.sub(fill, raw), blanks


def _two_words(end: str, begin: str) -> bool:
    """Whether the two characters before a gap and the three behind it are of two words; `mRNA` is one."""
    if not begin[:1].isupper():
        return end.endswith(")") and begin[:1].isalnum()
    if end[-1:].isdigit():
        return len(begin) == 3 and begin.isalpha() and begin.istitle()
    return end.endswith((")", "!", "?")) or (len(end) == 2 and end.isalpha() and end[-1].islower())
