"""The link that a person means: by a URL however it is spelled, by an id, or by where the link led to."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from webtext import reasons
from webtext.corpus import Corpus
from webtext.crawl import tombstones
from webtext.errors import UserError
from webtext.links.canonical import Rejected, canonicalise, link_id, registered_domain
from webtext.links.hosts import host_of
from webtext.links.partitions import partition_of
from webtext.links.selection import Rules
from webtext.links.url_columns import on_domains
from webtext.table import Table
from webtext.tally import counted

LINK_ID = re.compile(r"[0-9a-f]{16}")
SUBMISSION = re.compile(r"(?:t3_)?([0-9a-z]{1,12})", re.IGNORECASE)
PERMALINK = re.compile(
    r"https?://(?:(?:[a-z0-9-]+\.)*reddit\.com/(?:.*/)?comments|(?:www\.)?redd\.it)/([0-9a-z]{1,12})(?:[/?].*)?"
)
NO_SCHEME = re.compile(r"[^/?#:]+\.[^/?#:]+(?:[:/?#].*)?", re.DOTALL)
SHOWN = 5  # links that may be meant
HOW = {
    "url": "",
    "id": "the link with this id",
    "submission": "the link of this submission",
    "spelling": "no link itself; one differs only by http or https, www., a slash at the end, or the order "
    "of parameters",
    "redirect": "no link itself; one led there",
}


class Found(NamedTuple):
    link: dict[str, Any]  # its row
    by: str  # one of HOW


def find_link(corpus: Corpus, asked: str) -> Found:
    """The one link that is meant; raises UserError where there is none, or more than one."""
    if corpus.table("links").manifest() is None:
        raise UserError(f"{corpus.root}: no links yet; run `webtext crawl {corpus.quoted} --links …` first")
    try:
        url = _canonical(asked.strip())
    except Rejected as error:
        return _by_id(corpus, asked.strip(), error.reason)
    id = link_id(url)
    # in all partitions, too: suffixes that became public since have links in that of another domain
    if link := row_of(corpus, "links", id, registered_domain(url)) or row_of(corpus, "links", id):
        return Found(link, "url")
    for how, ids in _elsewhere(corpus, url):
        if len(ids) == 1 and (link := row_of(corpus, "links", ids[0])):
            return Found(link, how)
        if ids:
            raise _ambiguous(corpus, url, how, ids)
    raise _unknown(corpus, url)


def row_of(corpus: Corpus, name: str, id: str, domain: str | None = None) -> dict[str, Any] | None:
    """The row with this id in a table; None where there is none, or no such table yet. Where the link's
    domain is known one partition is read instead of all."""
    table = corpus.table(name)
    for rows in table.found(ds.field("id") == id, _partitions(table, [domain] if domain else [])):
        if rows.num_rows:
            row: dict[str, Any] = rows.to_pylist()[0]
            return row
    return None


def spelled_otherwise(corpus: Corpus, urls: Iterable[str]) -> list[str]:
    """Links that are none of these canonical URLs, but differ from one only in what `HOW` calls spelling."""
    asked = set(urls)
    loose = {_loose(url) for url in asked}
    domains = {registered_domain(url) for url in asked}
    wanted = ds.field("domain").isin(pa.array(domains, pa.string()))
    table = corpus.table("links")
    found = table.found(wanted, _partitions(table, domains), ["url"]) if asked else ()
    urls_there = (url for rows in found for url in rows["url"].to_pylist())
    return [url for url in urls_there if url not in asked and _loose(url) in loose]


def _partitions(table: Table, domains: Iterable[str]) -> list[str]:
    """The files in which rows of links of those domains are; without domains all."""
    manifest = table.manifest()
    names = [part.file for part in manifest.partitions] if manifest else []
    numbers = {partition_of(domain, len(names)) for domain in domains}
    return [names[number] for number in sorted(numbers)] if numbers and names else names


def _canonical(asked: str) -> str:
    """The canonical URL; of one without a scheme, as people write it, that of http."""
    try:
        return canonicalise(asked)
    except Rejected:
        if not NO_SCHEME.fullmatch(asked):
            raise
        return canonicalise(f"http://{asked}")


def _by_id(corpus: Corpus, asked: str, reason: str) -> Found:
    if LINK_ID.fullmatch(asked) and (link := row_of(corpus, "links", asked)):
        return Found(link, "id")
    if (name := SUBMISSION.fullmatch(asked)) and (ids := _of_submission(corpus, name[1])):
        link = row_of(corpus, "links", ids[0])
        assert link is not None
        return Found(link, "submission")
    known = "; nor has a link or a submission of one this id" if name or LINK_ID.fullmatch(asked) else ""
    raise UserError(f"{asked}: {reasons.SENTENCES[reason]}{known}; give an absolute http or https URL")


def _elsewhere(corpus: Corpus, url: str) -> Iterator[tuple[str, list[str]]]:
    """The ids of links that a URL may mean which is none itself, by how: what is surest first."""
    if (permalink := PERMALINK.fullmatch(url)) and (ids := _of_submission(corpus, permalink[1])):
        yield "submission", ids
    if tombstones.load(corpus.root).on(url) is None:
        yield "spelling", [link_id(near) for near in spelled_otherwise(corpus, [url])]
        yield "redirect", [row["id"] for row, _ in led_near(corpus, [url])]


def _of_submission(corpus: Corpus, name: str) -> list[str]:
    for rows in _read(corpus, "links", ["id", "submissions"]):
        posts = rows["submissions"].combine_chunks()
        place = pc.index(pc.list_flatten(posts).field("id"), name.lower()).as_py()
        if place >= 0:
            return [rows["id"][pc.list_parent_indices(posts)[place].as_py()].as_py()]
    return []


def led_near(corpus: Corpus, urls: Collection[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The rows (id, url, final_url) of links whose page came from one of those addresses however it is
    spelled, each with that address, canonical."""
    asked = {_loose(url) for url in urls}
    domains = {registered_domain(url) for url in urls}
    for rows in _read(corpus, "pages", ["id", "url", "final_url"]):
        elsewhere = rows.filter(pc.fill_null(pc.not_equal(rows["final_url"], rows["url"]), False))
        for row in elsewhere.filter(on_domains(elsewhere["final_url"], domains)).to_pylist():
            with suppress(Rejected):
                if _loose(address := canonicalise(row["final_url"])) in asked:
                    yield row, address


