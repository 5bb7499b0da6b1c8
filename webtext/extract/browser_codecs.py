"""Bytes that browsers read and Python's codecs do not, by the Encoding standard's indexes: in Japanese the
characters that NEC and IBM added (① ㈱ 髙), in Chinese the euro sign.
"""

import codecs
from typing import Literal

ADDED_ROWS = {13, *range(89, 93)}  # of JIS X 0208; in Shift_JIS they are where Python's cp932 has them
EXTENDED = {"euc_jp", "iso2022_jp_ext", "gb18030", "big5hkscs"}
_EUROS = {("gb18030", b"\x80"), ("big5hkscs", b"\xa3\xe1")}
# What Chinese editors wrote for an ideographic space; Python has a character for private use there.
_GB_SPACE, _SPACE = "\ue5e5", "\u3000"

Character = tuple[str, int]  # and where in the bytes the next one begins


def read(body: bytes, codec: str, errors: Literal["strict", "replace"]) -> str:
    """The characters of bytes. `errors` is for what browsers cannot read either."""
    text = body.decode(codec, f"browser_codecs.{errors}" if codec in EXTENDED else errors)
    return text.replace(_GB_SPACE, _SPACE) if codec == "gb18030" else text


def _strict(error: UnicodeError) -> Character:
    if (found := _character(error)) is None:
        raise error
    return found


def _replace(error: UnicodeError) -> Character:
    assert isinstance(error, UnicodeDecodeError)
    return _character(error) or ("\ufffd", error.end)


def _character(error: UnicodeError) -> Character | None:
    assert isinstance(error, UnicodeDecodeError)
    for length in (1, 2):
        if (error.encoding, error.object[error.start : error.start + length]) in _EUROS:
            return "€", error.start + length
    added = _added(error.object[error.start : error.start + 2]) if "jp" in error.encoding else None
    return (added, error.start + 2) if added else None


def _added(pair: bytes) -> str | None:
    """The character of a pair of bytes, both of EUC-JP or both of ISO-2022-JP, if it is an added one."""
    if len(pair) < 2 or (pair[0] ^ pair[1]) & 0x80:
        return None
    row, cell = (byte % 0x80 - 0x20 for byte in pair)
    if row not in ADDED_ROWS or not 1 <= cell <= 94:
        return None
    lead = (row - 1) // 2 + (0x81 if row < 63 else 0xC1)
    trail = cell + (0x9E if row % 2 == 0 else 0x3F if cell < 64 else 0x40)
    return bytes((lead, trail)).decode("cp932", "ignore") or None


codecs.register_error("browser_codecs.strict", _strict)
codecs.register_error("browser_codecs.replace", _replace)
