"""The Internet Archive's Wayback Machine: its CDX index, and replay of a capture as it was received.

https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event
from urllib.parse import urlencode, urljoin, urlsplit

from webtext.crawl import coding, page
from webtext.crawl.archives.captures import (
    Capture,
    Pointer,
    Unavailable,
    Unusable,
    capture_time,
    is_page_url,
    nearest,
)
from webtext.crawl.archives.service import MEMENTO, Intervals, Service
from webtext.crawl.exchange import Exchange, Headers
from webtext.crawl.network import Network

MAX_INDEX_BYTES = 1_000_000
LISTED = 10  # captures asked for; some may not be usable
STAMP = "%Y%m%d%H%M%S"

# web/20140302123456id_/http://example.com/; the letters say how the page is shown, id_ is as received.
_REPLAY = re.compile(r"/web/(\d{14})(?:[a-z]{2}_)?/(https?://.+)", re.DOTALL)


class Wayback:
    name = "wayback"

    def __init__(self, network: Network, base: str, folder: Path, intervals: Intervals, stop: Event) -> None:
        self._base, self._settings = base, network.settings
        self._index = Service(network, folder, "wayback-index", intervals.wayback_index, stop)
        self._replay = Service(network, folder, "wayback-replay", intervals.wayback_replay, stop)

    def find(self, url: str, near: datetime) -> list[Pointer]:
        query = {
            "url": url,
            "output": "json",
            "filter": "statuscode:[23]..",  # a page that moved leads to where it was then
            "closest": near.strftime(STAMP),
            "sort": "closest",
            "limit": str(LISTED),
        }
        answer = self._index.get(f"{self._base}/cdx/search/cdx?{urlencode(query)}", _index_bytes)
        if answer.status in (403, 404):  # 403: the owner had the site taken out
            return []
        if answer.status != 200 or answer.truncated:
            raise Unavailable(f"status {answer.status}" if answer.status != 200 else "it broke off")
        return nearest(_pointers(answer), near)

    def read(self, pointer: Pointer) -> Capture:
        at, url, redirects = pointer.at, pointer.url, 0
        for _ in range(2 * self._settings.max_redirects + 1):  # each may be corrected to its capture's time
            place = f"{self._base}/web/{at.strftime(STAMP)}id_/{url}"
            answer = self._replay.get(place, partial(page.wanted_bytes, self._settings))
            if answer.status not in page.REDIRECT_STATUSES:
                return Capture(_as_page(answer, url, at), redirects)
            at, target = _target(answer, place)
            redirects += target != url
            url = target
            if redirects > self._settings.max_redirects:
                break
        raise Unusable("too many redirects")


def _index_bytes(_: int, __: Headers) -> int:
    return MAX_INDEX_BYTES


def _pointers(answer: Exchange) -> Iterator[Pointer]:
    """The captures of an index's answer: an array of arrays, the first of which names the columns."""
    try:
        body = coding.decode(answer.body, answer.header("content-encoding"), MAX_INDEX_BYTES).body
        table = json.loads(body or b"[]")
        if not isinstance(table, list):
            raise TypeError(table)
        names, *lines = table or [[]]
        lines = [dict(zip(names, line, strict=True)) for line in lines]
    except (coding.BadCoding, ValueError, TypeError, RecursionError):
        raise Unavailable("an answer that is no index") from None
    for line in lines:
        at, url = capture_time(line.get("timestamp")), str(line.get("original"))
        if at is not None and is_page_url(url):
            yield Pointer(at, url, digest=str(line.get("digest")))


def _target(answer: Exchange, place: str) -> tuple[datetime, str]:
    """Where a replayed redirect leads: another page, or the same at the time of its capture."""
    location = (answer.header("location") or "").encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        split = urlsplit(urljoin(place, location))
    except ValueError:
        raise Unusable("a redirect to no URL") from None
    match = _REPLAY.fullmatch(split.path + (f"?{split.query}" if split.query else ""))
    at = capture_time(match[1]) if match else None
    if match is None or at is None or not is_page_url(match[2]):
        raise Unusable("a redirect out of the archive")
    return at, match[2]


def _as_page(answer: Exchange, url: str, at: datetime) -> Exchange:
    if answer.header(MEMENTO) is None:  # a page of the archive itself: excluded, not archived
        raise Unusable("the capture cannot be replayed")
    return Exchange(
        url, answer.status, answer.headers, answer.body, answer.reason,
        truncated=answer.truncated, at=at, source_uri=answer.url,
    )  # fmt: skip
