"""What a crawl would take: `webtext crawl --dry-run`. Asks no server, writes nothing."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from pipelines import crawl_checks, pages
from webtext.corpus import Corpus
from webtext.crawl import carry, recovery, retry, tombstones
from webtext.crawl.archives import chosen
from webtext.crawl.errands import host
from webtext.reasons import FETCHED, LIVE
from webtext.recipe import Recipe
from webtext.sections import Crawl

REQUESTS_PER_LINK = 1.3  # redirects
SECONDS_PER_REQUEST = 1.0
WARC_BYTES_PER_LINK = 25_000
# Of pages of 2013, so many were gone ten years later (Pew Research Center, "When Online Content Disappears",
# 17 May 2024); of those of 2013 to 2023 together, a quarter.
DEAD_SHARE, DEAD_SOURCE = 0.38, "assumed, as of ten years old pages (Pew Research Center 2024)"
ENOUGH_ROWS = 100  # for a share of this corpus' own


def dry_run(links: Corpus, pages_of: Corpus, recipe: Recipe, *, retry_failed: bool = False) -> dict[str, Any]:
    """The plan of a crawl of one corpus' links into another's pages, for one worker."""
    settings = recipe.crawl
    waiting, total = _waiting(links, pages_of, recipe, retry_failed)
    to_ask, longest = waiting.total(), max(waiting, key=lambda name: waiting[name], default="")
    share, source = _dead_share(pages_of)
    archives = _archives(settings, to_ask, share)
    live = LIVE in settings.sources
    files_asked = settings.robots + settings.opt_outs  # robots.txt, tdmrep.json
    tail_s = (waiting[longest] + files_asked * bool(longest)) * settings.per_host_delay_s * live
    requests = (to_ask * REQUESTS_PER_LINK + files_asked * len(waiting)) * live
    live_s = max(tail_s, requests * SECONDS_PER_REQUEST / settings.threads)
    return {
        "links": total,
        "links_to_ask": to_ask,
        "hosts": len(waiting),
        "longest_host": longest,
        "longest_host_links": waiting[longest],
        "longest_host_seconds": round(tail_s),
        "live_seconds": round(live_s),
        "archives_links_at_most": archives.links,
        "archives_share_at_most": round(archives.links / to_ask, 3) if to_ask else 0.0,
        "archives_seconds_at_most": round(archives.seconds),
        "estimated_seconds": round(live_s + archives.seconds),
        "estimated_warc_mb": round(to_ask * WARC_BYTES_PER_LINK / 1e6, 1),
        "dead_share": round(share, 3),
        "dead_share_source": source,
        "refused": crawl_checks.lacks_contact(recipe, waiting),
        "assumptions": f"{REQUESTS_PER_LINK} requests a link, {SECONDS_PER_REQUEST:g} s a request, "
        f"{WARC_BYTES_PER_LINK // 1000} kB a page, one worker of {settings.threads} threads",
    }


def _waiting(links: Corpus, pages_of: Corpus, recipe: Recipe, retry_failed: bool) -> tuple[Counter[str], int]:
    """How many links of each host want a page, and how many links there are."""
    table, folder = links.table("links"), pages_of.table("pages").folder
    waiting, total, stones = Counter[str](), 0, tombstones.load(pages_of.root)
    there = carry.numbers(folder)
    for work in pages.plan(links, recipe).works if table.manifest() else ():
        total += work.rows
        ended = carry.made_for(folder / work.file) == work.key
        if ended and not retry_failed:
            continue
        rows = table.read(work.file, ["id", "url"])
        if ended:
            wanted = pc.is_in(rows["id"], retry.failed(folder / work.file))
        else:
            known = carry.known_ids(folder, work.item.number, work.item.partitions, there)
            wanted = pc.invert(pc.is_in(rows["id"], known))
        urls = rows.filter(wanted)["url"].to_pylist()
        waiting.update(host(url) for url in urls if not stones.on(url))
    return waiting, total


def _dead_share(corpus: Corpus) -> tuple[float, str]:
    """Which share of links is dead on the live web: as measured where this corpus has asked it."""
    dead = asked = 0
    manifest = corpus.table("pages").manifest()
    for part in manifest.partitions if manifest else ():
        rows = corpus.table("pages").read(part.file, ["state", "source"])
        for row in rows.group_by(["state", "source"]).aggregate([([], "count_all")]).to_pylist():
            if row["source"] == LIVE:
                asked += row["count_all"]
                dead += row["count_all"] * (row["state"] in recovery.DEAD)
            elif row["state"] == FETCHED and corpus.recipe().crawl.sources[0] == LIVE:
                asked += row["count_all"]  # an archive had what the live web had not
                dead += row["count_all"]
    if asked < ENOUGH_ROWS:
        return DEAD_SHARE, DEAD_SOURCE
    return dead / asked, f"measured on the {asked:,} links of this corpus that were asked for"


@dataclass(frozen=True)
class _Archives:
    links: int  # that may be asked for there
    seconds: float


def _archives(settings: Crawl, links: int, dead_share: float) -> _Archives:
    """Archives before the live web are asked for everything, those after it for what is dead."""
    most, seconds = 0, 0.0
    for sources, _ in recovery.steps(settings.sources):
        if LIVE in sources:
            links = round(links * dead_share)
            continue
        most = max(most, links)
        seconds += links * max(chosen.seconds_per_link(source) for source in sources)
    return _Archives(most, seconds)
