"""A host that speaks the interfaces of the Wayback Machine and of Common Crawl."""

import base64
import gzip
import hashlib
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.crawl.loopback import HTML, Page, Site
from webtext.crawl.archives.lookup import Found, Wanted, look_up
from webtext.crawl.archives.records import payload_digest
from webtext.crawl.archives.warc_files import WarcFiles
from webtext.crawl.archives.warc_places import files_of
from webtext.sections import Crawl

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)
COLUMNS = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
NO_ROW = Page(b"<html>Wayback Machine has not archived that URL.</html>", 404)
DATA = "/crawl-data/CC-MAIN-%s/segments/1/warc/CC-MAIN-%s-00000.warc.gz"


def stamp(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def warc_record(
    url: str, body: bytes, date: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = HTML
) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="1.0")
    head = StatusAndHeaders(f"{status} OK", list(headers), protocol="HTTP/1.1")
    record = writer.create_warc_record(
        url, "response", payload=io.BytesIO(body), http_headers=head, warc_headers_dict={"WARC-Date": date}
    )
    writer.write_record(record)
    return out.getvalue()


def warc_revisit(
    url: str,
    original: str,
    body: bytes,
    date: str,
    *,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = HTML,
) -> bytes:
    """Says that the page was what the original had been: `body`."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="1.0")
    head = StatusAndHeaders(f"{status} OK", list(headers), protocol="HTTP/1.1")
    digest = "sha1:" + base64.b32encode(hashlib.sha1(body).digest()).decode()
    record = writer.create_revisit_record(url, digest, original, "2014-01-01T00:00:00Z", http_headers=head)
    record.rec_headers.replace_header("WARC-Date", date)
    if not original:
        record.rec_headers.remove_header("WARC-Refers-To-Target-URI")
    writer.write_record(record)
    return out.getvalue()


class ArchiveSite(Site):
    """`first[prefix]` is a list of pages that are given, one after the other, before the true answers."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.first: dict[str, list[Page]] = {}
        self.captures: dict[str, list[tuple[str, Page]]] = {}  # URL → timestamp, what the page gave then
        self.lines: dict[str, dict[str, list[dict[str, str]]]] = {}  # crawl → URL → lines of its index
        self.files: dict[str, bytes] = {}

    def archive(self, url: str, timestamp: str, body: bytes = b"", **facts: Any) -> None:
        self.captures.setdefault(url, []).append((timestamp, Page(body, **facts)))

    def crawl(self, week: str, url: str, timestamp: str, body: bytes, *, status: int = 200) -> dict[str, str]:
        """Adds a page to a crawl; returns its line of the index, which may be tampered with."""
        path = DATA % (week, week)
        # a line of its own: what a reader from within it meets does not depend on the record's bytes
        file = self.files.get(path, b"before\n")
        member = warc_record(url, body, stamp(timestamp).isoformat().replace("+00:00", "Z"), status=status)
        self.files[path] = file + member + b"after"
        line = {"urlkey": "k", "timestamp": timestamp, "url": url, "mime": "text/html", "status": str(status)}
        line |= {"digest": payload_digest(body), "length": str(len(member)), "offset": str(len(file))}
        line |= {"filename": path[1:]}
        self.lines.setdefault(week, {}).setdefault(url, []).append(line)
        return line

    def asked(self, prefix: str) -> list[str]:
        return [unquote(path) for path in self.paths() if path.startswith(prefix)]

    def _answer(self, path: str) -> Page:
        for prefix, pages in self.first.items():
            if path.startswith(prefix) and pages:
                return pages.pop(0)
        if path.startswith("/cdx/search/cdx?"):
            return self._cdx(parse_qs(urlsplit(path).query))
        if match := re.fullmatch(r"/web/(\d{14})id_/(.+)", path):
            return self._replay(*match.groups())
        if path == "/collinfo.json":
            return self._collinfo()
        if match := re.fullmatch(r"/CC-MAIN-(\d{4}-\d{2})-index\?(.+)", path):
            return self._index(match[1], parse_qs(match[2])["url"][0])
        if path in self.files:
            return self._range(path)
        return NO_ROW

    def _cdx(self, query: dict[str, list[str]]) -> Page:
        url, wanted = query["url"][0], query["filter"][0].removeprefix("statuscode:")
        rows = [
            ["k", timestamp, url, "text/html", str(page.status), payload_digest(page.body), "100"]
            for timestamp, page in sorted(self.captures.get(url, ()), key=lambda capture: capture[0])
            if re.fullmatch(wanted, str(page.status))
        ]
        headers = (("Content-Type", "application/json"),)
        return Page(json.dumps([COLUMNS, *rows] if rows else []).encode(), headers=headers)

    def _replay(self, timestamp: str, url: str) -> Page:
        captures = self.captures.get(url)
        if not captures:
            return NO_ROW
        nearest, page = min(captures, key=lambda capture: abs(stamp(capture[0]) - stamp(timestamp)))
        if nearest != timestamp:
            return Page(b"", 302, (("Location", f"https://web.archive.org/web/{nearest}id_/{url}"),))
        own = {name.lower(): value for name, value in page.headers}
        headers = [(f"x-archive-orig-{name}", value) for name, value in own.items() if name != "location"]
        headers += [("Memento-Datetime", format_datetime(stamp(timestamp), usegmt=True))]
        if location := own.get("location"):
            headers.append(("Location", f"/web/{timestamp}id_/{location}"))
        else:
            headers.append(("Content-Type", own.get("content-type", "text/html")))
        return Page(page.body, page.status, tuple(headers))

    def _collinfo(self) -> Page:
        crawls = []
        for week in sorted(self.lines, reverse=True):
            begin = datetime.fromisocalendar(int(week[:4]), int(week[5:]), 1).isoformat()
            name = f"CC-MAIN-{week}"
            api = f"https://index.commoncrawl.org/{name}-index"
            crawls.append({"id": name, "name": week, "cdx-api": api, "from": begin, "to": begin})
        return Page(json.dumps(crawls).encode(), headers=(("Content-Type", "application/json"),))

    def _index(self, week: str, url: str) -> Page:
        lines = self.lines.get(week, {}).get(url)
        if not lines:
            return Page(b'{"message": "No Captures found for: x"}', 404)
        return Page("".join(json.dumps(line) + "\n" for line in lines).encode())

    def _range(self, path: str) -> Page:
        hit = next(hit for hit in reversed(self.hits) if hit.path == path)
        first, last = map(int, hit.headers["Range"].removeprefix("bytes=").split("-"))
        return Page(self.files[path][first : last + 1], 206)


def rebuilt(member: bytes, old: bytes, new: bytes) -> bytes:
    """A gzip member with other bytes, whose record's length says what it said."""
    return gzip.compress(gzip.decompress(member).replace(old, new))


def warc_files(places: str, wanted: Mapping[str, datetime], settings: Crawl) -> WarcFiles:
    """The user's own files as a source, their listings made anew."""
    with TemporaryDirectory() as folder:
        return WarcFiles(files_of(places), wanted, settings, Path(folder))


def found_in(path: Path, archive: bytes, url: str) -> Found:
    """What a crawl finds for a link in a WARC file of these bytes."""
    path.write_bytes(archive)
    return look_up(
        Wanted(0, "id", url, POSTED), [warc_files(f"warc:{path}", {url: POSTED}, Crawl())], Crawl()
    )


def body_of(found: Found) -> bytes:
    assert found.verdict and found.exchange, found.notes
    assert found.verdict.state == "fetched"
    return found.exchange.body
