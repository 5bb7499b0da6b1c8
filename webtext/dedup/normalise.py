"""What two texts have in common when they are "the same": words in lower case, separated by single spaces.

Folded away are what the recipe's `dedup.fold` names, of case, white space, and punctuation with symbols, and
always invisible format characters and the compatibility forms of one character (full-width letters,
superscripts). Forms that expand into several characters, such as ligatures, stay; so do emoji. In scripts
that are written without spaces each character is a word, so that shingles of words become shingles of
characters there, in mixed texts too. Compiled code (`_normalise.c`) does the same as numpy, in less than half
the time, where it was built.
"""

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
import xxhash

try:
    from webtext.dedup import _normalise as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

Fold = frozenset[str]  # what is folded away, as the recipe names it
Units = npt.NDArray[np.uint16]  # UTF-16 code units

FOLD_ALL: Fold = frozenset(("case", "space", "punctuation"))
SPACE = 0x20
IGNORED = 0  # format characters: soft hyphen, zero-width joiner, byte order mark
VARIATION_SELECTORS = range(0xFE00, 0xFE10)

# Thai, Lao, Myanmar, Khmer, Tai Le, New Tai Lue, Tai Tham, Balinese, kana and its extensions, Han, Yi,
# Javanese, Myanmar's extension, Tai Viet, Han's compatibility block
UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF),
            (0x1B00, 0x1B7F), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
            (0xA000, 0xA48F), (0xA980, 0xA9DF), (0xAA60, 0xAADF), (0xF900, 0xFAFF))  # fmt: skip

# What the table depends on beside this file; part of the key of everything made with it.
UNICODE_VERSION = unicodedata.unidata_version


def normalise(text: str, fold: Fold = FOLD_ALL) -> bytes:
    """The normalised text in UTF-8, its words separated by single spaces whether or not white space is
    folded; empty when the text has no word. Time and memory are linear."""
    fold |= {"space"}
    known = None if compiled is None else compiled.normalise(text, *_tables(fold))
    return normalise_by_numpy(text, fold) if known is None else known


def normalise_by_numpy(text: str, fold: Fold = FOLD_ALL) -> bytes:
    """The same, without a compiler, and for surrogates."""
    return _collapse(_folded_text(text, fold | {"space"}))


def text_hash(text: str, normalised: bytes, fold: Fold = FOLD_ALL) -> bytes:
    """xxh3-128 (16 bytes) of the normalised text, with its white space unless that is folded; of a text
    without a word, of its characters as they are, white space collapsed, because a row of stars is not the
    same as a row of arrows."""
    if normalised and "space" not in fold:
        normalised = _folded_text(text, fold)
    return xxhash.xxh3_128_digest(normalised or " ".join(text.split()).encode("utf-8", "surrogatepass"))


def _folded_text(text: str, fold: Fold) -> bytes:
    if text.isascii():
        return text.encode().translate(_ascii_table(fold)).replace(b"\0", b"")
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
    folded = _table(fold).take(units)
    if folded.max() >= UNSPACED[0][0] and "space" in fold:
        folded = _spaced(folded)
    letters = folded.tobytes().decode("utf-16-le", "surrogatepass").replace(chr(IGNORED), "")
    return letters.encode("utf-8", "surrogatepass")


def _spaced(folded: Units) -> Units:
    """With a space before and after each character of UNSPACED."""
    alone = _unspaced_table().take(folded)
    places = np.arange(len(folded)) + 2 * np.cumsum(alone) - alone
    spaced = np.full(len(folded) + 2 * np.count_nonzero(alone), SPACE, "<u2")
    spaced[places] = folded
    return spaced


def _collapse(folded: bytes) -> bytes:
    # Vectorised because `b" ".join(folded.split())` takes four times as long.
    letters = np.frombuffer(folded, np.uint8)
    space = letters == SPACE
    keep = np.empty(len(letters), np.bool_)
    keep[:1] = True
    np.logical_not(space[1:] & space[:-1], out=keep[1:])
    return (letters * keep).tobytes().translate(None, b"\0").strip(b" ")


@cache
def _table(fold: Fold) -> Units:
    """UTF-16 code unit → folded code unit; surrogates, and so all supplementary planes, map to themselves."""
    return np.array([_folded(chr(unit), fold) for unit in range(0x10000)], "<u2")


@cache
def _unspaced_table() -> npt.NDArray[np.bool_]:
    table = np.zeros(0x10000, np.bool_)
    for first, last in UNSPACED:
        table[first : last + 1] = True
    return table


@cache
def _tables(fold: Fold) -> tuple[bytes, bytes]:
    return _table(fold).tobytes(), _unspaced_table().tobytes()


@cache
def _ascii_table(fold: Fold) -> bytes:
    return bytes(_table(fold)[:128].astype(np.uint8)) + bytes(range(128, 256))


def _folded(character: str, fold: Fold) -> int:
    category = unicodedata.category(character)
    if category == "Cs":
        return ord(character)
    if category == "Cf" or ord(character) in VARIATION_SELECTORS:
        return IGNORED
    if character.isspace() or category == "Cc":
        return SPACE if "space" in fold else ord(character)
    compatible = unicodedata.normalize("NFKC", character)
    if not _in_word(character):
        if "punctuation" in fold:  # where white space stays as it is, a mark must leave no trace in it
            return SPACE if "space" in fold else IGNORED
        return ord(compatible if len(compatible) == 1 and not _in_word(compatible) else character)
    cased = (compatible.casefold(), character.casefold(), character.lower())
    for form in cased if "case" in fold else (compatible,):
        if len(form) == 1 and ord(form) < 0x10000 and _in_word(form):
            return ord(form)
    return ord(character)


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
