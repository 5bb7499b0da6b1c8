"""Signals by which a page reserves itself from being used for training, as machine-readable opt-outs.

- `X-Robots-Tag` headers and `<meta name="robots">`: `noai`, `noimageai` (DeviantArt 2022, widely copied)
- TDM Reservation Protocol (W3C Community Group 2024): `tdm-reservation: 1` in the origin's file (`tdmrep`),
  as header, as meta; the later of these in this order counts more than the earlier
- `Content-Usage: train-ai=n` (IETF AIPREF drafts)
- `noindex` of the first kind, where the recipe asks for it

Any one kind is enough, whatever another says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from webtext.crawl.exchange import Headers

DIRECTIVES = ("noai", "noimageai")
NOINDEX = ("noindex", "none")
META_SCAN_BYTES = 512 * 1024
# Tags as the HTML standard's tokenizer reads them (§13.2.5): a quote opens a value only right after "=".
# Each pattern takes what it can and never steps back: linear in the page, whatever it holds.
_ATTRIBUTE = r"""[\s/]*+ =?+ [^\s/>=]*+ (?: \s*+ = \s*+ (?: "[^"]*+"?+ | '[^']*+'?+ | [^\s>]*+ ) )?+"""
_ATTRIBUTES = re.compile(_ATTRIBUTE.encode(), re.VERBOSE)
# Elements whose content is no markup. One that closes itself, as XHTML's may, has none.
_RAW = "|".join(
    rf"< {name} (?=[\s/>]) (?: {_ATTRIBUTE} )*+ (?: (?<=/) > | (?: [^<]++ | <(?!/{name}[\s/>]) )*+ )"
    for name in ("script", "style")
)
# A meta element, and what comes before it: text, comments and what is read as one, raw elements, other tags.
# The group must not lie in the repeated part, where Python 3.11's `re` may lose it.
_META = re.compile(
    rf"""(?: [^<]++
        | <!-- (?: -?+> | (?: [^-]++ | -(?!-!?>) )*+ (?: --!?> )?+ )
        | < (?: [!?] | /(?![a-z]) ) [^>]*+
        | {_RAW}
        | < (?!meta[\s/]) (?: /?+ [a-z] [^\s/>]*+ (?: {_ATTRIBUTE} )*+ )?+
    )*+ <meta ((?: {_ATTRIBUTE} )*+)""".encode(),
    re.IGNORECASE | re.VERBOSE,
)
_AGENT = re.compile(r"\*|[a-z][a-z0-9_-]*")  # and no part of a date, which has commas and colons too
# Directives of X-Robots-Tag that take a value after a colon; any other token before one is an agent.
_WITH_VALUE = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose signals are looked for, and which."""

    agent: str  # a product token, lower case
    noindex: bool = False

    @property
    def directives(self) -> tuple[str, ...]:
        return DIRECTIVES + NOINDEX if self.noindex else DIRECTIVES


def signal(headers: Headers, body: bytes, reader: Reader, reserved: bool = False) -> str | None:
    """The signal by which a response opts out, or None; `reserved`: its origin's tdmrep.json says so."""
    if sign := header_signal(headers, reader):
        return sign
    tdm = ("tdmrep.json: tdm-reservation 1", "1" if reserved else "")
    for name, value in headers:
        if name.lower() == "tdm-reservation":
            tdm = ("tdm-reservation: 1", value.strip())
    for name, content in metas(body):
        if name in ("robots", reader.agent) and (directive := _directive(content, reader)):
            return f"meta {name}: {directive}"
        if name == "tdm-reservation":
            tdm = ("meta tdm-reservation: 1", content.strip())
    return tdm[0] if tdm[1] == "1" else None


def header_signal(headers: Headers, reader: Reader) -> str | None:
    """The signal that the headers give, whatever follows them."""
    for name, value in headers:
        match name.lower():
            case "x-robots-tag":
                if directive := _robots_tag(value, reader):
                    return f"X-Robots-Tag: {directive}"
            case "content-usage":
                if refuses_training(value):
                    return "Content-Usage: train-ai=n"
    return None


def refuses_training(preferences: str) -> bool:
    """Whether a Content-Usage dictionary (RFC 9651 §3.2) says `train-ai=n`; its last word counts."""
    refused = False
    for member in preferences.split(","):
        key, _, value = member.partition(";")[0].partition("=")
        if key.strip() == "train-ai":
            refused = value.strip() == "n"
    return refused


def _robots_tag(value: str, reader: Reader) -> str | None:
    """An X-Robots-Tag value: directives for all, or after `agent:` for that one alone."""
    addressed = True
    for word in value.lower().split(","):
        prefix, colon, rest = word.partition(":")
        agent = prefix.strip()
        if colon and _AGENT.fullmatch(agent) and agent not in _WITH_VALUE:
            addressed, word = agent in ("*", reader.agent), rest
        if addressed and word.strip() in reader.directives:
            return word.strip()
    return None


def _directive(content: str, reader: Reader) -> str | None:
    words = {word.strip() for word in content.lower().replace(";", ",").split(",")}
    return next((directive for directive in reader.directives if directive in words), None)


def metas(body: bytes) -> Iterator[tuple[str, str]]:
    """Name and content of the meta elements in the first part of a page."""
    for attributes in meta_elements(body):
        if b"name" in attributes:
            name, content = attributes[b"name"], attributes.get(b"content", b"")
            yield name.strip().lower().decode("latin-1"), content.decode("latin-1")


def meta_elements(body: bytes) -> Iterator[dict[bytes, bytes]]:
    """The attributes of each meta element in the first part of a page."""
    head = _ascii(body[:META_SCAN_BYTES])
    end = 0
    while meta := _META.match(head, end):
        end = meta.end()
        yield _attributes(meta[1])


def _attributes(tag: bytes) -> dict[bytes, bytes]:
    """Values by name in lower case; of several with one name the first counts."""
    found: dict[bytes, bytes] = {}
    for attribute in _ATTRIBUTES.findall(tag):
        name, _, value = attribute.partition(b"=")
        value = value.strip()
        if value.startswith((b'"', b"'")):
            value = value[1:].removesuffix(value[:1])
        found.setdefault(name.strip(b"\t\n\f\r /").lower(), value)
    return found


def _ascii(body: bytes) -> bytes:
    """Markup is ASCII in every encoding that pages use, but for UTF-16; there it has NULs between."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace").encode("ascii", "replace")
    return body.replace(b"\0", b"")
