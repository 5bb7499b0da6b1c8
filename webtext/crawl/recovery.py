"""Pages from archives: for links that are dead, or before the web is asked at all.

A link's sources are asked in the recipe's order. How many have been stands in its journal row (`asked`), so
that a killed crawl goes on with the next one. A refusal by the page's owner (robots.txt, an opt-out, 403) is
an answer, and is respected: no archive is asked to get round it.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from queue import SimpleQueue
from threading import Event, Thread

from webtext.crawl.archives.captures import Archive
from webtext.crawl.archives.lookup import Found, Wanted, look_up
from webtext.crawl.archives.warc_files import WarcFiles
from webtext.crawl.errands import Errand, Outcome
from webtext.crawl.journal import SYNC_EVERY_S, Journal
from webtext.crawl.page import Verdict
from webtext.crawl.rows import Row
from webtext.crawl.rows import row as row_of
from webtext.engine import Report
from webtext.reasons import FETCHED, LIVE
from webtext.sections import Crawl

THREADS = 4  # services are asked at a pace of their own; more would only wait
TELL_EVERY_S = 0.5

# Live states in which a page is gone or cannot be had, and which nobody chose for it.
DEAD = frozenset(
    (
        *("not_found", "http_error", "server_error", "bad_response", "bad_redirect", "redirect_loop"),
        *("dns", "unreachable", "tls", "timeout", "host_gave_up"),
    )
)


def steps(sources: Sequence[str]) -> Iterator[tuple[list[str], int]]:
    """The sources in the order in which they are asked, the archives between live ones together; and how
    many will then have been asked."""
    asked = 0
    for _, group in groupby(sources, lambda source: source == LIVE):
        names = list(group)
        asked += len(names)
        yield names, asked


def asked(row: Row | None, sources: Sequence[str]) -> int:
    """How many of the sources a link needs no more."""
    if row is None:
        return 0
    if row["state"] == FETCHED:
        return len(sources)
    if "asked" in row:
        return int(row["asked"])
    return sources.index(LIVE) + 1 if row["state"] in DEAD else len(sources)


def recover(
    archives: Sequence[Archive],
    links: Iterable[Wanted],
    journals: Mapping[int, Journal],
    settings: Crawl,
    last: int,
    report: Report,
    stop: Event,
) -> None:
    """Looks each link up in the archives until one has it, and gives it a row in its journal.

    `last` is how many sources have then been asked, all told. Sets `stop` at the end.
    """
    jobs: SimpleQueue[Wanted | None] = SimpleQueue()
    results: SimpleQueue[tuple[Wanted, Found] | BaseException] = SimpleQueue()
    for number in range(THREADS):
        Thread(
            target=_work, args=(archives, settings, jobs, results), name=f"archive-{number}", daemon=True
        ).start()
    told, in_order = _Told(report), all(archive.name == WarcFiles.name for archive in archives)
    try:
        for link, found in _answers(iter(links), jobs, results, in_order):
            journal = journals[link.partition]
            _keep(link, found, journal, last if found.verdict is None else len(settings.sources))
            told.note(link, found, final=last == len(settings.sources))
            journal.sync(every_s=SYNC_EVERY_S)
    finally:
        stop.set()
        for _ in range(THREADS):
            jobs.put(None)
    told.tell()


def _keep(link: Wanted, found: Found, journal: Journal, asked: int) -> None:
    """Writes the link's row, its record first."""
    errand = Errand(link.partition, link.id, link.url, link.url)
    if found.verdict is None:
        row = link.row or row_of(errand, Outcome(Verdict("no_capture"), link.url)) | {"source": found.source}
        row = row | {"detail": "; ".join([*filter(None, [row["detail"]]), *found.notes])}
    elif found.exchange is None:
        row = row_of(errand, Outcome(found.verdict, link.url)) | {"source": found.source}
    else:
        position = journal.append(found.packed) if found.packed else None
        outcome = Outcome(
            found.verdict,
            found.exchange.url,
            found.redirects,
            status=found.exchange.status,
            at=found.exchange.at,
            position=position,
        )
        row = row_of(errand, outcome) | {"source": found.source}
    attempts = link.row["attempts"] if link.row else 0
    journal.add(row | {"attempts": attempts, "asked": asked})


def _answers(
    links: Iterator[Wanted],
    jobs: "SimpleQueue[Wanted | None]",
    results: "SimpleQueue[tuple[Wanted, Found] | BaseException]",
    in_order: bool,
) -> Iterator[tuple[Wanted, Found]]:
    """Hands links to the threads, a few at a time, and what they bring back on: as it comes, or in the links'
    order, which makes the same archive of the same files."""
    out: dict[str, tuple[Wanted, Found] | None] = {}  # by id
    while True:
        while len(out) < 2 * THREADS and (link := next(links, None)) is not None:
            jobs.put(link)
            out[link.id] = None
        if not out:
            return
        result = results.get()
        if isinstance(result, BaseException):
            raise result
        out[result[0].id] = result
        yield from _ready(out, in_order)


def _ready(out: dict[str, tuple[Wanted, Found] | None], in_order: bool) -> Iterator[tuple[Wanted, Found]]:
    """Takes out what may be handed on."""
    for id, result in list(out.items()):
        if result is not None:
            del out[id]
            yield result
        elif in_order:
            return


def _work(
    archives: Sequence[Archive],
    settings: Crawl,
    jobs: "SimpleQueue[Wanted | None]",
    results: "SimpleQueue[tuple[Wanted, Found] | BaseException]",
) -> None:
    while (link := jobs.get()) is not None:
        try:
            results.put((link, look_up(link, archives, settings)))
        except BaseException as error:  # a bug of ours: the deciding thread raises it
            results.put(error)


class _Told:
    """Progress: a link that the live web failed has been counted, and is only moved to where it belongs."""

    def __init__(self, report: Report) -> None:
        self._report, self._rows, self._states, self._at = report, 0, Counter[str](), time.monotonic()

    def note(self, link: Wanted, found: Found, *, final: bool) -> None:
        state = found.verdict.state if found.verdict else None
        if state is None and (not final or link.row):
            return
        if link.row and link.row["source"] == LIVE:
            self._states[link.row["state"]] -= 1
        else:
            self._rows += 1
        if state != FETCHED:
            self._states[state or "no_capture"] += 1
        if time.monotonic() - self._at > TELL_EVERY_S:
            self.tell()

    def tell(self) -> None:
        self._report(self._rows, dict(self._states))
        self._rows, self._states, self._at = 0, Counter[str](), time.monotonic()
