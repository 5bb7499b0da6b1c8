"""Which of the wanted pages WARC and ARC files hold, and where; redirects and revisits lead to their page.

The files are read once, and once more for each step of redirects to pages that nobody had asked for. In
memory are the places of what is wanted alone.
"""

import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from webtext.buckets import StoredFile
from webtext.crawl import page
from webtext.crawl.archives import records
from webtext.crawl.archives.captures import Pointer, Unusable
from webtext.crawl.exchange import Exchange
from webtext.links.canonical import Rejected, canonicalise

MAX_LISTED = 100  # records of one page are remembered


@dataclass(frozen=True, slots=True)
class Listed:
    """A record that is a page, or leads to one."""

    pointer: Pointer
    leads_to: str = ""  # the canonical URL where a redirect leads, or whose body a revisit repeats
    repeats: bool = False

    def order(self, at: datetime) -> tuple[bool, bool, timedelta, datetime]:
        """Pages before what leads to one, then the nearest in time; of two as near the earlier."""
        moved = bool(self.leads_to) and not self.repeats
        return moved, self.repeats, abs(self.pointer.at - at), self.pointer.at


class WarcIndex:
    def __init__(self, files: Collection[StoredFile], wanted: Collection[str], max_redirects: int) -> None:
        """`wanted`: canonical URLs; no other page is looked for."""
        self._listed: dict[str, list[Listed]] = {}
        self._broken: set[str] = set()
        self._max_redirects = max_redirects
        seen, pages = set[str](), frozenset(wanted)
        for _ in range(max_redirects + 1):
            for file in files if pages else ():
                self._scan(file, pages)
            seen |= pages
            found = (each.leads_to for url in pages for each in self._listed.get(url, ()))
            pages = frozenset(url for url in found if url and url not in seen)

    @property
    def damaged(self) -> int:
        """Files that could not be read to their end."""
        return len(self._broken)

    def pages(self, url: str) -> Iterator[Pointer]:
        """Where captures of a page lie, by way of redirects too."""
        for listed in self._listed.get(url, ()):
            if (found := self._followed(listed)) is not None:
                yield found

    def has(self, url: str) -> bool:
        """Whether there is a record of it at all, be it one that leads to nothing."""
        return url in self._listed

    def _followed(self, listed: Listed) -> Pointer | None:
        for redirects in range(self._max_redirects + 1):
            if listed.repeats:
                body = self._repeated(listed)
                return body and replace(listed.pointer, redirects=redirects, body=body)
            if not listed.leads_to:
                return replace(listed.pointer, redirects=redirects)
            there = self._listed.get(listed.leads_to)
            if not there:
                return None
            listed = _nearest(there, listed.pointer.at)
        return None

    def _repeated(self, revisit: Listed) -> Pointer | None:
        """The record with the body of a revisit: one of the same digest."""
        there = [
            each
            for each in self._listed.get(revisit.leads_to, ())
            if not each.leads_to and each.pointer.digest == revisit.pointer.digest
        ]
        return _nearest(there, revisit.pointer.at).pointer if there else None

    def _scan(self, file: StoredFile, wanted: Collection[str]) -> None:
        try:
            with redirect_stderr(io.StringIO()):  # warcio prints its doubts
                for url, found in listed_in(file, wanted):
                    there = self._listed.setdefault(url, [])
                    if len(there) < MAX_LISTED:
                        there.append(found)
        except Exception:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
            self._broken.add(file.path)


def _nearest(there: Sequence[Listed], at: datetime) -> Listed:
    return min(there, key=lambda listed: listed.order(at))


def listed_in(file: StoredFile, wanted: Collection[str] | None = None) -> Iterator[tuple[str, Listed]]:
    """The records of a file that are of use for wanted pages, or for any, by canonical URL."""
    with file.stream() as stream:
        archive = ArchiveIterator(stream, arc2warc=True)
        for record in archive:
            if record.rec_type not in ("response", "revisit"):
                continue
            try:
                url = canonicalise(records.target(record))
                found = _listed(record, url) if wanted is None or url in wanted else None
            except (Unusable, Rejected):
                continue
            if found is not None:
                archive.read_to_end(record)
                place = archive.get_record_offset(), archive.get_record_length()
                pointer = replace(found.pointer, file=file.path, offset=place[0], length=place[1])
                yield url, replace(found, pointer=pointer)


def _listed(record: Any, url: str) -> Listed | None:
    """What a record of a URL is good for. Raises Unusable or Rejected for nothing."""
    digest = str(record.rec_headers.get_header("WARC-Payload-Digest") or "").lower()
    pointer = Pointer(records.captured_at(record), url, digest=digest)
    status = records.status(record) if record.http_headers is not None else None
    if status in page.REDIRECT_STATUSES:
        target = page.redirect(Exchange(records.target(record), status, records.headers(record))).location
        leads_to = canonicalise(target) if target else url
        return Listed(pointer, leads_to) if leads_to != url else None
    if record.rec_type == "revisit":
        original = records.uri(record, "WARC-Refers-To-Target-URI")
        return Listed(pointer, canonicalise(original) if original else url, repeats=True) if digest else None
    return Listed(pointer) if status in page.PAGE_STATUSES else None
