"""Encodings that are taken for one another, told apart by the letters of languages.

They read a text without a flaw either way, and differ in a few letters: Turkish `ı ş ğ` are Western `ý þ ð`,
Hungarian `ő ű` are `õ û`. A text that has them and else nothing but letters of that language is in it:
Icelandic has `á` and `é` beside its `ý þ ð`, Portuguese `ã` and `ç` beside its `õ`.
"""

import re
from collections import Counter

from webtext.extract.browser_codecs import read

LATIN = frozenset(("cp1250", "cp1252", "cp1257", "iso8859_15"))
LEAST_SHARE = 0.97  # of a language's own letters: names have others
LEAST_COUNT = 3

# The encoding; all letters of a language beyond ASCII; those of which it must have some, from each group.
LANGUAGES = (
    ("cp1254", "ÂÇĞÎÖÛÜİŞâçğîöûüış", ("ı", "ğş")),  # Turkish
    ("cp1250", "ÁÉÍÓÖÚÜŐŰáéíóöúüőű", ("őű", "öü", "áé")),  # Hungarian
    ("cp1250", "ÁČĎÉĚÍŇÓŘÚŮÝáčďéěíňóřúůý", ("ě", "ř", "č")),  # Czech
    ("cp1250", "ÁÄČĎÉÍĹŇÓÔŔÚÝáäčďéíĺňóôŕúý", ("č", "ý", "ô", "ň")),  # Slovak
    ("cp1250", "ĆČĐćčđ", ("č", "ć", "đ")),  # Croatian, Serbian
    ("cp1250", "ĆĘŃÓćęńó", ("ę", "ć", "ó")),  # Polish
    ("cp1250", "ĂÂÎŢăâîţ", ("ă", "ţ", "î")),  # Romanian
)
_LANGUAGES = [
    (codec, letters.encode(codec), [group.encode(codec) for group in groups])
    for codec, letters, groups in LANGUAGES
]
_NO_LETTERS = bytes({*range(0xC0)} | {0xD7, 0xF7})
_KANA = re.compile("[ぁ-ヶ]")
_CONTROLS = re.compile(rb"[\x80-\x9f]")
# More letters of Polish, Czech and their kin. Western text has signs there, and none amid small letters.
_SLAVIC = re.compile(rb"(?<=[a-z\xe0-\xff])[\xb1\xb3\xb6\xb9\xbc\xbe\xbf](?=[a-z\xe0-\xff])")


def is_euc_jp(piece: bytes) -> bool:
    """Whether all of a piece is EUC-JP, with kana for a fifth of its characters beyond ASCII. Korean has
    single letters where kana are, but hardly ever the one where `の` is."""
    try:
        text = read(piece, "euc_jp", "strict")
    except UnicodeDecodeError:
        return False
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return "の" in text and 5 * len(_KANA.findall(text)) > beyond_ascii


def told_apart(piece: bytes, codec: str) -> str:
    """The codec of a piece of text that was detected, or declared, to be in one that can read it."""
    windows = _CONTROLS.search(piece) is not None  # ISO's encodings have nothing there
    if codec == "mac_roman" and not windows:
        return "cp1252"  # the Macintosh has its small letters there
    if codec not in LATIN:
        return codec
    letters = piece.translate(None, _NO_LETTERS)
    slavic = Counter(_SLAVIC.findall(piece))
    # One alone, as in "don¿t", is a lost apostrophe; many without the accents of these languages are signs.
    if sum(count > 1 for count in slavic.values()) > 1 and 3 * len(letters) >= slavic.total():
        return "cp1250" if windows else "iso8859_2"
    return next((each for each, own, groups in _LANGUAGES if _written_in(letters, own, groups)), codec)


def _written_in(letters: bytes, own: bytes, groups: list[bytes]) -> bool:
    if len(letters.translate(None, own)) > (1 - LEAST_SHARE) * len(letters):
        return False
    return all(len(letters) - len(letters.translate(None, group)) >= LEAST_COUNT for group in groups)
