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
