import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.crawl.archive_site import ArchiveSite
from tests.crawl.loopback import Crawled, Page, Web
from webtext.crawl.archives import service
from webtext.crawl.warc import read_response

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)


@pytest.fixture
def url(web: Web, crawled: Crawled) -> str:
    url = web.site().url("/dead?a=b&c")
    crawled.link([url], first_posted=POSTED)
    return url


def row_of(crawled: Crawled, url: str) -> dict[str, Any]:
    return crawled.crawl(sources=["live", "commoncrawl"])[url]


def test_a_dead_page_comes_from_the_crawl_nearest_in_time(
    crawled: Crawled, archive: ArchiveSite, url: str
) -> None:
    archive.crawl("2016-07", url, "20160216000000", b"<p>2016")
    line = archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    archive.crawl("2013-20", url, "20130520000000", b"<p>2013")
    row = row_of(crawled, url)
    assert (row["state"], row["source"], row["final_url"]) == ("fetched", "commoncrawl", url)
    assert row["captured_at"] == datetime(2014, 3, 12, tzinfo=UTC)
    assert row["detail"] == "capture 2014-03-12, 22 days from the first submission"
    stored = read_response(crawled.folder, row["warc_file"], row["warc_offset"], 1000)
    assert stored.body == b"<p>2014"
    ranges = [hit.headers["Range"] for hit in archive.hits if hit.path.startswith("/crawl-data/")]
    assert ranges == [f"bytes={line['offset']}-{int(line['offset']) + int(line['length']) - 1}"]


def test_the_next_crawls_are_asked_when_the_nearest_has_no_page(
    crawled: Crawled, archive: ArchiveSite, url: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"gone", status=404)
    archive.crawl("2014-15", "http://other.test/", "20140412000000", b"<p>other")
    archive.crawl("2014-23", url, "20140612000000", b"<p>june")
    assert row_of(crawled, url)["captured_at"].month == 6
    assert len(archive.asked("/CC-MAIN")) == 3


def listed(**crawls: dict[str, str]) -> Page:
    """A list of crawls, by the weeks in their names."""
    names = {f"CC-MAIN-{week[1:].replace('_', '-')}": dates for week, dates in crawls.items()}
    return Page(
        json.dumps([{"id": name, "cdx-api": f"x/{name}-index"} | d for name, d in names.items()]).encode()
    )


@pytest.mark.parametrize(
    ("during", "after"),
    [
        (
            {"from": "2014-01-01T00:00:00", "to": "2014-02-28T00:00:00"},
            {"from": "2014-02-20T00:00:00", "to": "2014-03-10T00:00:00"},
        ),
        ({}, {}),  # the weeks in their names serve
    ],
)
def test_a_crawl_that_was_under_way_is_nearer_than_one_that_began_soon_after(
    crawled: Crawled, archive: ArchiveSite, url: str, during: dict[str, str], after: dict[str, str]
) -> None:
    archive.crawl("2014-07", url, "20140226000000", b"<p>during")
    archive.crawl("2014-09", url, "20140301000000", b"<p>after")
    crawls = listed(_2014_09=after, _2014_07=during, _2014_99={}, _2009_2010={})  # the last say no time
    archive.first["/collinfo.json"] = [crawls]
    assert row_of(crawled, url)["captured_at"].day == 26
    assert len(archive.asked("/CC-MAIN")) == 1


