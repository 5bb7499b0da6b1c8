"""What every archive offers: captures of a page, found by its URL and a time, read one by one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from webtext.crawl.exchange import Exchange

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAX_CAPTURES = 3  # of one page in one archive are tried


class Unavailable(Exception):
    """The archive did not answer the question; the message says why, the same in every run."""


class Unusable(Exception):
    """A capture that is listed and cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where an archive says that a capture lies."""

    at: datetime
    url: str  # as the archive knows the page
    file: str = ""
    offset: int = 0
    length: int = 0
    digest: str = ""  # SHA-1 of the payload in base 32, as CDX indexes give it; in WARC files as they have it
    redirects: int = 0  # on the way there
    body: "Pointer | None" = None  # of a revisit: the record that has its body


@dataclass(frozen=True, slots=True)
class Capture:
    """A page as an archive gave it: `exchange` has the page's own URL and the time of the capture."""

    exchange: Exchange
    redirects: int = 0


class Archive(Protocol):
    """Both methods are called by several threads at once."""

    name: str  # pages.source

    def find(self, url: str, near: datetime) -> list[Pointer]:
        """At most MAX_CAPTURES captures, the nearest in time first. Raises Unavailable, and Unusable
        where what there is leads to none."""
        ...

    def read(self, pointer: Pointer) -> Capture:
        """Raises Unusable or Unavailable."""
        ...


def is_page_url(text: str) -> bool:
    """Whether an index may call a page so; a line break would begin another line wherever it is written."""
    return text.startswith(("http://", "https://")) and not _CONTROL.search(text)


def nearest(pointers: Iterable[Pointer], near: datetime) -> list[Pointer]:
    """The captures to be tried, the nearest in time first; of two as near the earlier."""
    return sorted(pointers, key=lambda pointer: (abs(pointer.at - near), pointer.at))[:MAX_CAPTURES]


def capture_time(timestamp: object) -> datetime | None:
    """The time that 14 digits of a CDX index name, if they do."""
    text = str(timestamp)
    if not (len(text) == 14 and text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
