"""Which of the wanted pages WARC and ARC files hold, and where; redirects and revisits lead to their page.

The files are read once, and once more for each step of redirects to pages that nobody had asked for. In
memory are the places of what is wanted alone; of a page with many captures, those that may be the nearest.
"""

import io
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, groupby, islice
from typing import Any

from webtext.buckets import StoredFile
from webtext.crawl import page
from webtext.crawl.archives import records
from webtext.crawl.archives.captures import Pointer, Unusable
from webtext.crawl.archives.warc_stream import CUT_SHORT, WarcStream
from webtext.crawl.exchange import Exchange
from webtext.links.canonical import Rejected, canonicalise

MAX_LISTED = 100  # records of one page are remembered, for each time that they should be near to
NEAREST = 10  # of each kind, when there are more
MAX_TIMES = 100  # that the records of one page should be near to


@dataclass(frozen=True, slots=True)
class Listed:
    """A record that is a page, or leads to one."""

    pointer: Pointer
    leads_to: str = ""  # the canonical URL where a redirect leads, or whose body a revisit repeats
    repeats: bool = False

    def order(self, at: datetime) -> tuple[bool, bool, timedelta, datetime]:
        """Pages before what leads to one, then the nearest in time; of two as near the earlier."""
        return *self.kind(), abs(self.pointer.at - at), self.pointer.at

    def kind(self) -> tuple[bool, bool]:
        return bool(self.leads_to) and not self.repeats, self.repeats


class WarcIndex:
    def __init__(
        self, files: Collection[StoredFile], wanted: Mapping[str, datetime], max_redirects: int
    ) -> None:
        """`wanted`: canonical URLs, and to what time their captures should be near; no other page is looked
        for."""
        self.damaged: dict[str, str] = {}  # files of which a part could not be read, and why
        self._max_redirects = max_redirects
        self._listed: dict[str, list[Listed]] = {}
        self._times = {url: {near} for url, near in wanted.items()}
        self._digests: dict[str, set[str]] = {}  # of bodies that revisits have of a URL
        self._thinned = set[str]()  # URLs with more records than are remembered
        self._in_time: dict[str, tuple[list[datetime], list[Listed]]] = {}  # see _next
        due = frozenset(wanted)
        for _ in range(max_redirects + 2):  # a revisit's body is a step, too
            for url in due:
                self._listed.pop(url, None)
            for file in files if due else ():
                self._scan(file, due)
            due = self._further(due)

    def pages(self, url: str) -> Iterator[Pointer]:
        """Where captures of a page lie, by way of redirects too."""
        for listed in self._listed.get(url, ()):
            if (found := self._followed(listed)) is not None:
                yield found

    def has(self, url: str) -> bool:
        """Whether there is a record of it at all, be it one that leads to nothing."""
        return bool(self._listed.get(url))

    def _followed(self, listed: Listed) -> Pointer | None:
        for redirects in range(self._max_redirects + 1):
            if listed.repeats:
                body = self._repeated(listed)
                return body and replace(listed.pointer, redirects=redirects, body=body)
            if not listed.leads_to:
                return replace(listed.pointer, redirects=redirects)
            there = self._next(listed.leads_to, listed.pointer.at)
            if there is None:
                return None
            listed = there
        return None

    def _next(self, url: str, at: datetime) -> Listed | None:
        """What a redirect goes on with. Thousands of dead links may lead to one front page with thousands of
        captures, so its records are sorted once."""
        if url not in self._in_time:
            there = self._listed.get(url, ())
            first = min(map(Listed.kind, there), default=None)
            best = sorted((each for each in there if each.kind() == first), key=lambda each: each.pointer.at)
            self._in_time[url] = [each.pointer.at for each in best], best
        times, best = self._in_time[url]
        after = bisect_left(times, at)
        return min(best[max(after - 1, 0) : after + 1], key=lambda each: each.order(at), default=None)

    def _repeated(self, revisit: Listed) -> Pointer | None:
        """The record with the body of a revisit: one of the same digest."""
        there = [
            each
            for each in self._listed.get(revisit.leads_to, ())
            if not each.leads_to and each.pointer.digest == revisit.pointer.digest
        ]
        return min(there, key=lambda each: each.order(revisit.pointer.at)).pointer if there else None

    def _scan(self, file: StoredFile, due: Collection[str]) -> None:
        try:
            with redirect_stderr(io.StringIO()):  # warcio prints its doubts
                for url, found in listed_in(file, due):
                    there = self._listed.setdefault(url, [])
                    there.append(found)
                    if len(there) > MAX_LISTED * (len(self._times[url]) + len(self._digests.get(url, ()))):
                        self._listed[url] = self._thin(url, there)
        except Unusable as problem:
            self.damaged[file.path] = str(problem)
        except Exception:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
            self.damaged[file.path] = CUT_SHORT

    def _thin(self, url: str, there: list[Listed]) -> list[Listed]:
        """Of each kind those nearest to the times asked for, and one for each body that revisits have."""
        self._thinned.add(url)
        bodies = {each.pointer.digest: each for each in there if not each.leads_to}
        kept = {bodies[digest] for digest in self._digests.get(url, ()) if digest in bodies}
        for at in self._times[url]:
            for _, kind in groupby(sorted(there, key=lambda each: each.order(at)), key=Listed.kind):
                kept.update(islice(kind, NEAREST))
        return [each for each in there if each in kept]

    def _further(self, scanned: Collection[str]) -> frozenset[str]:
        """Where the records of some URLs lead, unless it was looked for and all of it is remembered."""
        due = set[str]()
        for listed in chain.from_iterable(self._listed.get(url, ()) for url in scanned):
            to, at, digest = listed.leads_to, listed.pointer.at, listed.pointer.digest
            if not to:
                continue
            digests, times = self._digests.setdefault(to, set()), self._times.setdefault(to, set())
            asked = digest in digests or self._repeated(listed) if listed.repeats else at in times
            if not times or (to in self._thinned and not asked):
                due.add(to)
            if len(times) < MAX_TIMES:
                times.add(at)
            digests.update([digest] if listed.repeats else [])
        return frozenset(due)


def listed_in(file: StoredFile, wanted: Collection[str] | None = None) -> Iterator[tuple[str, Listed]]:
    """The records of a file that are of use for wanted pages, or for any, by canonical URL. Raises Unusable
    at the end where a part of the file was not."""
    with file.stream() as stream:
        archive = WarcStream(stream)
        for record in archive:
            if record.rec_type not in ("response", "revisit"):
                continue
            try:
                url = canonicalise(records.target(record))
                found = _listed(record, url) if wanted is None or url in wanted else None
                offset, length = archive.place() if found is not None else (0, 0)
            except (Unusable, Rejected):
                continue
            if found is not None:
                pointer = replace(found.pointer, file=file.path, offset=offset, length=length)
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