def test_the_list_of_crawls_is_asked_for_once(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    site = web.site()
    urls = [site.url(f"/dead{number}") for number in range(3)]
    crawled.link(urls, first_posted=POSTED)
    archive.crawl("2014-10", "http://other.test/", "20140312000000", b"<p>other")
    crawled.crawl(sources=["live", "commoncrawl"])
    assert (len(archive.asked("/collinfo")), len(archive.asked("/CC-MAIN"))) == (1, 3)


@pytest.mark.parametrize("path", ["/collinfo.json", "/CC-MAIN"])
@pytest.mark.parametrize(
    ("answer", "why"),
    [(Page(b"", 400), "status 400"), (Page(b"[" + b" " * 4_000_000 + b"]"), "it broke off")],
)
def test_an_answer_of_no_use_is_not_taken_for_none(
    crawled: Crawled, archive: ArchiveSite, url: str, path: str, answer: Page, why: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    archive.first[path] = [answer]
    assert row_of(crawled, url)["detail"] == f"status 404; commoncrawl: unavailable, {why}"


def test_an_index_may_answer_compressed_and_a_record_is_asked_for_as_it_is(
    crawled: Crawled, archive: ArchiveSite, url: str
) -> None:
    line = archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    coded = gzip.compress(json.dumps(line).encode())
    archive.first["/CC-MAIN"] = [Page(coded, headers=(("Content-Encoding", "gzip"),))]
    assert row_of(crawled, url)["state"] == "fetched"
    (record,) = [hit for hit in archive.hits if hit.path.startswith("/crawl-data/")]
    assert record.headers["Accept-Encoding"] == "identity"


def test_a_record_whose_page_is_too_large_is_not_said_to_be_damaged(
    crawled: Crawled, archive: ArchiveSite, url: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>" + b"x" * 5000)
    row = crawled.crawl(sources=["live", "commoncrawl"], max_bytes=2000)[url]
    assert row["detail"].startswith("status 404; commoncrawl: too_large")


def test_only_so_many_crawls_are_asked_for_a_page(crawled: Crawled, archive: ArchiveSite, url: str) -> None:
    for week in range(10, 30):
        archive.crawl(f"2014-{week}", "http://other.test/", "20140312000000", b"<p>other")
    row = row_of(crawled, url)
    assert row["detail"] == "status 404; commoncrawl: no capture"
    assert len(archive.asked("/CC-MAIN")) == 3
    assert len(archive.asked("/collinfo")) == 1


@pytest.mark.parametrize("body", [b"<html>", b"{", b'"x"', b'[{"id": 1}]', b"[" * 100_000, b"[3]", b"[null]"])
def test_a_broken_list_of_crawls_costs_the_capture_alone(
    crawled: Crawled, archive: ArchiveSite, url: str, body: bytes
) -> None:
    archive.first["/collinfo.json"] = [Page(body)]
    row = row_of(crawled, url)
    assert row["state"] == "not_found"
    assert row["detail"].startswith("status 404; commoncrawl: ")


@pytest.mark.parametrize("body", [b"[]", b"{}"])
def test_an_empty_list_of_crawls_is_none_now(
    crawled: Crawled, archive: ArchiveSite, url: str, body: bytes
) -> None:
    archive.first["/collinfo.json"] = [Page(body)]
    assert row_of(crawled, url)["detail"] == "status 404; commoncrawl: unavailable, an empty list of crawls"


@pytest.mark.parametrize("path", ["/collinfo.json", "/CC-MAIN", "/crawl-data"])
def test_who_is_blocked_does_not_take_that_for_an_answer(
    crawled: Crawled, archive: ArchiveSite, url: str, path: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    archive.first[path] = [Page(b"", 403)] * service.TRIES
    assert row_of(crawled, url)["detail"] == "status 404; commoncrawl: unavailable, status 403"


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"status": "200"', b"7\n", b'{"timestamp": "20140312000000", "status": "200"}\n']
)
def test_a_broken_index_answer_costs_the_capture_alone(
    crawled: Crawled, archive: ArchiveSite, url: str, body: bytes
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    archive.first["/CC-MAIN"] = [Page(body)]
    assert (
        row_of(crawled, url)["detail"] == "status 404; commoncrawl: unavailable, an answer that is no index"
    )


@pytest.mark.parametrize("name", ["url", "timestamp", "filename", "offset", "length"])
def test_a_line_that_lacks_something_costs_no_other(
    crawled: Crawled, archive: ArchiveSite, url: str, name: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    del archive.crawl("2014-10", url, "20140313000000", b"<p>later")[name]
    assert row_of(crawled, url)["captured_at"] == datetime(2014, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize("path", ["/collinfo.json", "/CC-MAIN", "/crawl-data"])
def test_a_rate_limited_service_is_asked_again_after_the_wait(
    crawled: Crawled, archive: ArchiveSite, url: str, path: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    archive.first[path] = [Page(b"", 429)]
    assert row_of(crawled, url)["state"] == "fetched"
    first, second = [hit.started for hit in archive.hits if hit.path.startswith(path)]
    assert second - first >= service.RATE_LIMITED_S


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"length": "9"}, "the record is damaged"),
        ({"length": "100000"}, "the record is cut short"),
        ({"length": "99999999999"}, "the record is too large"),
        ({"length": "-1"}, "the record is too large"),
        ({"offset": "1"}, "the record is damaged"),
        ({"digest": "A" * 32}, "the record's digest is wrong"),
        ({"filename": "../../etc/passwd"}, "status 404"),
        ({"filename": "a\r\nX-Smuggled: y"}, "status 404"),
        ({"url": "http://a.test/\r\nX-Smuggled: y"}, "unavailable, an answer that is no index"),
        ({"filename": "http://169.254.169.254/latest"}, "status 404"),
    ],
)
def test_an_index_line_that_points_to_nothing_good_costs_the_capture_alone(
    crawled: Crawled, archive: ArchiveSite, url: str, change: dict[str, str], why: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>2014").update(change)
    row = row_of(crawled, url)
    assert row["state"] == "not_found"
    assert row["detail"].startswith(f"status 404; commoncrawl: {why}")


def test_a_host_that_ignores_the_range_is_not_read_on(
    crawled: Crawled, archive: ArchiveSite, url: str
) -> None:
    archive.crawl("2014-10", url, "20140312000000", b"<p>2014")
    archive.first["/crawl-data"] = [Page(b"x" * 5_000_000)]
    assert row_of(crawled, url)["detail"] == "status 404; commoncrawl: status 200"
