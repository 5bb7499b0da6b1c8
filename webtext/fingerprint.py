"""What tables and their files depend on, as a name that changes when any of it does."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any


def fingerprint(*parts: object) -> str:
    """32 hex digits that change when any of the parts does; parts are JSON values, models or dates."""
    return hashlib.sha256(_json(parts).encode()).hexdigest()[:32]


def fingerprint_of_many(rows: Iterable[object], *parts: object) -> str:
    """`fingerprint(*parts, list(rows))` of rows that are too many to be held at once."""
    digest = hashlib.sha256(_json(parts)[:-1].encode())
    digest.update(b",[" if parts else b"[")
    for number, row in enumerate(rows):
        digest.update((("," if number else "") + _json(row)).encode())
    digest.update(b"]]")
    return digest.hexdigest()[:32]


def fingerprint_of_each(lasts: Iterable[object], *parts: object) -> Iterator[str]:
    """`fingerprint(*parts, last)` of one after the other, with parts that are too large to be spelled anew
    for each: the names of tens of thousands of archives."""
    begun = hashlib.sha256(_json(parts)[:-1].encode())
    for last in lasts:
        digest = begun.copy()
        digest.update(f",{_json(last)}]".encode())
        yield digest.hexdigest()[:32]


def _plain(part: Any) -> object:
    if hasattr(part, "model_dump"):  # a section of the recipe; its library takes long to load
        return part.model_dump(mode="json")
    if isinstance(part, frozenset):
        return sorted(part)
    if isinstance(part, date):
        return part.isoformat()
    raise TypeError(f"cannot fingerprint {type(part).__name__}")


# one encoder for all: `json.dumps` would make one for each of millions of rows
_json = json.JSONEncoder(sort_keys=True, default=_plain, separators=(",", ":")).encode
