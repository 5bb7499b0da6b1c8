"""Bytes of a page to characters.

The order of the HTML standard (§13.2.3.2): byte order mark, HTTP's charset, the page's own declaration; then
detection. Where the bytes prove a declaration wrong they win: text that is valid UTF-8 is UTF-8, and text
that does not decode as declared, or is declared as Latin and is none, is detected, or told by its letters.
"""

import codecs
import re
from dataclasses import dataclass

import webencodings
from charset_normalizer import from_bytes

from webtext.extract.browser_codecs import read
from webtext.extract.prescan import declared
from webtext.extract.similar_encodings import is_euc_jp, told_apart

# UTF-32 is not in the standard; its marks come first because UTF-16's is a prefix of one of them.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The Encoding standard reads these with the decoder of a superset; so does every browser.
SUPERSETS = {
    "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs", "gbk": "gb18030",
    "iso2022_jp": "iso2022_jp_ext",
}  # fmt: skip
# Browsers refuse these, for they hide scripts from filters; nothing here runs scripts.
REFUSED_BY_BROWSERS = {"hz-gb-2312": "hz", "iso-2022-kr": "iso2022_kr", "csiso2022kr": "iso2022_kr"}
MULTIBYTE = {"gb18030", "big5hkscs", "euc_jp", "cp932", "cp949"}
SEVEN_BIT = {"iso2022_jp_ext", "iso2022_kr", "hz"}
# What detection may find: the standard's encodings (as supersets), and two that old text files are in.
DETECTABLE = [
    *("cp866", "cp874", "cp932", "cp949", *(f"cp{number}" for number in range(1250, 1259))),
    *(f"iso8859_{number}" for number in (2, 5, 6, 7, 8, 13, 15)),
    *("koi8_r", "koi8_u", "mac_cyrillic", "mac_roman", "gb18030", "big5hkscs", "euc_jp"),
    *("cp855", "johab"),
]
# Languages that are written in windows-1252, by the detector's names.
WESTERN = {
    "Danish", "Dutch", "English", "Finnish", "French", "German", "Indonesian", "Italian", "Norwegian",
    "Portuguese", "Spanish", "Swedish",
}  # fmt: skip
BINARY_STARTS = (
    b"%PDF-", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x7fELF",
    b"Rar!\x1a", b"\xd0\xcf\x11\xe0", b"OggS\0",
)  # fmt: skip
ASCII = bytes(range(0x80))
CONTROLS = bytes(sorted({*range(0x20), 0x7F} - {*b"\t\n\x0b\x0c\r\x0e\x0f\x1b"}))
MOST_CONTROLS = 0.05  # random and compressed bytes have 0.1, and text next to none
HEAD_BYTES = 65_536
SAMPLE_BYTES = 32_768  # detection is no better on more of the labelled samples, and costs by length
FEW_BYTES = 8  # with fewer than this beyond ASCII, detection guesses
FEW_RUNS = 8  # fewer different ones are no text
NO_BREAK_SPACE = b"\xa0"

_HIGH = re.compile(rb"[\x80-\xff]")
_RUN = re.compile(rb"[\x80-\xff]{3,}")
# Control characters that no page means: someone took windows-1252 for Latin-1, and made UTF-8 of that.
_C1 = re.compile("[\x80-\x9f]")
_C1_IN_UTF8 = re.compile(rb"\xc2[\x80-\x9f]")  # a search for one byte is six times as quick


@dataclass(frozen=True)
class Decoded:
    """A body's characters."""

    text: str  # without NULs, and without C1 controls but for the five that windows-1252 has too
    encoding: str  # Python's name of the codec


def decode(body: bytes, charset: str | None, html: bool = True) -> Decoded | None:
    """The characters of a body, or None where it is plainly binary. Never raises.

    `charset` is what the Content-Type header says; only an `html` body can declare one itself. Bytes that
    the encoding cannot have become U+FFFD.
    """
    for mark, codec in MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], codec)
    wide = _utf16_without_mark(body, charset)
    if wide is not None:
        return _decoded(body, wide)
    if _binary(body):
        return None
    utf8 = _strict(body, "utf-8")
    codec = _encoding(body, charset, html, utf8)
    return _decoded(body, codec, utf8 if codec == "utf-8" else None)


def _encoding(body: bytes, charset: str | None, html: bool, utf8: str | None) -> str:
    """The codec of a body, of which `utf8` is the text if that is valid UTF-8."""
    codec = _declared(body, charset, html)
    if codec in SEVEN_BIT and body.isascii():
        return codec
    if utf8 is not None and not (codec in MULTIBYTE and _also_valid(body, codec, utf8)):
        return _seven_bit(body) or "utf-8"
    if codec == "cp1252" and _not_western(body):
        codec = _declared(body, None, html)
        codec = None if codec == "cp1252" else codec
    if codec not in (None, "utf-8") and _fits(body, codec, 10):
        return told_apart(_sample(body), codec) if codec == "cp1252" else codec
    # Bytes of other encodings hardly ever look like UTF-8, so a text that mostly does is.
    if utf8 is not None or _fits(body, "utf-8", 1):
        return "utf-8"
    return _detected(body) or codec or "cp1252"


