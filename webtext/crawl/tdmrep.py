"""An origin's `/.well-known/tdmrep.json`: which of its paths are reserved from text and data mining.

TDM Reservation Protocol (W3C Community Group, 10 May 2024), "TDM File on the Origin Server". The first rule
that matches a path counts; what a page's own header or meta element says counts more (`optouts`).
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from requests.utils import unquote_unreserved

PATH = "/.well-known/tdmrep.json"
MAX_BYTES = 500 * 1024  # as for robots.txt; of a longer file nothing can be read
MAX_REDIRECTS = 5
MAX_RULES, MAX_PATTERN_CHARS, MAX_WILDCARDS = 500, 2000, 20


@dataclass(frozen=True, slots=True)
class Reservations:
    """The rules of one origin, in the file's order: pattern, whether what it matches is reserved."""

    rules: tuple[tuple[str, bool], ...] = ()

    def reserves(self, url: str) -> bool:
        if not self.rules:
            return False
        path = _path(url)
        return next((reserved for pattern, reserved in self.rules if _matches(pattern, path)), False)


def parse(body: bytes, origin: str) -> Reservations:
    """The rules of a file. Any bytes are a file: what cannot be read is passed over."""
    try:
        rules = json.loads(body)
    except (ValueError, RecursionError):
        return Reservations()
    if isinstance(rules, dict):  # one rule without its list, as many sites have it
        rules = [rules]
    if not isinstance(rules, list):
        return Reservations()
    read = (_rule(rule, origin) for rule in rules[:MAX_RULES])
    return Reservations(tuple(rule for rule in read if rule is not None))


def _rule(rule: Any, origin: str) -> tuple[str, bool] | None:
    if not isinstance(rule, dict):
        return None
    location, value = rule.get("location", "/"), rule.get("tdm-reservation")
    if not isinstance(location, str) or str(value) not in ("0", "1"):
        return None
    host = origin.partition("://")[2]
    for address in (f"https://{host}", f"http://{host}"):  # where the protocol wants a path
        if location.lower().startswith(address):
            location = location[len(address) :]
    pattern = _plain(location or "/")
    if len(pattern) > MAX_PATTERN_CHARS or pattern.count("*") > MAX_WILDCARDS:
        return None
    return (pattern if pattern.startswith(("/", "*")) else f"/{pattern}"), str(value) == "1"


def _matches(pattern: str, path: str) -> bool:
    """As in robots.txt: the beginning of the path, `*` for any characters, `$` for its end.

    Each piece is taken where it first comes, never stepping back: linear in the path for each piece.
    """
    to_the_end = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    position = len(first)
    last = pieces.pop() if pieces and to_the_end else None
    for piece in pieces:
        found = path.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    if last is not None:
        return len(path) - len(last) >= position and path.endswith(last)
    return position == len(path) or not to_the_end


def _path(url: str) -> str:
    parts = urlsplit(url)
    return _plain((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _plain(text: str) -> str:
    try:
        return unquote_unreserved(text)
    except ValueError:  # requests.InvalidURL is one: a stray percent sign
        return text
