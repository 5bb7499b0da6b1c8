"""A post: one row of a source, as loosely as dumps of twenty years write it, and how its fields are read.

`created_utc` is a number, a string or a float by the year; scores are null where they were hidden; flags are
words. Nothing in a row is trusted to have its type.
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from webtext.links.escapes import utf8

MAX_SECONDS = 253_402_300_800  # the year 10,000
MAX_INTEGER = 2**63
MAX_TITLE_CHARS = 1000  # Reddit allows 300
MAX_NAME_CHARS = 100
BATCH_ROWS = 1000  # rows that are parsed, then sifted, while they are in the processor's cache

_DELETED = ("[deleted]", "[removed]")  # what stands for a URL that was taken out of the dump

_FLAGS = dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "0", "0.0"), False
)

_LINE_END = ord("\n")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class Post(msgspec.Struct, gc=False, rename={"meta": "_meta"}):
    """The fields that matter, of any type. Each field more costs the parser time on every row."""

    id: Any = None
    url: Any = None
    score: Any = None
    created_utc: Any = None
    is_self: Any = None
    over_18: Any = None
    subreddit: Any = None
    title: Any = None
    num_comments: Any = None
    retrieved_on: Any = None
    retrieved_utc: Any = None
    url_overridden_by_dest: Any = None
    promoted: Any = None
    meta: Any = None


Parsed = tuple[list[Post], list[str]]  # posts, and how each malformed row begins

_decoder = msgspec.json.Decoder(Post)
_JSON_NAMES = {field.encode_name: field.name for field in msgspec.structs.fields(Post)}


def parse_lines(lines: memoryview) -> Parsed:
    """The posts in NDJSON lines, and how the malformed lines begin. A post is a line of its own, whatever
    lines stand around it."""
    posts, malformed = [], []
    for line in _lines(lines):
        if (post := parse(line)) is not None:
            posts.append(post)
        elif bytes(line).strip():
            malformed.append(excerpt(line))
    return posts, malformed


def _lines(lines: memoryview) -> Iterator[memoryview]:
    """The lines that are not empty, as views: a chunk has mebibytes, which need not be copied."""
    ends = np.append(np.flatnonzero(np.frombuffer(lines, np.uint8) == _LINE_END), len(lines))
    begins = np.append(0, ends[:-1] + 1)
    there = begins < ends
    for begin, end in zip(begins[there].tolist(), ends[there].tolist(), strict=True):
        yield lines[begin:end]


def parse(line: bytes | memoryview) -> Post | None:
    """The post in a line; None where it is malformed or blank."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    fields = json_object(line)
    if fields is None:
        return None
    return Post(**{name: fields[key] for key, name in _JSON_NAMES.items() if key in fields})


def json_object(line: bytes | memoryview) -> dict[str, Any] | None:
    """The object in a line, also one that is not UTF-8, with lone surrogates, raw control characters or
    numbers out of range; None where there is none."""
    try:
        found = json.loads(bytes(line).decode("utf-8", "surrogateescape"), strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def excerpt(line: bytes | memoryview) -> str:
    """How a malformed line begins, for people to see."""
    return bytes(line[:120]).decode("utf-8", "replace").strip()


def text(value: Any, max_chars: int) -> str | None:
    """A string that UTF-8 can hold, cut at `max_chars`; a number as its digits."""
    if type(value) is not str:
        if type(value) is not int:
            return None
        value = str(value)
    if len(value) > max_chars:
        value = value[:max_chars]
    return value if value.isascii() else _SURROGATES.sub("\ufffd", value)


def integer(value: Any) -> int | None:
    """A whole number of 64 bits, from a number or its digits."""
    if type(value) is str:
        try:
            value = float(value) if "." in value or "e" in value else int(value)  # R writes 1e+05
        except ValueError:
            return None
    if isinstance(value, float | Decimal) and math.isfinite(value):
        value = int(value)
    return value if type(value) is int and -MAX_INTEGER <= value < MAX_INTEGER else None


def seconds(value: Any) -> int | None:
    """Seconds since 1970, from a number of them or of milli-, micro- or nanoseconds (pandas), its digits, or
    an ISO 8601 date or time (UTC if it does not say, or says so by name, as BigQuery does)."""
    if type(value) is int and 0 <= value < MAX_SECONDS:  # nearly always
        return value
    if type(value) is str and "-" in value[1:]:
        try:
            value = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        value = int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    number = integer(value)
    while number is not None and number >= MAX_SECONDS:
        number //= 1000
    return number if number is not None and 0 <= number < MAX_SECONDS else None


def flag(value: Any) -> bool | None:
    """A yes or no, from a boolean, 0 or 1, or its word or letter (PostgreSQL's)."""
    if type(value) is bool:
        return value
    if type(value) not in (str, int, float):  # a list may lie too deep to be written out
        return None
    return _FLAGS.get(str(value).strip().lower())


def name(value: Any) -> str | None:
    """An id or the name of a subreddit: not empty, without the type prefix of Reddit's full names."""
    if type(value) is str and value.isalnum() and value.isascii() and len(value) <= MAX_NAME_CHARS:
        return value  # as most are
    found = text(value, MAX_NAME_CHARS)
    return found.strip().removeprefix("t3_") or None if found else None


def retrieved(post: Post) -> int | None:
    """When the score was read: the dump's retrieval time, or that of its second retrieval (since 2023-11)."""
    first = None if post.retrieved_utc is None else seconds(post.retrieved_utc)
    if first is None:
        first = seconds(post.retrieved_on)
    if type(post.meta) is dict:
        second = seconds(post.meta.get("retrieved_2nd_on"))
        if second is not None:
            return second if first is None else max(first, second)
    return first


def url_field(post: Post) -> str:
    """The URL as it was posted; empty where there is none, or none any more.

    Reddit shows a relative or no `url` where another field overrides it.
    """
    url = _url(post.url)
    return (_url(post.url_overridden_by_dest) or url) if not url or url.startswith("/") else url


def _url(value: Any) -> str:
    return value if type(value) is str and value not in _DELETED else ""


def storable(url: str) -> str:
    """A URL as posted, in valid UTF-8; bytes that were not UTF-8 as U+FFFD."""
    return url if url.isascii() else utf8(url).decode("utf-8", "replace")
