"""What tombstones name, taken out of pages, archives and documents; the later tables follow from those.

The archive goes first, then the documents, then the row that says where both are: whatever a kill leaves
undone is found again.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import archive_search, documents, pages, pieces
from pipelines.archive_search import Place
from webtext import files, store
from webtext.corpus import LOCK, Corpus
from webtext.crawl import carry, journal_reading, scrub, tombstones
from webtext.crawl.journal import SUFFIX, agreed
from webtext.crawl.rows import Row
from webtext.crawl.tombstones import Tombstone, Tombstones
from webtext.crawl.warc import FOLDER, Position
from webtext.engine import Engine
from webtext.links.canonical import registered_domain
from webtext.links.partitions import partitions_ever
from webtext.links.url_columns import on_domains
from webtext.manifest import Counts, Part
from webtext.progress import Progress
from webtext.reasons import State
from webtext.table import Table, partition_name
from webtext.tally import counted

REPORTS = ("report.html", "report.json", "compare.html", "compare.json")  # in audit/: of texts and domains
NAMED = ["id", "url", "final_url", "state", "warc_file"]
STORED = ["id", "warc_file", "warc_offset", "warc_length"]
Hits = dict[str, Tombstone]  # by the id of the link


@dataclass(frozen=True)
class Outcome:
    """What was taken out: links that had a row, records of the archive and their bytes, and pages whose
    record stays because another link's page is the same."""

    links: int = 0
    records: int = 0
    bytes: int = 0
    shared: int = 0


@dataclass
class _Found:
    hits: dict[Path, Hits] = field(default_factory=dict)  # by table
    domains: set[str] = field(default_factory=set)  # whose links' exchanges are looked for
    touched: list[Path] = field(default_factory=list)  # tables with a row that is or was taken out
    waiting: set[str] = field(default_factory=set)  # whose rows go when an unfinished crawl ends

    @property
    def links(self) -> set[str]:
        return {id for ids in self.hits.values() for id in ids} | self.waiting


def apply(corpus: Corpus, engine: Engine, progress: Progress, asked: Iterable[Tombstone] = ()) -> Outcome:
    """Takes out what the corpus' tombstones name and still has. Does nothing where that was done, but for a
    look at the archives of what is `asked` for: what a killed crawl had tried, or was tried for a link that
    is none any more, may lie there without a row that says so.
    """
    stones, folder = tombstones.load(corpus.root), corpus.table("pages").folder
    if not stones or not files.names(folder):
        return Outcome()
    for place in (folder, folder / carry.ATTIC, corpus.table("documents").folder):
        files.clean(place)
    scrub.finish(folder)
    found = _find(corpus, stones)
    found.domains |= {stone.domain for stone in asked}
    outcome = _scrub(corpus, engine, found, stones, progress)
    if outcome.links or asked:
        _forget_copies(corpus)
    if found.links:
        pieces.forget(corpus, found.links)
        documents.forget(corpus, found.links)
    for path, hits in found.hits.items():
        _rewrite(path, hits)
    _republish(corpus.table("pages"), {path.name for path in found.touched if path.parent == folder})
    if outcome.links or outcome.records:
        progress.note(
            f"removed: {counted(outcome.links, 'link')}; {counted(outcome.records, 'record')} of the archive "
            f"emptied ({outcome.bytes:,} bytes)"
        )
    return outcome


def forget_reports(corpus: Corpus) -> None:
    """Deletes the reports that quote texts and rank domains, and what killed audits left of them."""
    files.clean(corpus.root / "audit")
    for name in REPORTS:
        files.remove(corpus.root / "audit" / name)


def reports(corpus: Corpus) -> list[str]:
    """Those that are there."""
    return sorted({*REPORTS} & {*files.names(corpus.root / "audit")})


def hits(corpus: Corpus, stones: Tombstones) -> Iterator[tuple[Path, dict[str, Any], Tombstone]]:
    """The rows of pages that tombstones name, each with its table."""
    table = corpus.table("pages")
    for path in carry.tables(table.folder):
        table.require_sound(str(path.relative_to(table.folder)))
        rows = carry.read(path, NAMED)
        for row in rows.filter(_candidates(rows, stones)).to_pylist():
            if stone := stones.on_page(row["url"], row["final_url"]):
                yield path, row, stone


def _candidates(rows: pa.Table, stones: Tombstones) -> pa.ChunkedArray:
    """The rows that may be named: few of millions, found without looking at each in Python."""
    named = pc.is_in(rows["id"], stones.ids)
    elsewhere = pc.fill_null(pc.not_equal(rows["final_url"], rows["url"]), False)
    found = pc.or_(named, elsewhere)
    if stones.domains:
        found = pc.or_(found, on_domains(rows["url"], stones.domains))
    return found


def _find(corpus: Corpus, stones: Tombstones) -> _Found:
    found = _Found()
    for path, row, stone in hits(corpus, stones):
        if path not in found.touched[-1:]:
            found.touched.append(path)
        if row["state"] != State.REMOVED or row["warc_file"]:  # a redirect to what was removed
            found.hits.setdefault(path, {})[row["id"]] = stone
            found.domains.add(registered_domain(row["url"]))
    for row in _unfinished(corpus.table("pages").folder):
        if row["state"] != State.REMOVED and stones.on_page(row["url"], row["final_url"]):
            found.waiting.add(row["id"])
            found.domains.add(registered_domain(row["url"]))
    return found


