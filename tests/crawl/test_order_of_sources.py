"""Which source is asked when, and what a killed crawl asks again."""

import multiprocessing
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import crawl_checks, pages
from tests.crawl.archive_site import ArchiveSite, warc_record
from tests.crawl.loopback import Crawled, Page, Web
from webtext import schemas
from webtext.crawl import recovery
from webtext.crawl.archives import chosen
from webtext.crawl.archives.service import Intervals
from webtext.crawl.journal import Journal
from webtext.crawl.rows import Row
from webtext.errors import UserError

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)
ALL = ["live", "wayback", "commoncrawl"]


@pytest.mark.parametrize(
    ("sources", "winner"),
    [
        (ALL, "wayback"),
        (["live", "commoncrawl", "wayback"], "commoncrawl"),
        (["commoncrawl", "live", "wayback"], "commoncrawl"),
    ],
)
def test_the_first_source_that_has_a_page_gives_it(
    web: Web, crawled: Crawled, archive: ArchiveSite, sources: list[str], winner: str
) -> None:
    url = web.site().url("/dead")
    archive.archive(url, "20140302080000", b"<p>wayback")
    archive.crawl("2014-10", url, "20140312000000", b"<p>commoncrawl")
    assert crawled.crawl([url], sources=sources)[url]["source"] == winner
    services = {path.split("/")[1][:3] for path in archive.paths()}
    assert len(services & {"cdx", "col"}) == 1


def test_a_page_that_lives_is_not_looked_up(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    site = web.site(a=Page())
    assert crawled.crawl([site.url("/a")], sources=ALL)[site.url("/a")]["source"] == "live"
    assert archive.hits == []


def test_sources_before_the_live_web_leave_it_what_they_do_not_have(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    site = web.site(there=Page())
    there, gone = site.url("/there"), site.url("/gone")
    archive.crawl("2014-10", gone, "20140312000000", b"<p>commoncrawl")
    rows = crawled.crawl([there, gone], sources=["wayback", "live", "commoncrawl"])
    assert {url: row["source"] for url, row in rows.items()} == {there: "live", gone: "commoncrawl"}


def test_when_all_sources_fail_the_row_tells_of_each(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    url = web.site().url("/dead")
    archive.crawl("2014-10", url, "20140312000000", b"<p>x").update(digest="wrong")
    row = crawled.crawl([url], sources=ALL)[url]
    assert row["state"] == "not_found"
    assert row["detail"] == ("status 404; wayback: no capture; commoncrawl: the record's digest is wrong")


def test_a_host_that_is_gone_is_looked_up(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    site = web.site()
    url = site.url("/page")
    site.close()
    archive.archive(url, "20140302080000", b"<p>then")
    assert crawled.crawl([url], sources=ALL)[url]["state"] == "fetched"


@pytest.mark.parametrize("sources", [["livé"], ["wayback", "wayback"], [], ["warc:"], ["s3://bucket/x"]])
def test_sources_that_cannot_be_used_are_named(crawled: Crawled, sources: list[str]) -> None:
    with pytest.raises(UserError, match=r"crawl\.sources"):
        crawl_checks.settings(crawled.recipe(sources=sources))


def test_public_archives_are_not_asked_without_a_contact(crawled: Crawled) -> None:
    with pytest.raises(UserError, match=r"web\.archive\.org is a public host"):
        crawl_checks.contact(crawled.recipe(sources=["live", "wayback"]), ["http://127.0.0.1/"])


def test_progress_counts_every_link_once(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    site = web.site(there=Page())
    urls = [site.url(f"/{name}") for name in ("there", "gone", "saved")]
    archive.archive(urls[2], "20140302080000", b"<p>then")
    crawled.link(urls)
    told: list[tuple[int, dict[str, int]]] = []
    works = pages.plan(crawled.corpus, crawled.recipe(sources=ALL)).works
    pages.crawl_parts([work.item for work in works], lambda rows, states, *_: told.append((rows, states)))
    assert sum(rows for rows, _ in told) == 3
    assert sum(states.get("not_found", 0) for _, states in told) == 1


def crawl(root: Path, settings: dict[str, Any]) -> None:
    chosen.INTERVALS = Intervals(0.1, 0.0, 0.0, 0.0)
    Crawled(root).crawl(**settings)


@pytest.mark.slow
def test_a_killed_crawl_keeps_its_recovered_pages_and_asks_only_for_the_others(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    site = web.site()
    urls = [site.url(f"/dead{n}") for n in range(16)]
    for url in urls[::2]:
        archive.archive(url, "20140302080000", f"<p>{url}".encode())
    crawled.link(urls, first_posted=POSTED)
    settings = {"sources": ["live", "wayback"]}
    process = multiprocessing.get_context("spawn").Process(target=crawl, args=(crawled.corpus.root, settings))
    process.start()
    while len(archive.asked("/cdx/")) < 6 and process.is_alive():
        time.sleep(0.01)
    process.kill()
    process.join()
    rows = crawled.crawl(**settings)

    assert [rows[url]["source"] for url in urls] == ["wayback", "live"] * 8
    assert len([path for path in site.paths() if path.startswith("/dead")]) == 16
    asked = archive.asked("/cdx/")
    assert len(set(asked)) == 16
    assert len(asked) <= 16 + recovery.THREADS


def test_rows_of_a_journal_say_what_is_still_to_be_asked(tmp_path: Path) -> None:
    def row(state: str, **more: Any) -> Row:
        return dict.fromkeys(schemas.PAGES.names) | {"id": "x", "state": state} | more

    with Journal(tmp_path, "part-00000", "key") as journal:
        for state in ("not_found", "robots", "fetched"):
            journal.add(row(state))
        journal.add(row("not_found", asked=2))
        assert [recovery.asked(row, ALL) for row in journal.rows()] == [1, 3, 3, 2]
    assert recovery.asked(None, ALL) == 0


def test_archives_of_the_user_need_no_contact(crawled: Crawled, tmp_path: Path) -> None:
    crawled.link(["http://example.com/"])
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc_record("http://example.com/", b"<p>x", "2014-02-19T00:00:00Z"))
    crawl_checks.contact(crawled.recipe(sources=[f"warc:{path}"]), ["http://example.com/"])
    row = crawled.crawl(sources=[f"warc:{path}"], allow_private=False)["http://example.com/"]
    assert (row["state"], row["source"]) == ("fetched", "warc")
