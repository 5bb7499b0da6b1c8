"""The characters of a URL: HTML escapes undone, percent-escapes in one spelling (RFC 3986 §6.2.2)."""

import re

# Reddit's API escapes &, < and > unless asked not to; people paste URLs out of HTML source on top of that.
_HTML = re.compile(r"&(?:amp;)+(?:(lt|gt|quot|#0?39|#x27);)?|&(lt|gt|quot|#0?39|#x27);")
_CHARACTERS = {"lt": "<", "gt": ">", "quot": '"'}

_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# What RFC 3986 does not allow as it is, "%" aside.
_NOT_IN_USER = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=%]+")
_NOT_IN_PATH = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+")
_NOT_IN_QUERY = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]+")


def unescape_html(url: str) -> str:
    """`&amp;` and its like as the characters they stand for, however often they were escaped.

    No site is known whose parameters are named "amp;page" or "lt;"; many people pasted HTML.
    """
    return _HTML.sub(_character, url) if "&" in url and ";" in url else url


def escape_user(text: str) -> str:
    return _escape(text, _NOT_IN_USER)


def escape_path(text: str) -> str:
    """The path with each character either allowed as it is or percent-encoded as UTF-8.

    Unreserved characters are never escaped, other escapes stay, in upper case. A `%` that begins no escape
    is one of the path's own characters.
    """
    return _escape(text, _NOT_IN_PATH)


def escape_query(text: str) -> str:
    """As `escape_path`, for the characters that a query allows."""
    return _escape(text, _NOT_IN_QUERY)


def utf8(text: str) -> bytes:
    """UTF-8 of any string: bytes that were not UTF-8 (surrogateescape) as they were, other lone surrogates
    as U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")


def _escape(text: str, not_allowed: re.Pattern[str]) -> str:
    escaped = not_allowed.sub(_encode, text)
    return _PERCENT.sub(_normalise, escaped) if "%" in escaped else escaped


def _encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in utf8(match[0]))


def _normalise(match: re.Match[str]) -> str:
    if match[1] is None:
        return "%25"
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _character(match: re.Match[str]) -> str:
    name = match[1] or match[2]
    return _CHARACTERS.get(name, "'") if name else "&"
