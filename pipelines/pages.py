"""Links → pages: a partition of pages for each of links, crawled in groups that share one schedule of hosts.

A page that the web gave once is not asked for again: a killed crawl goes on from its journals, and rows of
fetched pages outlive changes of the links and of the recipe.

Links are partitioned by registered domain, so one process alone asks a host for its own pages. Redirects may
lead two processes to one host, where each keeps the delay by itself.
"""

import heapq
import resource
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files, schemas
from webtext.corpus import Corpus, Counts, Part, Table, partition_name
from webtext.crawl import carry, recovery
from webtext.crawl.addresses import is_private_name, is_reserved_name
from webtext.crawl.archives import chosen
from webtext.crawl.archives.warc_files import PREFIX, files_of
from webtext.crawl.crawler import crawl
from webtext.crawl.errands import Errand, host
from webtext.crawl.journal import Journal, Row
from webtext.crawl.network import HOSTS_PER_THREAD, Network, check_settings
from webtext.crawl.recovery import Wanted
from webtext.crawl.rows import FACTS
from webtext.engine import Report
from webtext.errors import UserError
from webtext.reasons import FETCHED
from webtext.recipe import Crawl, Recipe, fingerprint
from webtext.stage import Plan, Work

VERSION = 1
# What one process takes at once: links for its memory (about 200 MB), partitions for its open files.
MAX_GROUP_LINKS, MAX_GROUP_PARTITIONS = 500_000, 1000
FILES_PER_PARTITION, OTHER_FILES = 2, 100  # a journal and a WARC file each

# How a crawl goes about it, which decides when a page is had, not whether.
_MANNERS = {"contact", "threads", "per_host_delay_s", "per_host_connections", "proxy"}

# What the estimates of a dry run assume.
REQUESTS_PER_LINK = 1.3  # redirects
SECONDS_PER_REQUEST = 1.0
WARC_BYTES_PER_LINK = 25_000


@dataclass(frozen=True)
class Item:
    root: Path
    number: int
    partitions: int
    key: str
    settings: Crawl

    @property
    def file(self) -> str:
        return partition_name(self.number)

    @property
    def path(self) -> Path:
        return Corpus(self.root).table("pages").folder / self.file


def check(recipe: Recipe) -> None:
    """Raises UserError where nothing can be crawled with these settings."""
    settings = recipe.crawl
    chosen.check(settings.sources)
    check_settings(settings)
    if _open_files(settings) < _sockets(settings) + FILES_PER_PARTITION:
        raise UserError(
            f"crawl.threads = {settings.threads} needs {_sockets(settings):,} open files, more than this "
            "system allows; set it lower, or raise `ulimit -n`"
        )


def check_contact(corpus: Corpus, recipe: Recipe) -> None:
    """Raises UserError where the links' public hosts would be asked by nobody in particular."""
    settings = recipe.crawl
    if settings.contact:
        return
    live = _urls(corpus.table("links")) if chosen.LIVE in settings.sources else ()
    for url in chain(chosen.urls(settings.sources), live):
        name = host(url)
        if not is_private_name(name) and not is_reserved_name(name):
            raise UserError(
                f"crawl.contact is not set, and {name} is a public host; say whom its owner can write to: "
                "--set crawl.contact=you@example.org"
            )


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    links = corpus.table("links").manifest()
    assert links is not None
    outcome = recipe.crawl.model_dump(mode="json", exclude=_MANNERS) | _archives(recipe.crawl)
    works = []
    for number, part in enumerate(links.partitions):
        key = fingerprint(VERSION, outcome, part.hash)
        item = Item(corpus.root, number, len(links.partitions), key, recipe.crawl)
        works.append(Work(item.file, key, item, part.rows))
    return Plan("pages", VERSION, fingerprint(outcome), links.hash, crawl_parts, tuple(works), plan_groups)


def crawl_parts(items: Sequence[Item], report: Report) -> list[Part]:
    """Crawls some partitions at once, so that the slow hosts of one do not keep the others waiting."""
    _open_files(items[0].settings)
    todo = [item for item in items if carry.made_for(item.path) != item.key]
    known: dict[int, list[Row]] = {}  # rows that earlier tables have
    waiting: list[Wanted] = []
    with ExitStack() as stack:
        journals = {
            item.number: stack.enter_context(Journal(item.path.parent, item.path.stem, item.key))
            for item in todo
        }
        for item in todo:
            known[item.number], links = _sorted_out(item, journals[item.number])
            waiting += links
        dead = [link.row["state"] for link in waiting if link.row and link.row["source"] == chosen.LIVE]
        report(sum(len(_links(item)) for item in items) - len(waiting) + len(dead), Counter(dead))
        if waiting:
            _ask_sources(items[0], waiting, journals, report)
        for item in todo:
            journal = journals[item.number]
            journal.sync()  # a row's record is on disk before the row is
            _write(item, [*known[item.number], *journal.rows()])
            journal.remove()
    return [_part(item) for item in items]


def _ask_sources(item: Item, waiting: list[Wanted], journals: Mapping[int, Journal], report: Report) -> None:
    """Asks the sources in the recipe's order for the links that still want a page."""
    settings = item.settings
    with closing(Network(settings)) as network:
        network.reach_proxy()
        for sources, asked in recovery.steps(settings.sources):
            links = [link for link in waiting if recovery.asked(link.row, settings.sources) < asked]
            if chosen.LIVE in sources:
                errands = [Errand(link.partition, link.id, link.url, link.url) for link in links]
                crawl(network, errands, journals, report)
            elif links:
                stop, urls = Event(), [link.url for link in links]
                archives = chosen.open_archives(sources, network, item.path.parent, urls, stop)
                recovery.recover(archives, links, journals, settings, asked, report, stop)
            if asked < len(settings.sources):
                waiting = _unserved(waiting, journals, settings)


