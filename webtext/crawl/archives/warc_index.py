"""Which of the wanted pages WARC and ARC files hold, and where; redirects and revisits lead to their page.

The files' listings are looked through once, and once more for each step of redirects to pages that nobody had
asked for. In memory are the places of what is wanted alone; of a page with many captures, those that may be
the nearest.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, groupby, islice
from pathlib import Path

from webtext.buckets import StoredFile
from webtext.crawl.archives.captures import Pointer
from webtext.crawl.archives.warc_listing import Listed, Listings, filed_under

MAX_LISTED = 100  # records of one page are remembered, for each time that they should be near to
NEAREST = 10  # of each kind, when there are more
MAX_TIMES = 100  # that the records of one page should be near to


class WarcIndex:
    def __init__(
        self, files: Sequence[StoredFile], wanted: Mapping[str, datetime], max_redirects: int, folder: Path
    ) -> None:
        """`wanted`: canonical URLs, and to what time their captures should be near; no other page is looked
        for. `folder`: where the files' listings are, or will be."""
        self.damaged: dict[str, str] = {}  # files of which a part could not be read, and why
        self._max_redirects = max_redirects
        self._listings = Listings(files, folder)
        self._listed: dict[str, list[Listed]] = {}
        self._times = dict[str, set[datetime]]()
        for url, near in wanted.items():
            self._times.setdefault(filed_under(url), set()).add(near)
        self._digests: dict[str, set[str]] = {}  # of bodies that revisits have of a URL
        self._thinned = set[str]()  # URLs with more records than are remembered
        self._in_time: dict[str, tuple[list[datetime], list[Listed]]] = {}  # see _next
        due = frozenset(self._times)
        for _ in range(max_redirects + 2):  # a revisit's body is a step, too
            for url in due:
                self._listed.pop(url, None)
            for file in files if due else ():
                self._scan(file, due)
            due = self._further(due)

    def pages(self, url: str) -> Iterator[Pointer]:
        """Where captures of a page lie, by way of redirects too."""
        for listed in self._listed.get(filed_under(url), ()):
            if (found := self._followed(listed)) is not None:
                yield found

    def has(self, url: str) -> bool:
        """Whether there is a record of it at all, be it one that leads to nothing."""
        return bool(self._listed.get(filed_under(url)))

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
        listed, damage = self._listings.look(file, due)
        if damage:
            self.damaged[file.path] = damage
        for found in listed:
            url = found.pointer.url
            there = self._listed.setdefault(url, [])
            there.append(found)
            if len(there) > MAX_LISTED * (len(self._times[url]) + len(self._digests.get(url, ()))):
                self._listed[url] = self._thin(url, there)

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
            if listed.repeats:
                remembered = digest in digests or self._repeated(listed) is not None
                digests.add(digest)
            else:
                remembered = at in times
            if not times or (to in self._thinned and not remembered):
                due.add(to)
            if len(times) < MAX_TIMES:
                times.add(at)
        return frozenset(due)