def _declared(body: bytes, charset: str | None, html: bool) -> str | None:
    """The codec that HTTP or else the page declares."""
    header = _codec(charset) if charset else None
    if header is not None and not header.startswith("utf-16"):  # which has NULs, and this has not
        return header
    codecs_declared = (_codec(label) for label in declared(body)) if html else iter(())
    meta = next((codec for codec in codecs_declared if codec is not None), None)
    # A declaration that was read as ASCII is not in UTF-16.
    return "utf-8" if meta and meta.startswith("utf-16") else meta


def _codec(label: str) -> str | None:
    label = label.strip("\t\n\f\r ").lower()
    if label in REFUSED_BY_BROWSERS:
        return REFUSED_BY_BROWSERS[label]
    encoding = webencodings.lookup(label) if label.isascii() else None
    if encoding is None or encoding.name == "replacement":
        return None
    return "cp1252" if encoding.name == "x-user-defined" else _superset(encoding.codec_info.name)


def _superset(name: str) -> str:
    name = codecs.lookup(name).name
    return SUPERSETS.get(name, name)


def _utf16_without_mark(body: bytes, charset: str | None) -> str | None:
    """Markup and Latin text in UTF-16 have a NUL in every other byte; in other scripts spaces have one, which
    is enough where HTTP says so."""
    head = body[:4096]
    pairs = len(head) // 2
    even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    said = _codec(charset) if charset else None
    for codec, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        looks_so, may_be = high > pairs / 4 and low < high / 20, high > pairs / 50 and low < high / 2
        if looks_so or (codec == said and may_be):
            return codec
    return None


def _binary(body: bytes) -> bool:
    if body.startswith(BINARY_STARTS):
        return True
    head = body[:HEAD_BYTES].replace(b"\0", b"")  # pages padded with NULs exist
    return len(head) - len(head.translate(None, CONTROLS)) > MOST_CONTROLS * len(head)


def _seven_bit(body: bytes) -> str | None:
    """Japanese and Korean mail encodings are ASCII with escape sequences that nothing else has."""
    if b"\x1b" not in body or b"\x1b$" not in body or not body.isascii():  # a search for one byte is quicker
        return None
    codecs_tried = ("iso2022_jp_ext", "iso2022_kr")
    return next((codec for codec in codecs_tried if _strict(body, codec) is not None), None)


def _also_valid(body: bytes, codec: str, utf8: str) -> bool:
    """Whether a few East Asian characters happen to be valid UTF-8 too: then the declaration decides."""
    few = _beyond_ascii(body) < 3 * FEW_BYTES
    return few and not utf8.isascii() and _strict(body, codec) is not None


def _fits(body: bytes, codec: str, good_per_bad: int) -> bool:
    """Whether the codec reads at least so many characters beyond ASCII for each that it cannot read."""
    text = read(body, codec, "replace")
    known_bad = body.count("\ufffd".encode())  # another's damage, if this is UTF-8
    bad = text.count("\ufffd") - (known_bad if codec == "utf-8" else 0)
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return good >= bad * good_per_bad


def _detected(body: bytes) -> str | None:
    if _beyond_ascii(body) < FEW_BYTES:
        return "cp1252"  # the HTML standard's fall-back: typographic quotes, mostly
    piece = _sample(body)
    if is_euc_jp(piece):
        return "euc_jp"
    matches = from_bytes(piece, cp_isolation=DETECTABLE, preemptive_behaviour=False)
    best = matches.best()
    if best is None:
        return None
    # Many encodings read a Western text without a flaw; then it is in the one that is by far the commonest.
    western = (match for match in matches if match.encoding == "cp1252" and match.language in WESTERN)
    if best.language in WESTERN and any(match.chaos <= best.chaos for match in western):
        return told_apart(piece, "cp1252")
    return told_apart(piece, _superset(best.encoding))


def _not_western(body: bytes) -> bool:
    """Whether a page that is called Latin, many a server's default, is in a script without Latin letters.

    Most characters beyond ASCII then stand side by side, as in no Western text but a list of its letters.
    """
    piece = _sample(body).replace(NO_BREAK_SPACE, b" ")
    runs = _RUN.findall(piece)
    return len(set(runs)) >= FEW_RUNS and 2 * sum(map(len, runs)) > _beyond_ascii(piece)


def _beyond_ascii(body: bytes) -> int:
    return len(body.translate(None, ASCII))


def _sample(body: bytes) -> bytes:
    """A bounded piece that has what distinguishes encodings, and that cuts no character in two."""
    first = _HIGH.search(body)
    start = max(0, first.start() - 256) if first else 0
    piece = body[start : start + SAMPLE_BYTES]
    if start + SAMPLE_BYTES >= len(body):
        return piece
    # Bytes under 0x30 are never the second half of a character.
    cut = max(piece.rfind(mark) for mark in (b"\n", b" ", b"."))
    return piece[:cut] if cut > 0 else piece


def _strict(body: bytes, codec: str) -> str | None:
    try:
        return read(body, codec, "strict")
    except UnicodeDecodeError:
        return None


def _decoded(body: bytes, codec: str, text: str | None = None) -> Decoded:
    if text is None:
        text = read(body, codec, "replace")
    if b"\0" in body:  # of which hardly any page has one, and to look for it in the text takes long
        text = text.replace("\0", "")
    has_controls = _C1_IN_UTF8.search(body) if codec == "utf-8" else _C1.search(text)
    return Decoded(_C1.sub(_meant, text) if has_controls else text, codec)


def _meant(control: re.Match[str]) -> str:
    """What windows-1252 has in the place of a control character; five have nothing there."""
    return bytes([ord(control[0])]).decode("cp1252", "ignore") or control[0]