def _read(corpus: Corpus, name: str, columns: list[str]) -> Iterator[pa.Table]:
    table = corpus.table(name)
    manifest = table.manifest()
    for part in manifest.partitions if manifest else ():
        yield table.read(part.file, columns)


def _loose(url: str) -> str:
    """What is left of a canonical URL without that in which two spellings of one page often differ."""
    page, _, query = url.partition("://")[2].removeprefix("www.").partition("?")
    return "?".join((page.rstrip("/"), "&".join(sorted(query.split("&")))))


def _ambiguous(corpus: Corpus, url: str, how: str, ids: list[str]) -> UserError:
    rows = (row_of(corpus, "links", id) for id in ids[:SHOWN])
    urls = ", ".join(row["url"] for row in rows if row)
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    what = "are spelled nearly so" if how == "spelling" else "led there"
    return UserError(f"{url}: no link itself; these {what}, name one: {urls}{more}")


def _unknown(corpus: Corpus, url: str) -> UserError:
    stones = tombstones.load(corpus.root)
    if stone := stones.on(url):
        left = [near for near in spelled_otherwise(corpus, [url]) if not stones.on(near)]
        nearly = f"; what is spelled nearly so is still there: {', '.join(left[:SHOWN])}" if left else ""
        return UserError(
            f"{url}: not among the links of {corpus.root}, and would not be: `webtext remove` "
            f"took it out ({stone.sentence}){nearly}"
        )
    counts = corpus.table("links").published().counts
    return UserError(
        f"{url}: not among the {counted(counts.out, 'link')} of {corpus.root}"
        f"{_why(corpus, url)}; left out so far, of {counted(counts.into, 'submission')}: "
        f"{counts.losses() or 'none'}"
    )


def _why(corpus: Corpus, url: str) -> str:
    """The rule that refuses the URL whoever posts it, where there is one."""
    domain = registered_domain(url)
    with suppress(UserError):  # a block list that is gone refuses no answer
        rules = Rules.of(corpus.recipe().links)
        if rules.blocks_host(host_of(url)):
            return f": its domain, {domain}, is in the recipe's links.domains_blocked"
        if rules.blocks_file(url):
            return ": its path ends in one of the recipe's links.extensions_blocked"
    return f": no source named it, or a rule left it out (domain {domain})"
