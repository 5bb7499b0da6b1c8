"""Links → pages: a partition of pages for each of links, crawled in groups that share one schedule of hosts.

A page that the web gave once is not asked for again: a killed crawl goes on from its journals, and rows of
fetched pages outlive changes of the links and of the recipe.

Links are partitioned by registered domain, so one process alone asks a host for its own pages. Redirects may
lead two processes to one host, where each keeps the delay by itself.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import page_groups
from webtext import files, parquet, schemas
from webtext.corpus import Corpus
from webtext.crawl import carry, recovery, tombstones
from webtext.crawl.archives import chosen
from webtext.crawl.archives.lookup import Wanted
from webtext.crawl.archives.warc_places import PREFIX, files_of
from webtext.crawl.errands import Errand
from webtext.crawl.journal import Journal, journal_path
from webtext.crawl.loop import crawl
from webtext.crawl.network import Network
from webtext.crawl.rows import FACTS, Row
from webtext.crawl.tombstones import Tombstone, Tombstones
from webtext.engine import Report
from webtext.fingerprint import fingerprint, fingerprint_of_each, fingerprint_of_many
from webtext.manifest import Counts, Part
from webtext.reasons import FETCHED, LIVE, State
from webtext.recipe import Recipe
from webtext.sections import Crawl
from webtext.shards.rows import PAGE_COLUMNS
from webtext.stage import Plan, Work
from webtext.table import partition_name

VERSION = 1
CAPTURES = "captures"  # in a partition's `extra`: the hash of what shards say of its fetched pages

# Settings that decide when a page is fetched, not what it is: another value makes no page stale.
MANNERS = {"contact", "threads", "per_host_delay_s", "per_host_connections", "proxy"}


@dataclass(frozen=True)
class Item:
    """A partition to be crawled; `key` as in its plan."""

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


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """A partition of pages for each of links, whose key says what of the recipe decides on its rows."""
    links = corpus.table("links").published()
    outcome = recipe.crawl.model_dump(mode="json", exclude=MANNERS) | _archives(recipe.crawl)
    works, hashes = [], [part.hash for part in links.partitions]
    keys = fingerprint_of_each(hashes, VERSION, outcome)
    for number, (part, key) in enumerate(zip(links.partitions, keys, strict=True)):
        item = Item(corpus.root, number, len(links.partitions), key, recipe.crawl)
        works.append(Work(item.file, key, item, part.rows))
    return Plan(
        "pages",
        VERSION,
        recipe=fingerprint(outcome),
        inputs=links.hash,
        task=crawl_parts,
        works=tuple(works),
        group=page_groups.plan_groups,
        before=partial(carry.gather, corpus.table("pages").folder, {work.file: work.key for work in works}),
    )


def are_of_links(corpus: Corpus) -> bool:
    """Whether the links that there are have been crawled to the end, and not others before them."""
    manifest, links = corpus.table("pages").manifest(), corpus.table("links").manifest()
    return manifest is not None and links is not None and manifest.inputs == links.hash


def crawl_parts(items: Sequence[Item], report: Report) -> list[Part]:
    """Crawls some partitions at once, so that the slow hosts of one do not keep the others waiting."""
    page_groups.allow_open_files(items[0].settings)
    made = [item for item in items if carry.made_for(item.path) == item.key]
    for item in made:  # whose rows a journal has, too, where a kill kept it from being removed
        files.remove(journal_path(item.path.parent, item.path.stem))
    todo = [item for item in items if item not in made]
    known: dict[int, pa.Table] = {}  # rows that earlier tables have
    waiting: list[Wanted] = []
    stones = tombstones.load(items[0].root)
    with ExitStack() as stack:
        journals = {
            item.number: stack.enter_context(Journal(item.path.parent, item.path.stem, item.key))
            for item in todo
        }
        earlier = carry.numbers(items[0].path.parent)
        for item in todo:
            known[item.number], links = _sorted_out(item, journals[item.number], earlier, stones)
            waiting += links
        dead = [link.row["state"] for link in waiting if link.row and link.row["source"] == LIVE]
        report(sum(len(_links(item)) for item in items) - len(waiting) + len(dead), Counter(dead))
        if waiting:
            _ask_sources(items[0], waiting, journals, stones, report)
        for item in todo:
            journal = journals[item.number]
            journal.finish()  # a row's record is kept before the row is
            _write(item, pa.concat_tables([known[item.number], carry.table_of(journal.rows())]))
            journal.remove()
    return [part(item.path, item.key) for item in items]


def _ask_sources(
    item: Item,
    waiting: list[Wanted],
    journals: Mapping[int, Journal],
    stones: Tombstones,
    report: Report,
) -> None:
    """Asks the sources in the recipe's order for the links that still want a page."""
    settings = item.settings
    with closing(Network(settings)) as network:
        network.reach_proxy()
        for sources, asked in recovery.steps(settings.sources):
            links = [link for link in waiting if recovery.asked(link.row, settings.sources) < asked]
            if LIVE in sources:
                errands = [Errand(link.partition, link.id, link.url, link.url) for link in links]
                crawl(network, errands, journals, report, stones)
            elif links:
                stop, wanted = Event(), {link.url: link.near for link in links}
                archives = chosen.open_archives(sources, network, item.path.parent, wanted, stop)
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


