"""A listing of Reddit as a source of links: `reddit:r/NAME[/hot|new|top|…][?limit=N]`."""

import re
from dataclasses import dataclass
from typing import Self

from webtext.errors import UserError

PREFIX = "reddit:"
MAX_LISTED = 1000  # Reddit's listings end there
LISTINGS = ("hot", "new", "top", "rising", "controversial")

_SPECIFICATION = re.compile(r"reddit:r/(\w{2,30}(?:\+\w{2,30})*)(?:/(\w+))?(?:\?limit=([1-9]\d{0,8}))?")


@dataclass(frozen=True)
class Listing:
    """`reddit:r/NAME[/hot|new|top|…][?limit=N]`."""

    subreddit: str
    order: str
    limit: int

    @classmethod
    def parse(cls, specification: str) -> Self:
        """Raises UserError for what is not a listing; `hot` is the order of one that names none."""
        match = _SPECIFICATION.fullmatch(specification)
        order = (match[2] or "hot") if match else ""
        if not match or order not in LISTINGS:
            example = f"{PREFIX}r/NAME, with /{', /'.join(LISTINGS)} and ?limit=N as wanted"
            raise UserError(f"{specification}: not a listing of Reddit; expected {example}")
        return cls(match[1], order, min(int(match[3] or MAX_LISTED), MAX_LISTED))

    @property
    def file_name(self) -> str:
        """What the dump of what it lists is called."""
        return f"{self.subreddit.lower().replace('+', '-')}-{self.order}-{self.limit}.ndjson"

    def __str__(self) -> str:
        return f"{PREFIX}r/{self.subreddit}/{self.order}?limit={self.limit}"
