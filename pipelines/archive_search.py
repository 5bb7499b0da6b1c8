"""Finds what tombstones name in the corpus' WARC files, which all workers search together.

Every exchange is looked at, because those that failed, and those that a killed crawl had tried, have no row
that says where they are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from webtext import files
from webtext.corpus import Corpus
from webtext.crawl import tombstones
from webtext.crawl.warc import Position
from webtext.crawl.warc_exchanges import StoredExchange, exchanges
from webtext.engine import Engine, Report
from webtext.progress import Progress

SHARES = 4  # of the files for each worker: they read all tombstones for each
TELL_BYTES = 1 << 20

Place = tuple[str, int]  # the file and the offset of a record
Records = dict[Place, tuple[Position, ...]]  # of exchanges, by the place of their responses


@dataclass(frozen=True)
class Item:
    root: Path
    names: tuple[str, ...]  # of archives, relative to pages/
    links: frozenset[str]  # by id
    places: frozenset[Place]


def look(
    corpus: Corpus,
    engine: Engine,
    archives: Mapping[str, int],
    links: Collection[str],
    places: Set[Place],
    progress: Progress,
) -> Records:
    """The exchanges in these archives (name → bytes) that were made for these links, or for a link or an
    address that the corpus' tombstones name, and those whose responses lie at these places."""
    if not archives:
        return {}
    ordered = sorted(archives, key=lambda name: (-archives[name], name))
    count = min(SHARES * engine.workers, len(archives))
    of_file = defaultdict[str, set[Place]](set)
    for place in places:
        of_file[place[0]].add(place)
    items, ids = list[Item](), frozenset(links)
    for share in (tuple(ordered[first::count]) for first in range(count)):
        there = frozenset[Place]().union(*(of_file[name] for name in share))
        items.append(Item(corpus.root, share, ids, there))
    found: Records = {}
    with progress.bar("archives, bytes", sum(archives.values())) as report:
        for records in engine.map(look_through, items, report):
            found |= records
    return found


def look_through(item: Item, report: Report) -> Records:
    """The same in some of the archives, as a task."""
    stones, folder = tombstones.load(item.root), Corpus(item.root).table("pages").folder
    ids = item.links.union(stones.ids.to_pylist())
    return {
        place: stored.records
        for name in item.names
        for place, stored in _placed(folder, name, report)
        if place in item.places or stored.link_id in ids or stones.on_address(stored.url)
    }


def _placed(folder: Path, name: str, report: Report) -> Iterator[tuple[Place, StoredExchange]]:
    """An archive's exchanges, each with the place of its response."""
    told = 0
    for stored in exchanges(folder, name):
        begin = stored.records[0].offset
        if begin - told > TELL_BYTES:
            report(begin - told, {})
            told = begin
        yield (name, begin), stored
    report(files.here(folder / name).stat().st_size - told, {})
