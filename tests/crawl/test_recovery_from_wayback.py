import gzip
import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from threading import Event
from urllib.parse import parse_qs

import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.crawl.archive_site import COLUMNS, ArchiveSite
from tests.crawl.loopback import Crawled, Page, Web
from webtext.crawl.archives import chosen, service
from webtext.crawl.archives.lookup import Wanted, look_up
from webtext.crawl.archives.service import Intervals
from webtext.crawl.network import Network
from webtext.crawl.warc import read_response

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)
WAYBACK = {"sources": ["live", "wayback"]}


def dead(web: Web, crawled: Crawled, count: int = 1) -> list[str]:
    site = web.site()
    urls = [site.url(f"/dead{n}") for n in range(count)]
    crawled.link(urls, first_posted=POSTED)
    return urls


def test_a_dead_page_comes_from_the_capture_nearest_to_its_first_submission(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    (url,) = dead(web, crawled)
    for timestamp in ("20120101000000", "20140302080000", "20160101000000"):
        archive.archive(url, timestamp, f"<p>as of {timestamp}".encode())
    row = crawled.crawl(**WAYBACK)[url]
    assert (row["state"], row["source"], row["http_status"]) == ("fetched", "wayback", 200)
    assert row["final_url"] == url
    assert row["captured_at"] == datetime(2014, 3, 2, 8, tzinfo=UTC)
    assert row["fetched_at"].date() >= date(2020, 1, 1)
    assert row["detail"] == "capture 2014-03-02, 12 days from the first submission"
    stored = read_response(crawled.folder, row["warc_file"], row["warc_offset"], 1000)
    assert stored.body == b"<p>as of 20140302080000"
    record = (crawled.folder / row["warc_file"]).read_bytes()[row["warc_offset"] :]
    assert len(record) == row["warc_length"]  # no request record: the site was not asked


def test_the_recovered_record_says_where_it_came_from(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", b"<p>then")
    row = crawled.crawl(**WAYBACK)[url]
    with (crawled.folder / row["warc_file"]).open("rb") as file:
        file.seek(row["warc_offset"])
        headers = next(ArchiveIterator(file)).rec_headers
    assert headers.get_header("WARC-Target-URI") == url
    assert headers.get_header("WARC-Source-URI") == f"{archive.base}/web/20140302080000id_/{url}"
    assert headers.get_header("WARC-Date").startswith("2014-03-02T08:00:00")


@pytest.mark.usefixtures("archive")
def test_a_page_that_no_archive_has_keeps_its_live_reason(web: Web, crawled: Crawled) -> None:
    (url,) = dead(web, crawled)
    row = crawled.crawl(**WAYBACK)[url]
    assert (row["state"], row["source"], row["http_status"]) == ("not_found", "live", 404)
    assert row["detail"] == "status 404; wayback: no capture"


@pytest.mark.usefixtures("archive")
def test_without_the_live_web_a_page_that_no_archive_has_has_no_capture(web: Web, crawled: Crawled) -> None:
    (url,) = dead(web, crawled)
    row = crawled.crawl(sources=["wayback"])[url]
    assert (row["state"], row["detail"], row["source"]) == ("no_capture", "wayback: no capture", "wayback")


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[[", b'{"a": 1}', b"[" * 100_000, b"[[1],[2,3]]"])
def test_a_broken_index_answer_costs_the_capture_alone(
    web: Web, crawled: Crawled, archive: ArchiveSite, body: bytes
) -> None:
    (url,) = dead(web, crawled)
    archive.first["/cdx/"] = [Page(body)]
    row = crawled.crawl(**WAYBACK)[url]
    assert row["state"] == "not_found"
    assert row["detail"].startswith("status 404; wayback: ")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Page(b"", 403), "no capture"),  # the owner had the site taken out
        (Page(b"", 400), "unavailable, status 400"),
        (Page(b"[" + b" " * 1_000_000 + b"]"), "unavailable, it broke off"),
        (Page(b'{"error": "overloaded"}'), "unavailable, an answer that is no index"),
    ],
)
def test_what_an_index_says_of_no_capture_is_told_from_no_answer(
    web: Web, crawled: Crawled, archive: ArchiveSite, answer: Page, why: str
) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", b"<p>then")
    archive.first["/cdx/"] = [answer]
    assert crawled.crawl(**WAYBACK)[url]["detail"] == f"status 404; wayback: {why}"


def test_an_index_is_asked_for_some_captures_the_nearest_first_and_may_be_compressed(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", b"<p>then")
    row = ["k", "20140302080000", url, "text/html", "200", "D", "10"]
    compressed = gzip.compress(json.dumps([COLUMNS, row]).encode())
    archive.first["/cdx"] = [Page(compressed, headers=(("Content-Encoding", "gzip"),))]
    assert crawled.crawl(**WAYBACK)[url]["state"] == "fetched"
    (asked,) = [parse_qs(hit.path) for hit in archive.hits if hit.path.startswith("/cdx/")]
    assert (asked["closest"], asked["sort"], asked["limit"]) == (["20140218120000"], ["closest"], ["10"])


def test_only_so_many_captures_of_a_page_are_tried(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    (url,) = dead(web, crawled)
    for month in range(1, 8):
        archive.archive(url, f"20140{month}02080000", b"<p>then")
    archive.first["/web/"] = [Page(b"<p>This URL has been excluded from the Wayback Machine.")] * 7
    row = crawled.crawl(**WAYBACK)[url]
    assert row["detail"] == "status 404; wayback: the capture cannot be replayed"
    assert len(archive.asked("/web/")) == 3


@pytest.mark.parametrize(
    ("hops", "seconds", "state"), [(3, 1, "fetched"), (4, 1, "not_found"), (4, 0, "not_found")]
)
def test_as_many_captured_redirects_are_followed_as_live_ones(
    web: Web, crawled: Crawled, archive: ArchiveSite, hops: int, seconds: int, state: str
) -> None:
    (url,) = dead(web, crawled)
    places = [url, *(f"{url}-{hop}" for hop in range(1, hops + 1))]
    for number, (place, target) in enumerate(pairwise(places)):
        archive.archive(
            place, f"201403020800{number * seconds:02}", status=302, headers=(("Location", target),)
        )
    archive.archive(places[-1], f"201403020800{hops * seconds:02}", b"<p>moved")
    row = crawled.crawl(**WAYBACK, max_redirects=3)[url]
    assert row["state"] == state
    assert row["redirects"] == (3 if state == "fetched" else 0)


def test_a_captured_page_that_is_too_large_is_none(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", b"<p>" + b"x" * 5000)
    row = crawled.crawl(**WAYBACK, max_bytes=2000)[url]
    assert row["detail"].startswith("status 404; wayback: too_large")


def test_a_rate_limited_archive_is_asked_again_after_the_wait(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", b"<p>then")
    archive.first["/cdx/"] = [Page(b"slow down", 429)]
    assert crawled.crawl(**WAYBACK)[url]["state"] == "fetched"
    first, second = [hit.started for hit in archive.hits if hit.path.startswith("/cdx/")]
    assert second - first >= service.RATE_LIMITED_S


def test_an_archive_that_stays_away_is_given_up(
    web: Web, crawled: Crawled, archive: ArchiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TRIES", 1)
    urls = dead(web, crawled, 40)
    archive.first["/cdx/"] = [Page(b"", 503) for _ in range(1000)]
    rows = crawled.crawl(**WAYBACK, per_host_delay_s=0.0)
    assert service.GIVE_UP_AFTER <= len(archive.hits) <= service.GIVE_UP_AFTER + 4
    assert {rows[url]["detail"] for url in urls} <= {
        "status 404; wayback: unavailable, status 503",
        "status 404; wayback: unavailable, given up after failures",
    }


def test_a_capture_of_a_redirect_leads_to_the_page_of_then(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    (url,) = dead(web, crawled)
    target = url + "-moved?id=1"
    archive.archive(url, "20140302080000", status=301, headers=(("Location", target),))
    archive.archive(target, "20140304090000", b"<p>moved")
    row = crawled.crawl(**WAYBACK)[url]
    assert (row["state"], row["final_url"], row["redirects"]) == ("fetched", target, 1)
    assert row["captured_at"] == datetime(2014, 3, 4, 9, tzinfo=UTC)


def test_captured_redirects_in_a_circle_end(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", status=302, headers=(("Location", url),))
    row = crawled.crawl(**WAYBACK)[url]
    assert row["detail"] == "status 404; wayback: too many redirects"


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/", "/save/http://a.test/", "//evil.test/x", "file:///etc/passwd"]
)
def test_a_redirect_out_of_the_archive_is_not_followed(
    web: Web, crawled: Crawled, archive: ArchiveSite, location: str
) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", b"<p>then")
    archive.first["/web/"] = [Page(b"", 302, (("Location", location),))]
    assert crawled.crawl(**WAYBACK)[url]["detail"] == "status 404; wayback: a redirect out of the archive"
    assert len(archive.asked("/web/")) == 1


def test_a_capture_that_cannot_be_replayed_is_followed_by_the_next_nearest(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140218000000", b"<p>nearest")
    archive.archive(url, "20140302080000", b"<p>next")
    archive.first["/web/"] = [Page(b"<p>This URL has been excluded from the Wayback Machine.")]
    row = crawled.crawl(**WAYBACK)[url]
    assert (row["state"], row["captured_at"].month) == ("fetched", 3)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<p>then", (("X-Robots-Tag", "noai"),)),
        (b'<meta name="robots" content="noai"><p>then', ()),
        (b"<p>then", (("Content-Usage", "train-ai=n"),)),
    ],
)
def test_an_archived_opt_out_is_honoured_and_no_other_capture_is_tried(
    web: Web, crawled: Crawled, archive: ArchiveSite, body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    (url,) = dead(web, crawled)
    archive.archive(url, "20140302080000", body, headers=(("Content-Type", "text/html"), *headers))
    archive.archive(url, "20150302080000", b"<p>without")
    row = crawled.crawl(**WAYBACK)[url]
    assert (row["state"], row["source"]) == ("opted_out", "wayback")
    assert len(archive.asked("/web/")) == 1
    warcs = b"".join(path.read_bytes() for path in (crawled.folder / "warc").iterdir())
    assert b"<p>then" not in warcs


@pytest.mark.parametrize("page", [Page(b"no", 403), Page(b"<p>x", headers=(("X-Robots-Tag", "noai"),))])
def test_a_live_refusal_is_not_got_round(
    web: Web, crawled: Crawled, archive: ArchiveSite, page: Page
) -> None:
    site = web.site(a=page)
    crawled.crawl([site.url("/a")], **WAYBACK)
    assert archive.hits == []


def test_robots_txt_is_not_got_round(web: Web, crawled: Crawled, archive: ArchiveSite) -> None:
    site = web.site(a=Page())
    site.pages["/robots.txt"] = Page(b"User-agent: *\nDisallow: /", headers=(("Content-Type", "text/plain"),))
    assert crawled.crawl([site.url("/a")], **WAYBACK)[site.url("/a")]["state"] == "robots"
    assert archive.hits == []


def test_between_two_questions_to_the_index_lies_its_interval(
    web: Web, crawled: Crawled, archive: ArchiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen, "INTERVALS", Intervals(0.3, 0.0, 0.0, 0.0))
    urls = dead(web, crawled, 6)
    for url in urls:
        archive.archive(url, "20140302080000", b"<p>then")
    crawled.crawl(**WAYBACK)
    starts = sorted(hit.started for hit in archive.hits if hit.path.startswith("/cdx/"))
    assert len(starts) == 6
    assert starts[-1] - starts[0] > 4 * 0.3  # of five intervals: a busy machine hears some questions late


@pytest.mark.parametrize("settings", [{}, {"proxy": "http://127.0.0.1:9"}])
def test_archives_are_held_to_the_rules_for_addresses(
    crawled: Crawled, archive: ArchiveSite, settings: dict[str, str]
) -> None:
    recipe = crawled.recipe(allow_private=False, **settings)
    network = Network(recipe.crawl)
    archives = chosen.open_archives(["wayback", "commoncrawl"], network, crawled.folder, {}, Event())
    found = look_up(Wanted(0, "id", "http://example.com/", POSTED), archives, recipe.crawl)
    network.close()
    assert found.verdict is None
    assert all("port: port" in note or "private_address" in note for note in found.notes)
    assert archive.hits == []


def test_archives_are_not_told_of_private_hosts(crawled: Crawled, archive: ArchiveSite) -> None:
    url = "http://10.0.0.1/secret"
    row = crawled.crawl([url], sources=["wayback"], allow_private=False)[url]
    assert row["state"] == "private_address"
    assert archive.hits == []


def test_a_link_without_a_time_takes_the_latest_capture(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    site = web.site()
    url = site.url("/dead")
    archive.archive(url, "20140302080000", b"<p>old")
    archive.archive(url, "20190302080000", b"<p>new")
    row = crawled.crawl([url], **WAYBACK)[url]
    assert row["detail"] == "capture 2019-03-02"
    assert row["captured_at"] > POSTED + timedelta(days=1000)


def test_a_capture_whose_url_has_a_line_break_is_not_taken(
    web: Web, crawled: Crawled, archive: ArchiveSite
) -> None:
    (url,) = dead(web, crawled)
    row = ["k", "20140302080000", f"{url}\r\nX-Smuggled: y", "text/html", "200", "D", "10"]
    archive.first["/cdx"] = [Page(json.dumps([COLUMNS, row]).encode())]
    assert "wayback: no capture" in crawled.crawl(**WAYBACK)[url]["detail"]
