"""The archives that a recipe's `crawl.sources` names."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event

from webtext.crawl.archives import warc_listing
from webtext.crawl.archives.captures import Archive
from webtext.crawl.archives.commoncrawl import MAX_CRAWLS, CommonCrawl
from webtext.crawl.archives.service import Intervals, addresses
from webtext.crawl.archives.warc_files import WarcFiles
from webtext.crawl.archives.warc_places import PREFIX, files_of
from webtext.crawl.archives.wayback import Wayback
from webtext.crawl.network import Network
from webtext.errors import UserError
from webtext.reasons import LIVE

INTERVALS = Intervals()


def check(sources: Sequence[str]) -> None:
    """Raises UserError where the sources cannot be used."""
    if not sources:
        raise UserError('crawl.sources is empty; set it to ["live"]')
    for source in sources:
        if source.startswith(PREFIX):
            files_of(source)
        elif source not in (LIVE, Wayback.name, CommonCrawl.name):
            raise UserError(
                f"crawl.sources: {source!r} is unknown; use live, wayback, commoncrawl or warc:PATH"
            )
    if len(set(sources)) < len(sources):
        raise UserError("crawl.sources names a source twice; name each once")


def urls(sources: Sequence[str]) -> list[str]:
    """The services that will be asked."""
    known = addresses()
    of = {Wayback.name: [known.wayback], CommonCrawl.name: [known.commoncrawl, known.commoncrawl_data]}
    return [url for source in sources for url in of.get(source, [])]


def seconds_per_link(source: str) -> float:
    """What the pace of an archive makes of one link, at most; archives overlap."""
    return {
        Wayback.name: max(INTERVALS.wayback_index, INTERVALS.wayback_replay),
        CommonCrawl.name: max(MAX_CRAWLS * INTERVALS.commoncrawl_index, INTERVALS.commoncrawl_data),
    }.get(source, 0.0)


def open_archives(
    sources: Sequence[str], network: Network, folder: Path, wanted: Mapping[str, datetime], stop: Event
) -> list[Archive]:
    """The archives in their order. `wanted`: the URLs that will be looked for, and to what time their
    captures should be near; `stop` ends all waiting."""
    return [_open(source, network, folder, wanted, stop) for source in sources]


def _open(
    source: str, network: Network, folder: Path, wanted: Mapping[str, datetime], stop: Event
) -> Archive:
    known = addresses()
    if source == Wayback.name:
        return Wayback(network, known.wayback, folder, INTERVALS, stop)
    if source == CommonCrawl.name:
        return CommonCrawl(network, known.commoncrawl, known.commoncrawl_data, folder, INTERVALS, stop)
    return WarcFiles(files_of(source), wanted, network.settings, folder / warc_listing.FOLDER)
