"""One link looked up in archives: the nearest capture that is a page, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from webtext.crawl import coding, page
from webtext.crawl.addresses import is_private_name
from webtext.crawl.archives.captures import Archive, Capture, Unavailable, Unusable
from webtext.crawl.archives.pace import Stopped
from webtext.crawl.errands import host
from webtext.crawl.exchange import Exchange
from webtext.crawl.packing import Packed, pack
from webtext.crawl.page import Verdict
from webtext.crawl.rows import Row
from webtext.errors import ENDINGS
from webtext.reasons import FETCHED
from webtext.sections import Crawl

UNAVAILABLE = "unavailable"  # in a row's detail: an archive did not answer, and might another day
DECIDED = (FETCHED, "opted_out")  # no other capture is looked for

# The replay of a capture has the page's own headers under this prefix.
_ORIGINAL = "x-archive-orig-"
_OPT_OUTS = ("x-robots-tag", "tdm-reservation", "content-usage")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A link without a page, and the row that earlier sources left it with."""

    partition: int
    id: str
    url: str
    first_posted: datetime | None = None
    row: Row | None = None

    @property
    def near(self) -> datetime:
        """To what time a capture should be near; the latest is wanted of a link without a time."""
        return self.first_posted or datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Found:
    """What the archives had: a decided page, or notes on why none."""

    source: str
    verdict: Verdict | None = None
    exchange: Exchange | None = None
    redirects: int = 0
    packed: Packed | None = None
    notes: tuple[str, ...] = ()


def look_up(link: Wanted, archives: Sequence[Archive], settings: Crawl) -> Found:
    """Asks one archive after the other for a page."""
    if is_private_name(host(link.url)) and not settings.allow_private:
        return Found(archives[0].name, Verdict("private_address"))
    near, notes = link.near, []
    for archive in archives:
        try:
            found = _first_page(link, archive, near, settings)
            if isinstance(found, Found):
                return found
            why = found
        except (Stopped, *ENDINGS):
            raise
        except Unusable as problem:
            why = str(problem)
        except Unavailable as problem:
            why = f"{UNAVAILABLE}, {problem}"
        except Exception as error:  # what an archive sent broke a library: that costs its captures alone
            why = type(error).__name__
        notes.append(f"{archive.name}: {why}")
    return Found(archives[-1].name, notes=tuple(notes))


def _first_page(link: Wanted, archive: Archive, near: datetime, settings: Crawl) -> Found | str:
    """The nearest capture that is a page, or opts out; or why there is none."""
    why = "no capture"
    for pointer in archive.find(link.url, near):
        try:
            found = _judged(archive.name, archive.read(pointer), link, settings)
        except Unusable as problem:
            why = str(problem)
            continue
        assert found.verdict is not None
        if found.verdict.state in DECIDED:
            return found
        why = ": ".join(filter(None, (found.verdict.state, found.verdict.detail)))
    return why


def _judged(source: str, capture: Capture, link: Wanted, settings: Crawl) -> Found:
    exchange = _as_coded(capture.exchange)
    headers = [(name.lower().removeprefix(_ORIGINAL), value) for name, value in exchange.headers]
    opt_outs = tuple((name, value) for name, value in headers if name in _OPT_OUTS)
    own = exchange.headers
    verdict, kept = page.judge(replace(exchange, headers=(*own, *opt_outs)), settings)
    if verdict.state == FETCHED:
        verdict = replace(verdict, detail=_distance(exchange.at, link.first_posted))
    return Found(source, verdict, kept, capture.redirects, pack(replace(kept, headers=own, link_id=link.id)))


def _as_coded(exchange: Exchange) -> Exchange:
    """The exchange without a Content-Encoding that its body no longer has; the header keeps another name."""
    if not coding.is_undone(exchange.body, exchange.header("content-encoding")):
        return exchange
    renamed = (
        (f"X-Crawl-{name}" if name.lower() == "content-encoding" else name, value)
        for name, value in exchange.headers
    )
    return replace(exchange, headers=tuple(renamed))


def _distance(at: datetime, first_posted: datetime | None) -> str:
    capture = f"capture {at:%Y-%m-%d}"
    if first_posted is None:
        return capture
    days = abs((at.date() - first_posted.astimezone(UTC).date()).days)
    return f"{capture}, {days} day{'s' * (days != 1)} from the first submission"
