"""`webtext remove`: documents out of a corpus for good, and all that was made of them made anew."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipelines import build_shards, ledger, links, pages, removal
from pipelines.finding import spelled_otherwise
from pipelines.request import Request
from webtext import files, reasons, stage
from webtext.corpus import Corpus
from webtext.crawl import tombstones
from webtext.crawl.tombstones import Tombstone, Tombstones
from webtext.errors import UserError, why
from webtext.links.canonical import Rejected, canonicalise, link_id, registered_domain
from webtext.links.hosts import domain_of, is_public_suffix, parse_host
from webtext.progress import Progress

ASKED = "asked for"
REPORTS = ("report.html", "report.json")  # in audit/: they quote texts
COMMENT = re.compile(r"(^|\s)#.*")  # of a list; a # within a URL begins its fragment
MADE_OF_TEXTS = ("clusters", "shards", "tokens")


@dataclass(frozen=True)
class Selection:
    """What the user wants out: canonical URLs and registered domains."""

    urls: tuple[str, ...]
    domains: tuple[str, ...]
    copies: bool = True  # and documents that are duplicates of those

    def stones(self, day: str) -> list[Tombstone]:
        urls = [Tombstone("url", url, day, ASKED) for url in self.urls]
        return urls + [Tombstone("domain", domain, day, ASKED) for domain in self.domains]


def selection(urls: Iterable[str], domains: Iterable[str], source: Path | None, *, copies: bool) -> Selection:
    """Raises UserError for what is neither a URL nor a registered domain, and for nothing at all."""
    chosen = [_url(url, f"--url {url}") for url in urls]
    whole = [_domain(domain, f"--domain {domain}") for domain in domains]
    for where, line in _lines(source) if source else ():
        if "/" in line:
            chosen.append(_url(line, where))
        else:
            whole.append(_domain(line, where))
    if not chosen and not whole:
        raise UserError("nothing to remove: name a page with --url, a site with --domain, or --from FILE")
    return Selection(tuple(dict.fromkeys(chosen)), tuple(dict.fromkeys(whole)), copies)


def run(request: Request, wanted: Selection, progress: Progress, *, dry_run: bool = False) -> dict[str, Any]:
    """Sets the tombstones, then brings all tables up to them; a dry run tells what it finds."""
    corpus = Corpus.open(request.root)
    day = datetime.now(UTC).date().isoformat()
    with corpus.undisturbed() if dry_run else corpus.lock():
        if corpus.table("links").begun or corpus.table("pages").finished():
            links.require_made(corpus)  # without them no copy is found, and nothing made anew
        found = _look_up(corpus, wanted, day)
        known = not (wanted.copies and found.links) or _is_built(corpus)
        result = {"corpus": str(request.root), "dry_run": dry_run, "copies_known": known} | found.told()
        before = _standing(corpus)
        if dry_run:
            return result | {"before": before["counts"]}
        new = tombstones.add(corpus.root, found.stones)
        outcome = removal.apply(corpus, progress, found.there())
        _rebuild(corpus, request, progress)
        after = _standing(corpus)
        for name in REPORTS:
            files.remove(corpus.root / "audit" / name)
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
    nearly: list[str] = field(default_factory=list)  # links that stay, spelled nearly as what was asked for

    def there(self) -> list[Tombstone]:
        missing = set(self.missing)
        return [stone for stone in self.stones if stone.value not in missing]

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
    if wanted.copies:
        for url, of in _copies(corpus, ids).items():
            found.links.setdefault(url, f"a copy of {of}")
    gone = Tombstones([*stones, *tombstones.load(corpus.root)])
    found.nearly = [url for url in _nearly(corpus, wanted) if url not in found.links and not gone.on(url)]
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


def _nearly(corpus: Corpus, wanted: Selection) -> list[str]:
    """Links that those who ask for a page may mean too: http for https, without www., …"""
    if corpus.table("links").manifest() is None or not wanted.urls:
        return []
    return sorted(spelled_otherwise(corpus, wanted.urls))


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


def _rebuild(corpus: Corpus, request: Request, progress: Progress) -> None:
    """Whatever had been made of the pages, made again."""
    if not pages.are_of_links(corpus):
        return
    with request.start_engine() as engine:
        if corpus.table("documents").finished():
            texts, _ = build_shards.build(corpus, engine, corpus.recipe(), progress)
            if not texts.counts.out:
                for name in MADE_OF_TEXTS:
                    files.remove_folder(corpus.table(name).folder)
        else:
            stage.run(corpus, engine, ledger.plan(corpus, ["pages"]), progress)


def _standing(corpus: Corpus) -> dict[str, Any]:
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
    states = (table.read(part.file, ["state"])["state"] for part in table.finished())
    return sum(pc.sum(pc.equal(column, str(reasons.State.REMOVED))).as_py() or 0 for column in states)


def _lines(source: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = source.read_text("utf-8-sig").splitlines()  # a byte order mark is no text
    except (OSError, UnicodeDecodeError) as error:
        line = f"--from {source}: cannot be read ({why(error)}): give a text file, a line each"
        raise UserError(line) from None
    for number, line in enumerate(lines, 1):
        where, text = f"{source}:{number}", COMMENT.sub("", line).strip()
        if len(text.split()) > 1:
            raise UserError(f"{where}: {text}: more than one; name a URL or a domain a line")
        if text:
            yield f"{where}: {text}", text


def _url(text: str, where: str) -> str:
    try:
        return canonicalise(text)
    except Rejected as error:
        raise UserError(
            f"{where}: {reasons.SENTENCES[error.reason]}; give an absolute http or https URL"
        ) from None


def _domain(text: str, where: str) -> str:
    if "://" in text:
        raise UserError(f"{where}: a URL, not a domain; give one such as example.org, or pages with --url")
    try:
        host = parse_host(text).strip("[].")
    except ValueError:
        raise UserError(f"{where}: no host is called so; give a domain such as example.org") from None
    if (name := domain_of(host)) != host:
        raise UserError(
            f"{where}: belongs to the registered domain {name}; name that one, or pages with --url"
        )
    if is_public_suffix(name):
        raise UserError(
            f"{where}: a public suffix, under which many have sites; name each domain, such as example.{name}"
        )
    return name
