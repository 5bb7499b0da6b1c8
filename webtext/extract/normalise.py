"""Text in one form: the same words are the same characters, wherever they came from."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Characters without a shape: controls, surrogates, noncharacters, soft hyphens, zero-width spaces, marks of
# direction. Zero-width joiners stay: Persian, Indic scripts and emoji are spelled with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff]"
)
_BLANK_LINES = re.compile(r"\n{3,}")


def normalise(text: str) -> str:
    """NFC (UAX #15), `\\n` line ends, nothing invisible, no trailing spaces, at most one blank line in a row.

    Leading spaces of a line stay, no-break spaces as ordinary ones. Normalising twice changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text.rstrip()  # nothing else in it would change: most titles and names
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)).replace("\xa0", " ")
    text = unicodedata.normalize("NFC", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")
