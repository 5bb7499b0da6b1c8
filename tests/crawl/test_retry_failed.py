"""`--retry-failed`: what failed for reasons of the moment is asked for again, and nothing else."""

import multiprocessing
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import retries
from tests.crawl.archive_site import ArchiveSite
from tests.crawl.loopback import Crawled, Page, Site, Web
from webtext.crawl.warc import read_response
from webtext.progress import Progress
from webtext.reasons import FETCHED

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)
OUTAGE = Page(b"later", 503)


def retry(crawled: Crawled, **settings: Any) -> dict[str, dict[str, Any]]:
    retries.retry_failed(crawled.corpus, crawled.recipe(**settings), Progress(quiet=True))
    return crawled.crawl(**settings)


def forget(*sites: Site) -> None:
    for site in sites:
        site.hits.clear()


def test_an_outage_is_asked_again_and_decisions_and_pages_are_not(web: Web, crawled: Crawled) -> None:
    up, down = web.site(a=Page(b"<p>a"), no=Page(b"", 403)), web.site(b=OUTAGE)
    down.pages["/robots.txt"] = Page(b"", 404)
    urls = [up.url("/a"), up.url("/no"), up.url("/none"), down.url("/b")]
    before = crawled.crawl(urls)
    assert before[down.url("/b")]["state"] == "server_error"
    down.pages["/b"] = Page(b"<p>b")
    forget(up, down)
    after = retry(crawled)
    assert after[down.url("/b")]["state"] == FETCHED
    assert up.hits == []
    for url in urls[:3]:
        assert after[url] == before[url]
    stored = read_response(crawled.folder, after[urls[0]]["warc_file"], after[urls[0]]["warc_offset"], 100)
    assert stored.body == b"<p>a"


def test_under_another_rule_all_that_failed_is_asked_again(web: Web, crawled: Crawled) -> None:
    site = web.site(big=Page(b"x" * 5000), b=OUTAGE)
    urls = [site.url("/big"), site.url("/b")]
    assert crawled.crawl(urls, max_bytes=1000)[urls[0]]["state"] == "too_large"
    rows = retry(crawled, max_bytes=9000)
    assert [rows[url]["state"] for url in urls] == [FETCHED, "server_error"]


def test_a_robots_file_that_is_there_again_frees_its_pages(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page())
    site.pages["/robots.txt"] = OUTAGE
    assert crawled.crawl([site.url("/a")])[site.url("/a")]["state"] == "robots_unreachable"
    del site.pages["/robots.txt"]
    assert retry(crawled)[site.url("/a")]["state"] == FETCHED


def test_the_plain_command_asks_for_nothing_before_and_after(web: Web, crawled: Crawled) -> None:
    site = web.site(a=OUTAGE)
    rows = crawled.crawl([site.url("/a")])
    forget(site)
    assert crawled.crawl() == rows
    assert site.hits == []
    retry(crawled)
    forget(site)
    crawled.crawl()
    assert site.hits == []


def test_with_nothing_to_retry_nothing_changes(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page())
    rows = crawled.crawl([site.url("/a"), site.url("/none")])
    forget(site)
    assert retry(crawled) == rows
    assert site.hits == []


def test_an_archive_that_was_away_is_asked_again(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    url, settings = web.site().url("/gone"), {"sources": ["live", "wayback"]}
    archive.archive(url, "20140302080000", b"<p>then")
    archive.first["/cdx/"] = [Page(b"", 503) for _ in range(3)]
    crawled.link([url], first_posted=POSTED)
    assert crawled.crawl(**settings)[url]["detail"] == "status 404; wayback: unavailable, status 503"
    assert retry(crawled, **settings)[url]["state"] == FETCHED


def test_what_no_archive_has_is_not_asked_again(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    url, other = web.site().url("/gone"), web.site(b=OUTAGE).url("/b")
    settings = {"sources": ["live", "wayback"]}
    crawled.link([url, other], first_posted=POSTED)
    before = crawled.crawl(**settings)
    archive.hits.clear()
    assert retry(crawled, **settings)[url] == before[url]
    assert not [hit for hit in archive.hits if "gone" in hit.path]


def crawl(root: Path) -> None:
    Crawled(root).crawl()


@pytest.mark.slow
def test_a_retry_that_is_killed_is_gone_on_with_by_the_plain_command(web: Web, crawled: Crawled) -> None:
    site = web.site()
    site.pages |= {f"/p{n}": OUTAGE for n in range(3)} | {f"/q{n}": Page() for n in range(3)}
    urls = [site.url(f"/p{n}") for n in range(3)] + [site.url(f"/q{n}") for n in range(3)]
    crawled.crawl(urls)
    site.pages |= {f"/p{n}": Page(b"<p>again", delay_s=0.1) for n in range(3)}
    forget(site)
    retries.retry_failed(crawled.corpus, crawled.recipe(), Progress(quiet=True))
    process = multiprocessing.get_context("spawn").Process(target=crawl, args=(crawled.corpus.root,))
    process.start()
    while not site.hits and process.is_alive():
        time.sleep(0.01)
    time.sleep(0.25)
    process.kill()
    process.join()
    rows = crawled.crawl()
    assert {row["state"] for row in rows.values()} == {FETCHED}
    asked = [path for path in site.paths() if path[1] in "pq" and path != "/robots.txt"]
    assert set(asked) == {f"/p{n}" for n in range(3)}
    assert len(asked) <= 7  # one was in flight