def _unfinished(folder: Path) -> Iterator[Row]:
    """The rows of a crawl that has not ended."""
    for name in files.sizes(folder):
        if name.endswith(SUFFIX):
            yield from journal_reading.rows(agreed(folder / name))


def _scrub(corpus: Corpus, engine: Engine, found: _Found, stones: Tombstones, progress: Progress) -> Outcome:
    """Empties the exchanges of pages that go, with the redirects to them and the tries that failed before,
    but for those whose response is that of a page which stays, too."""
    if not found.domains:
        return Outcome()
    folder, links, going = corpus.table("pages").folder, found.links, _going(found)
    there = {f"{FOLDER}/{name}": size for name, size in files.sizes(folder / FOLDER).items()}
    archives = _archives(there, going, found.domains)
    stored = archive_search.look(corpus, engine, archives, links, going.keys(), progress)
    staying = _staying(folder, found, going.keys() | stored.keys())
    free = going.keys() - staying
    for name in sorted({file for file, _ in free} - there.keys()):
        progress.warn(f"{folder / name}: not there; should it be put back, give the same command again")
    records = {going[place] for place in free if place[0] in there}
    records.update(record for place in stored.keys() - staying for record in stored[place])
    if records:
        ordered = sorted(records, key=lambda record: (record.file, record.offset))
        scrub.scrub(folder, ordered, max(stone.at for stone in stones))
    size = sum(record.length for record in records)
    return Outcome(len(links), len(records), size, len(going) - len(free))


def _going(found: _Found) -> dict[Place, Position]:
    """The responses that rows of pages that go point at."""
    return {
        (row["warc_file"], row["warc_offset"]): Position(*(row[name] for name in STORED[1:]))
        for path, ids in found.hits.items()
        for row in carry.read(path, STORED).to_pylist()
        if row["warc_file"] is not None and row["id"] in ids
    }


def _staying(folder: Path, found: _Found, places: Set[Place]) -> set[Place]:
    """Those of the responses that rows of pages that stay point at."""
    links, archives = found.links, pa.array({file for file, _ in places}, pa.string())
    staying = {
        (row["warc_file"], row["warc_offset"]) for row in _unfinished(folder) if row["id"] not in links
    }
    for path in carry.tables(folder):
        rows, ids = carry.read(path, STORED), found.hits.get(path, {})
        for row in rows.filter(pc.is_in(rows["warc_file"], archives)).to_pylist():
            if row["id"] not in ids:
                staying.add((row["warc_file"], row["warc_offset"]))
    return staying & places


def _archives(there: Mapping[str, int], going: Iterable[Place], domains: Iterable[str]) -> dict[str, int]:
    """The WARC files in which exchanges of those domains' links may lie: of the partitions that have them,
    or had them when there were more links or fewer."""
    numbers = {number for domain in domains for number in partitions_ever(domain)}
    stems = {f"{FOLDER}/{partition_name(number).removesuffix('.parquet')}" for number in numbers}
    wanted = {file for file, _ in going}
    return {name: size for name, size in there.items() if name in wanted or name.rpartition("-")[0] in stems}


def _forget_copies(corpus: Corpus) -> None:
    """Deletes what this machine has of a corpus in an object store, copies of whatever age, but for what an
    unfinished crawl has not put there yet."""
    if store.of(corpus.root) is None:
        return
    crawled = {path.name.removesuffix(SUFFIX) for path in corpus.table("pages").folder.glob(f"*{SUFFIX}")}
    for path in corpus.root.rglob("*"):
        of_crawl = path.name.endswith(SUFFIX) or path.name.rpartition("-")[0] in crawled  # a WARC file
        if path.is_file() and path.name != LOCK and not of_crawl:
            path.unlink()


def _rewrite(path: Path, hits: Hits) -> None:
    rows = carry.read(path)
    if path.parent.name == carry.ATTIC:
        rows = rows.filter(pa.array([id not in hits for id in rows["id"].to_pylist()], pa.bool_()))
    else:
        left = [
            pages.removed_row(row["id"], row["url"], hits[row["id"]]) if row["id"] in hits else row
            for row in rows.to_pylist()
        ]
        rows = pa.Table.from_pylist(left, schema=rows.schema)
    carry.rewrite(path, rows)


def _republish(table: Table, touched: set[str]) -> None:
    """The manifest, or the journal of a crawl that has not ended, says what the tables now are."""
    manifest, before = table.manifest(), table.finished()
    parts = [_described(table, part) if part.file in touched else part for part in before]
    if parts == before:
        return
    if manifest is None:
        with table.journal(parts):
            return
    counts = sum((part.counts for part in parts), Counts())
    table.publish(replace(manifest, partitions=tuple(parts), counts=counts))


def _described(table: Table, part: Part) -> Part:
    path = table.folder / part.file
    if part.extra.get("file_hash") == files.hash_file(files.here(path)):
        return part
    return pages.part(path, part.key)
