"""What tables and their files depend on, as a name that changes when any of it does."""

import hashlib
import json
from datetime import date
from typing import Any


def fingerprint(*parts: object) -> str:
    """32 hex digits that change when any of the parts does; parts are JSON values, models or dates."""
    text = json.dumps(parts, sort_keys=True, default=_plain, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(part: Any) -> object:
    if hasattr(part, "model_dump"):  # a section of the recipe; its library takes long to load
        return part.model_dump(mode="json")
    if isinstance(part, frozenset):
        return sorted(part)
    if isinstance(part, date):
        return part.isoformat()
    raise TypeError(f"cannot fingerprint {type(part).__name__}")