def _unserved(links: list[Wanted], journals: Mapping[int, Journal], settings: Crawl) -> list[Wanted]:
    """The links to which the next source may still give a page, with the rows that they have by now."""
    rows: dict[str, Row] = {}
    for journal in journals.values():
        for row in journal.rows():
            rows[row["id"]] = row
            if recovery.asked(row, settings.sources) == len(settings.sources):
                del rows[row["id"]]
    return [replace(link, row=rows[link.id]) for link in links if link.id in rows]


def dry_run(corpus: Corpus, recipe: Recipe) -> dict[str, Any]:
    """What a crawl of the links would take, for one worker."""
    links: dict[str, int] = {}
    for url in _urls(corpus.table("links")):
        links[host(url)] = links.get(host(url), 0) + 1
    total, longest = sum(links.values()), max(links, key=lambda name: links[name], default="")
    files_asked = recipe.crawl.robots + recipe.crawl.opt_outs  # robots.txt, tdmrep.json
    tail_s = (links.get(longest, 0) + files_asked) * recipe.crawl.per_host_delay_s
    requests = total * REQUESTS_PER_LINK + files_asked * len(links)
    return {
        "links": total,
        "hosts": len(links),
        "longest_host": longest,
        "longest_host_links": links.get(longest, 0),
        "longest_host_seconds": round(tail_s),
        "estimated_seconds": round(max(tail_s, requests * SECONDS_PER_REQUEST / recipe.crawl.threads)),
        "estimated_warc_mb": round(total * WARC_BYTES_PER_LINK / 1e6, 1),
        "assumptions": f"{REQUESTS_PER_LINK} requests a link, {SECONDS_PER_REQUEST:g} s a request, "
        f"{WARC_BYTES_PER_LINK // 1000} kB a page, one worker of {recipe.crawl.threads} threads",
    }


def _sorted_out(item: Item, journal: Journal) -> tuple[list[Row], list[Wanted]]:
    """The rows that earlier tables have of a partition's links, and the links that still want a page."""
    last = {row["id"]: row for row in journal.rows()}
    new = {id for id, _ in _links(item)} - last.keys()
    known = carry.known_rows(item.path.parent, item.number, item.partitions, new)
    there = {row["id"] for row in known}
    links = Corpus(item.root).table("links").read(item.file, ["id", "url", "first_posted"])
    wanted = [
        Wanted(item.number, id, url, first_posted, last.get(id))
        for id, url, first_posted in zip(*(column.to_pylist() for column in links.columns), strict=True)
        if id not in there
    ]
    sources = item.settings.sources
    return known, [link for link in wanted if recovery.asked(link.row, sources) < len(sources)]


def _write(item: Item, rows: Sequence[Row]) -> None:
    of = {row["id"]: row for row in rows}
    table = pa.Table.from_pylist([of[id] for id, _ in _links(item)], schema=schemas.PAGES)
    carry.write_rows(item.path.parent, item.file, table, item.key)


def _part(item: Item) -> Part:
    """The partition as it stands on disk."""
    facts = pq.read_table(item.path, columns=list(FACTS), partitioning=None)
    states = Counter(facts["state"].to_pylist())
    counts = Counts(into=facts.num_rows, out=states.pop(FETCHED, 0), dropped=dict(states))
    extra = {"file_hash": files.hash_file(item.path)}
    facts_hash = fingerprint([row for batch in facts.to_batches() for row in batch.to_pylist()])
    return Part(item.file, item.key, facts.num_rows, item.path.stat().st_size, facts_hash, counts, extra)


def _links(item: Item) -> list[tuple[str, str]]:
    """Id and URL of a partition's links, in their order."""
    links = Corpus(item.root).table("links").read(item.file, ["id", "url"])
    return list(zip(links["id"].to_pylist(), links["url"].to_pylist(), strict=True))


def _archives(settings: Crawl) -> dict[str, list[tuple[str, int]]]:
    """What is in the archives that the user has: other files may have other pages."""
    sources = [source for source in settings.sources if source.startswith(PREFIX)]
    found = {source: [(file.name, file.stat().st_size) for file in files_of(source)] for source in sources}
    return {"archives": [file for files in found.values() for file in files]} if found else {}


def _urls(links: Table) -> Iterator[str]:
    manifest = links.manifest()
    for part in manifest.partitions if manifest else ():
        yield from links.read(part.file, ["url"])["url"].to_pylist()


def plan_groups(works: Sequence[Work], workers: int) -> list[list[Work]]:
    """As many groups as workers, or as memory and open files ask for, of about as many links each."""
    if not works:
        return []
    settings = works[0].item.settings
    partitions = max((_open_files(settings) - _sockets(settings)) // FILES_PER_PARTITION, 1)
    links = sum(work.rows for work in works)
    count = min(max(workers, -(-links // MAX_GROUP_LINKS), -(-len(works) // partitions)), len(works))
    groups: list[list[Work]] = [[] for _ in range(count)]
    heap = [(0, 0, number) for number in range(count)]
    for work in sorted(works, key=lambda work: -work.rows):
        rows, size, number = heapq.heappop(heap)
        groups[number].append(work)
        if size + 1 < partitions:
            heapq.heappush(heap, (rows + work.rows, size + 1, number))
    return groups


def _sockets(settings: Crawl) -> int:
    """How many files a crawl may have open beside its partitions'."""
    idle = HOSTS_PER_THREAD * settings.threads * settings.per_host_connections
    return idle + settings.threads + OTHER_FILES


def _open_files(settings: Crawl) -> int:
    """How many files a process may open: as many as a full group needs, if the system lets it."""
    wanted = MAX_GROUP_PARTITIONS * FILES_PER_PARTITION + _sockets(settings)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
