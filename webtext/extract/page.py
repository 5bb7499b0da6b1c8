"""What extraction is given and gives, and the versions by which a document is known to be stale.

It stands apart from the work, whose libraries take a quarter second to load, for every command that plans.
"""

from dataclasses import dataclass
from typing import Any

EXTRACTOR_VERSION = 12  # rises when the same page may give another text, title, author or day
EXTRACTOR = f"blocks {EXTRACTOR_VERSION}"
PLAIN = "plain text"  # the body is the text
FALLBACK = "trafilatura"  # where the first is unsure
MEASURES_VERSION = 3  # rises when the same text may be measured differently

Row = dict[str, Any]  # columns of `documents`


@dataclass(frozen=True)
class Page:
    """A fetched page: its body with the content coding undone, and what is known of it from outside."""

    body: bytes
    url: str
    content_type: str | None = None
    charset: str | None = None  # as the Content-Type header names it
    latest: str | None = None  # YYYY-MM-DD: it was not published after
