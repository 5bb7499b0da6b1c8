"""`webtext remove`: documents out of a corpus for good, and all that was made of them made anew."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipelines import build_shards, ledger, links, pages, removal, shards
from pipelines.asked import ASKED, Selection
from pipelines.finding import led_near, spelled_otherwise
from pipelines.request import Request
from webtext import files, reasons, stage
from webtext.corpus import Corpus
from webtext.crawl import tombstones
from webtext.crawl.tombstones import Tombstone, Tombstones
from webtext.engine import Engine
from webtext.errors import UserError
from webtext.links.canonical import link_id, registered_domain
from webtext.progress import Progress


def run(request: Request, wanted: Selection, progress: Progress, *, dry_run: bool = False) -> dict[str, Any]:
    """Sets the tombstones, then brings all tables up to them; a dry run tells what it finds."""
    corpus = Corpus.open(request.root)
    day = datetime.now(UTC).date().isoformat()
    with corpus.undisturbed() if dry_run else corpus.lock():
        if corpus.table("links").begun or corpus.table("pages").finished():
            links.require_made(corpus)  # without them no copy is found, and nothing made anew
        found = _look_up(corpus, wanted, day)
        known = not (wanted.copies and found.links) or _is_built(corpus)
        result = {"corpus": corpus.place, "dry_run": dry_run, "copies_known": known} | found.told()
        result["reports"] = removal.reports(corpus)
        before = _inventory(corpus)
        if dry_run:
            return result | {"before": before["counts"]}
        removal.forget_reports(corpus)
        new = tombstones.add(corpus.root, found.stones)
        with request.start_engine() as engine:
            outcome = removal.apply(corpus, engine, progress, found.stones)
            _rebuild(corpus, engine, progress)
        after = _inventory(corpus)
    return result | {
        "tombstones": len(new),
        "archive": asdict(outcome),
        "before": before["counts"],
        "after": after["counts"],
        "shard_files_changed": len(dict(before["files"].items() ^ after["files"].items())),
        "crawl_unfinished": not pages.are_of_links(corpus),
    }


@dataclass
class _Found:
    stones: list[Tombstone]
    links: dict[str, str] = field(default_factory=dict)  # URL → why, of links of the corpus
    missing: list[str] = field(default_factory=list)  # what was asked for and is not there
    nearly: list[str] = field(default_factory=list)  # what stays, spelled nearly as what was asked for

    def told(self) -> dict[str, Any]:
        links = [{"url": url, "why": why} for url, why in sorted(self.links.items())]
        return {
            "links": len(links),
            "removed": links,
            "not_found": self.missing,
            "spelled_nearly": self.nearly,
        }


def _look_up(corpus: Corpus, wanted: Selection, day: str) -> _Found:
    """The links that go: those asked for, those whose pages came from there, and copies of both."""
    asked = wanted.stones(day)
    found, stones = _Found(asked), Tombstones(asked)
    ids = {link["id"]: link["url"] for link in _links(corpus, wanted)}
    found.links = dict.fromkeys(ids.values(), ASKED)
    there = {*ids.values(), *(registered_domain(url) for url in ids.values())}
    for _, row, stone in removal.hits(corpus, stones):
        ids[row["id"]] = row["url"]
        found.links.setdefault(row["url"], f"its page came from {stone.value}")
        there.add(stone.value)
    found.missing = [stone.value for stone in asked if stone.value not in there]
    _require_no_pattern(found.missing)
    if wanted.copies:
        for url, of in _copies(corpus, ids).items():
            found.links.setdefault(url, f"a copy of {of}")
    gone = Tombstones([*stones, *tombstones.load(corpus.root)])
    found.nearly = sorted(
        {
            url
            for link, url in _nearly(corpus, wanted)
            if link not in found.links and not gone.on(link) and not gone.on(url)
        }
    )
    found.stones = asked + [
        Tombstone("url", url, day, why) for url, why in sorted(found.links.items()) if not stones.on(url)
    ]
    return found


def _links(corpus: Corpus, wanted: Selection) -> list[dict[str, Any]]:
    if corpus.table("links").manifest() is None:
        return []
    named = _among("id", [link_id(url) for url in wanted.urls])
    on_domain = _among("domain", wanted.domains)
    rows = corpus.table("links").rows(named | on_domain, ["id", "url"])
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def _require_no_pattern(missing: Iterable[str]) -> None:
    """Raises UserError for `…/*`: a URL may end so, but whoever names one that is no link means all pages
    below it, of which none would be removed."""
    for value in missing:
        if value.endswith("/*"):
            raise UserError(
                f"{value}: no link is spelled so, and a star stands for nothing else: name each page, or the "
                f"whole domain, {registered_domain(value)}"
            )


def _nearly(corpus: Corpus, wanted: Selection) -> Iterator[tuple[str, str]]:
    """Links that those who ask for a page may mean too (http for https, without www., …), each with itself
    or with the address that its page came from: what is spelled so."""
    if corpus.table("links").manifest() is None or not wanted.urls:
        return
    for url in spelled_otherwise(corpus, wanted.urls):
        yield url, url
    for row, address in led_near(corpus, wanted.urls):
        yield row["url"], address


def _copies(corpus: Corpus, ids: Mapping[str, str]) -> dict[str, str]:
    """URLs of the documents that are in a cluster with one of those, each with the URL of that one."""
    if corpus.table("clusters").manifest() is None or not ids:
        return {}
    clusters, columns = corpus.table("clusters"), ["id", "cluster"]
    hit = clusters.rows(_among("id", ids), columns)
    of: dict[str, str] = {}
    for row in hit.sort_by("id").to_pylist():
        of.setdefault(row["cluster"], ids[row["id"]])
    rows = clusters.rows(_among("cluster", of), columns)
    members = {row["id"]: of[row["cluster"]] for row in rows.to_pylist() if row["id"] not in ids}
    links = corpus.table("links").rows(_among("id", members), ["id", "url"])
    return {row["url"]: members[row["id"]] for row in links.to_pylist()}


def _is_built(corpus: Corpus) -> bool:
    """Whether all pages have been compared, so that every copy of one is known."""
    pages, documents, clusters = (
        corpus.table(name).manifest() for name in ("pages", "documents", "clusters")
    )
    read = pages is not None and documents is not None and documents.inputs == pages.hash
    return read and clusters is not None


def _among(column: str, values: Iterable[str]) -> pc.Expression:
    return ds.field(column).isin(pa.array(list(values), pa.string()))


def _rebuild(corpus: Corpus, engine: Engine, progress: Progress) -> None:
    """Whatever had been made of the pages, made again."""
    if not pages.are_of_links(corpus):
        return
    if _is_begun(corpus):
        with suppress(shards.NothingLeft):
            build_shards.build(corpus, engine, corpus.recipe(), progress)
    else:
        stage.run(corpus, engine, ledger.plan(corpus, ["pages"]), progress)


def _is_begun(corpus: Corpus) -> bool:
    """Whether a build, be it one that was killed, has left anything that is made of texts."""
    folders = [corpus.table(name).folder for name in ("documents", *build_shards.MADE_OF_TEXTS)]
    return any(not name.startswith("_") for folder in folders for name in files.sizes(folder))


def _inventory(corpus: Corpus) -> dict[str, Any]:
    """What the corpus has, and the hash of each of its shards."""
    counts = {}
    for table, name in (("pages", "pages"), ("documents", "texts"), ("shards", "documents")):
        manifest = corpus.table(table).manifest()
        counts[name] = manifest.counts.out if manifest else 0
    clusters, shards = corpus.table("clusters").manifest(), corpus.table("shards").manifest()
    counts["duplicates"] = sum(clusters.counts.dropped.values()) if clusters else 0
    parts = shards.partitions if shards else ()
    counts["tokens"] = sum(part.extra["tokens"]["tokens"] for part in parts)
    counts["removed"] = _removed(corpus)
    return {"counts": counts, "files": {part.file: part.hash for part in parts}}


def _removed(corpus: Corpus) -> int:
    table = corpus.table("pages")
    there = filter(table.holding(), table.finished())  # a killed crawl may be about to make some anew
    states = (table.read(part.file, ["state"])["state"] for part in there)
    return sum(pc.sum(pc.equal(column, str(reasons.State.REMOVED))).as_py() or 0 for column in states)
