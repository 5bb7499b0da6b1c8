"""One request and what came back: what the network gives, the archive stores and the judge reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

Headers = tuple[tuple[str, str], ...]  # names and values as received, in order, decoded as Latin-1


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response, as far as it came.

    `body` has its transfer coding undone, its content coding not. `truncated` names, in WARC's words
    (WARC/1.1 §5.13), why it is not whole: length, time, disconnect, unspecified.
    """

    url: str
    status: int
    headers: Headers = ()
    body: bytes = b""
    reason: str = ""
    request_headers: Headers = ()
    truncated: str | None = None
    address: str | None = None  # the server's
    at: datetime = field(default_factory=lambda: datetime.now(UTC))  # when the request was sent
    source_uri: str | None = None  # where an archive gave this capture of `url`
    seconds: float = 0.0  # from the request to the end of the body
    link_id: str | None = None  # of the link that led here
    via: str | None = None  # the URL that redirected here
    hops: str | None = None  # from the link, in Heritrix' letters: R a redirect, P a file of the origin

    def header(self, name: str) -> str | None:
        """The value of a header; several of one name are joined by commas (RFC 9110 §5.3)."""
        return header(self.headers, name)


def header(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    values = [value.strip() for key, value in headers if key.lower() == name]
    return ", ".join(values) if values else None
