"""Common Crawl: an index per crawl, and one record read out of the middle of a WARC file.

https://index.commoncrawl.org/
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from typing import Any
from urllib.parse import quote, urlencode

from webtext.crawl import coding
from webtext.crawl.archives import records
from webtext.crawl.archives.captures import (
    Capture,
    Pointer,
    Unavailable,
    Unusable,
    capture_time,
    is_page_url,
    nearest,
)
from webtext.crawl.archives.service import Intervals, Service
from webtext.crawl.archives.warc_stream import WarcStream
from webtext.crawl.exchange import Exchange
from webtext.crawl.network import Network

MAX_INDEX_BYTES = 4_000_000
BLOCKED = (403,)  # whoever asked too much, for a day
MAX_CRAWLS = 3  # whose indexes are asked for one page: those nearest in time

_WEEK = re.compile(r"CC-MAIN-(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True)
class _Crawl:
    index: str  # its name below the base URL
    begin: datetime
    end: datetime

    def distance(self, near: datetime) -> timedelta:
        return max(self.begin - near, near - self.end, timedelta(0))


class CommonCrawl:
    name = "commoncrawl"

    def __init__(
        self, network: Network, base: str, data: str, folder: Path, intervals: Intervals, stop: Event
    ) -> None:
        self._base, self._data, self._settings = base, data, network.settings
        index_s, data_s = intervals.commoncrawl_index, intervals.commoncrawl_data
        self._index = Service(network, folder, "commoncrawl-index", index_s, stop, BLOCKED)
        self._files = Service(network, folder, "commoncrawl-data", data_s, stop, BLOCKED)
        self._known: list[_Crawl] | None = None
        self._asking = Lock()

    def find(self, url: str, near: datetime) -> list[Pointer]:
        crawls = sorted(self._crawls(), key=lambda crawl: (crawl.distance(near), crawl.begin))
        for crawl in crawls[:MAX_CRAWLS]:
            query = urlencode({"url": url, "output": "json"})
            answer = self._get(f"{self._base}/{crawl.index}?{query}")
            if answer.status == 404:  # none
                continue
            if pointers := nearest(_pointers(_text(answer)), near):
                return pointers
        return []

    def read(self, pointer: Pointer) -> Capture:
        if not 0 < pointer.length <= self._settings.max_bytes:
            raise Unusable("the record is too large")
        place = f"{self._data}/{quote(pointer.file)}"
        wanted = {
            "Range": f"bytes={pointer.offset}-{pointer.offset + pointer.length - 1}",
            "Accept-Encoding": "identity",
        }
        answer = self._files.get(place, lambda *_: pointer.length, wanted)
        if answer.status != 206:
            raise Unusable(f"status {answer.status}")
        if len(answer.body) != pointer.length:
            raise Unusable("the record is cut short")
        return Capture(self._record(answer.body, pointer, place))

    def _record(self, member: bytes, pointer: Pointer, place: str) -> Exchange:
        try:
            record = WarcStream(io.BytesIO(member)).parse()
            exchange = records.exchange(record, place, self._settings.max_bytes)
        except Unusable:
            raise
        except Exception as error:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
            raise Unusable(f"the record is damaged: {type(error).__name__}") from error
        if exchange.truncated is None and records.payload_digest(exchange.body) != pointer.digest:
            raise Unusable("the record's digest is wrong")
        return exchange

    def _crawls(self) -> list[_Crawl]:
        """All crawls, asked for once."""
        with self._asking:
            if self._known is None:
                known = list(_collections(_text(self._get(f"{self._base}/collinfo.json"))))
                if not known:  # as while its bucket was out of reach
                    raise Unavailable("an empty list of crawls")
                self._known = known
            return self._known

    def _get(self, url: str) -> Exchange:
        answer = self._index.get(url, lambda *_: MAX_INDEX_BYTES)
        if answer.status not in (200, 404):
            raise Unavailable(f"status {answer.status}")
        if answer.truncated:
            raise Unavailable("it broke off")
        return answer


def _text(answer: Exchange) -> bytes:
    try:
        return coding.decode(answer.body, answer.header("content-encoding"), MAX_INDEX_BYTES).body
    except coding.BadCoding:
        raise Unavailable("an answer that is no index") from None


def _collections(text: bytes) -> Iterator[_Crawl]:
    try:
        for crawl in json.loads(text):
            span = _span(crawl)
            if span is not None:
                yield _Crawl(str(crawl["cdx-api"]).rpartition("/")[2], *span)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unavailable("an answer that is no list of crawls") from None


def _span(crawl: dict[str, str]) -> tuple[datetime, datetime] | None:
    """When a crawl was made; the week in its name serves where its dates are not told."""
    if crawl.get("from") and crawl.get("to"):
        begin, end = (datetime.fromisoformat(crawl[name]) for name in ("from", "to"))
        return begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    week = _WEEK.fullmatch(str(crawl.get("id")))
    if week is None or not 1 <= int(week[2]) <= 52:
        return None
    begin = datetime.fromisocalendar(int(week[1]), int(week[2]), 1).replace(tzinfo=UTC)
    return begin, begin + timedelta(days=14)


def _pointers(text: bytes) -> Iterator[Pointer]:
    """The captures with a page among an index's lines, each of which is a JSON object. A line that does not
    say where its capture lies costs that capture; an answer of such lines alone is no index."""
    try:
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        pages = [line for line in lines if str(line.get("status")) == "200"]
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Unavailable("an answer that is no index") from None
    found = [pointer for line in pages if (pointer := _pointer(line)) is not None]
    if pages and not found:
        raise Unavailable("an answer that is no index")
    yield from found


def _pointer(line: dict[str, Any]) -> Pointer | None:
    at, url = capture_time(line.get("timestamp")), str(line.get("url"))
    if at is None or not is_page_url(url):
        return None
    try:
        place = str(line["filename"]), int(line["offset"]), int(line["length"])
    except (KeyError, ValueError, TypeError, OverflowError):  # int of Infinity, which is JSON for Python
        return None
    return Pointer(at, url, *place, digest=str(line.get("digest")))
