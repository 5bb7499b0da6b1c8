"""What a mini web is: pages by address, the dump that links to them, and what was planted where."""

from dataclasses import dataclass, field
from typing import Literal

Behaviour = Literal["plain", "chunked", "trickle", "cut"]


@dataclass(frozen=True)
class Page:
    """One HTTP answer.

    `headers` are without those of the framing (Content-Length, Transfer-Encoding), which follow from
    `behaviour`: "plain" sends the body at once, "chunked" in chunks, "trickle" a byte every half second for
    as long as somebody listens, "cut" closes the connection half-way through the body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delay_s: float = 0
    behaviour: Behaviour = "plain"


@dataclass(frozen=True)
class Planted:
    """A link of the dump and what must become of it."""

    kind: str  # the row of the final table that counts it
    url: str  # canonical
    state: str  # expected in the ledger
    reason: str | None
    of: str | None = None  # for duplicates: the canonical URL that is kept instead
    final_url: str | None = None  # where redirects end, if they do
    contains: str | None = None  # a phrase that the extracted text must carry to the letter
    posts: int = 1  # submissions that the link must list
    karma: int = 0  # the highest score among them


@dataclass(frozen=True)
class MiniWeb:
    """Everything that is served, linked and expected."""

    pages: dict[str, Page]  # by URL, robots.txt included; every other path of these hosts is a 404
    submissions: list[bytes]  # the lines of the dump
    planted: list[Planted]  # one per link
    dropped: dict[str, int] = field(default_factory=dict)  # submissions that become no link, by reason
    merged: int = 0  # submissions of a URL that an earlier one has

    @property
    def links(self) -> int:
        return len(self.planted)

    @property
    def submissions_total(self) -> int:
        """Equal to links + merged + all that is dropped."""
        return len(self.submissions)