def _sorted_out(
    item: Item, journal: Journal, earlier: Set[int], stones: Tombstones
) -> tuple[pa.Table, list[Wanted]]:
    """The rows that earlier tables have of a partition's links, and the links that still want a page."""
    sources, done, last = item.settings.sources, set[str](), dict[str, Row]()
    for row in journal.rows():
        if recovery.asked(row, sources) < len(sources) and not stones.on(row["url"]):
            last[row["id"]] = row
        else:
            done.add(row["id"])
    links = Corpus(item.root).table("links").read(item.file, ["id", "url", "first_posted"])
    new = links["id"].filter(pc.invert(pc.is_in(links["id"], pa.array([*done, *last], pa.string()))))
    known = carry.known_rows(item.path.parent, item.number, item.partitions, earlier, new)
    # Those that have a row keep it until their records are emptied, too.
    known = pa.concat_tables([known, _taken_out(item, stones, done | set(known["id"].to_pylist()))])
    there = done | set(known["id"].to_pylist())
    wanted = [
        Wanted(item.number, id, url, first_posted, last.get(id))
        for id, url, first_posted in zip(*(column.to_pylist() for column in links.columns), strict=True)
        if id not in there
    ]
    return known, wanted


def _taken_out(item: Item, stones: Tombstones, known: Collection[str]) -> pa.Table:
    """Rows of the links that were removed before they had a page; nobody is asked for them."""
    links = _links(item) if stones else ()
    return carry.table_of(
        removed_row(id, url, stone) for id, url in links if id not in known and (stone := stones.on(url))
    )


def removed_row(id: str, url: str, stone: Tombstone) -> Row:
    """What is left of a page that was taken out."""
    return dict.fromkeys(schemas.PAGES.names) | {
        "id": id,
        "url": url,
        "state": str(State.REMOVED),
        "detail": stone.sentence,
    }


def _write(item: Item, rows: pa.Table) -> None:
    links = Corpus(item.root).table("links").read(item.file, ["id"])
    in_order = pc.index_in(links["id"], rows["id"])
    assert not in_order.null_count
    carry.write_rows(item.path.parent, item.file, rows.take(in_order), item.key)


def part(path: Path, key: str) -> Part:
    """A partition as it stands on disk."""
    with carry.readable(path):
        rows = parquet.open_file(path).read()  # all of it, so that damage is told here
    facts = rows.select(list(FACTS))
    fetched = rows.filter(pc.equal(rows["state"], FETCHED)).select(PAGE_COLUMNS)
    states = Counter(facts["state"].to_pylist())
    counts = Counts(into=facts.num_rows, out=states.pop(FETCHED, 0), dropped=dict(states))
    extra = {"file_hash": files.hash_file(path), CAPTURES: _hash(fetched)}
    return Part(path.name, key, facts.num_rows, path.stat().st_size, _hash(facts), counts, extra)


def _hash(table: pa.Table) -> str:
    batches = table.to_batches(max_chunksize=carry.ROW_GROUP_ROWS)
    return fingerprint_of_many(row for batch in batches for row in batch.to_pylist())


def _links(item: Item) -> list[tuple[str, str]]:
    """Id and URL of a partition's links, in their order."""
    links = Corpus(item.root).table("links").read(item.file, ["id", "url"])
    return list(zip(links["id"].to_pylist(), links["url"].to_pylist(), strict=True))


def _archives(settings: Crawl) -> dict[str, list[tuple[str, int]]]:
    """What is in the archives that the user has: other files may have other pages."""
    sources = [source for source in settings.sources if source.startswith(PREFIX)]
    found = {source: [(file.name, file.size) for file in files_of(source)] for source in sources}
    return {"archives": [file for files in found.values() for file in files]} if found else {}
