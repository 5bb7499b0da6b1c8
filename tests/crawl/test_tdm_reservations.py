"""An origin's tdmrep.json: what its rules match, when it is asked for, and what counts more than it."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crawl.loopback import HTML, Crawled, Page, Web
from webtext.crawl.tdmrep import PATH, parse
from webtext.crawl.warc import read_response

ORIGIN = "https://a.example"
JSON = (("Content-Type", "application/json"),)


def rule(location: str, value: object = 1) -> dict[str, object]:
    return {"location": location, "tdm-reservation": value}


def file(*rules: dict[str, object]) -> Page:
    return Page(json.dumps(rules).encode(), headers=JSON)


@pytest.mark.parametrize(
    ("rules", "path", "reserved"),
    [
        ([rule("/")], "/any?thing", True),
        ([rule("/*")], "/any", True),
        ([rule("*")], "/any", True),
        ([rule("/", 0)], "/any", False),
        ([rule("/", "1")], "/any", True),
        ([rule("/", 2)], "/any", False),
        ([], "/any", False),
        ([rule("/news/")], "/news/1", True),
        ([rule("/news/")], "/News/1", False),
        ([rule("/open/", 0), rule("/")], "/open/x", False),
        ([rule("/"), rule("/open/", 0)], "/open/x", True),
        ([rule("/*.html$")], "/a/b.html", True),
        ([rule("/*.html$")], "/a/b.html?x", False),
        ([rule("/a*b*b$")], "/ab", False),
        ([rule("/exactly$")], "/exactly", True),
        ([rule("/exactly$")], "/exactly/not", False),
        ([rule("/%7Ejoe")], "/~joe", True),
        ([rule("/%")], "/%", True),
        ([rule(ORIGIN)], "/any", True),
        ([rule(f"{ORIGIN}/news")], "/news/1", True),
        ([rule("http://a.example/news")], "/news/1", True),
        ([rule("https://b.example/")], "/any", False),
        ([7, None, "x", {"location": 5, "tdm-reservation": 1}, rule("/")], "/any", True),
        ({"tdm-reservation": 1}, "/any", True),
        ("1", "/any", False),
    ],
)
def test_the_first_rule_that_matches_counts(rules: object, path: str, reserved: bool) -> None:
    assert parse(json.dumps(rules).encode(), ORIGIN).reserves(ORIGIN + path) is reserved


@given(st.binary(max_size=200), st.text(max_size=50))
def test_any_bytes_are_a_file_and_any_pattern_a_rule(body: bytes, pattern: str) -> None:
    parse(body, ORIGIN).reserves(ORIGIN)
    parse(json.dumps([rule(pattern)]).encode(), ORIGIN).reserves(f"{ORIGIN}/x")


@pytest.mark.parametrize("body", [b"[" * 400_000, json.dumps([rule("/" + "*a" * 20 + "$")] * 5000).encode()])
def test_a_hostile_file_is_read_and_matched_in_a_moment(body: bytes) -> None:
    started = time.thread_time()
    parse(body, ORIGIN).reserves(ORIGIN + "/" + "a" * 2000)
    assert time.thread_time() - started < 2


def test_a_reserved_page_is_opted_out_and_only_its_head_kept(web: Web, crawled: Crawled) -> None:
    site = web.site(secret=Page(b"<p>mine"), public=Page())
    site.pages[PATH] = file(rule("/secret"))
    rows = crawled.crawl([site.url("/secret"), site.url("/public")])
    secret = rows[site.url("/secret")]
    assert (secret["state"], secret["detail"]) == ("opted_out", "tdmrep.json: tdm-reservation 1")
    assert read_response(crawled.folder, secret["warc_file"], secret["warc_offset"], 99).body == b""
    assert rows[site.url("/public")]["state"] == "fetched"
    assert site.paths()[:2] == ["/robots.txt", PATH]
    assert len(site.hits) == 4


@pytest.mark.parametrize(
    ("header", "meta", "state"),
    [
        (None, None, "opted_out"),
        ("0", None, "fetched"),
        (None, "0", "fetched"),
        ("1", "0", "fetched"),
        ("0", "1", "opted_out"),
    ],
)
def test_the_page_itself_counts_more_than_the_file(
    web: Web, crawled: Crawled, header: str | None, meta: str | None, state: str
) -> None:
    body = f'<meta name="tdm-reservation" content="{meta}"><p>x' if meta else "<p>x"
    site = web.site(
        page=Page(body.encode(), headers=(*HTML, *([("tdm-reservation", header)] if header else [])))
    )
    site.pages[PATH] = file(rule("/"))
    assert crawled.crawl([site.url("/page")])[site.url("/page")]["state"] == state


@pytest.mark.parametrize(
    "answer",
    [
        *(Page(b"", 404), Page(b"", 500), Page(b"<html>", 200), Page(b"", 302, (("Location", PATH),))),
        *(Page(b" " * 600_000 + b"[]", headers=JSON), Page(delay_s=1.5)),
    ],
)
def test_a_file_that_cannot_be_had_reserves_nothing(web: Web, crawled: Crawled, answer: Page) -> None:
    site = web.site(page=Page())
    site.pages[PATH] = answer
    row = crawled.crawl([site.url("/page")], timeout_s=1.0, retries=2)[site.url("/page")]
    assert (row["state"], row["attempts"]) == ("fetched", 1)
    assert site.paths().count(PATH) == (6 if answer.status == 302 else 1)


def test_a_host_that_asks_to_come_back_is_asked_again_then(web: Web, crawled: Crawled) -> None:
    site = web.site(page=Page())
    site.pages[PATH] = [Page(b"", 503, (("Retry-After", "1"),)), file(rule("/"))]
    rows = crawled.crawl([site.url("/page")], retries=1)
    assert rows[site.url("/page")]["state"] == "opted_out"
    assert site.gaps_s()[1] >= 0.99


def test_a_redirect_leads_to_the_file(web: Web, crawled: Crawled) -> None:
    site = web.site(page=Page())
    site.pages |= {PATH: Page(b"", 301, (("Location", "/tdm"),)), "/tdm": file(rule("/page"))}
    assert crawled.crawl([site.url("/page")])[site.url("/page")]["state"] == "opted_out"


def test_it_is_asked_for_without_robots_too_but_not_where_opt_outs_are_left_to_others(
    web: Web, crawled: Crawled
) -> None:
    site, other = web.site(page=Page()), web.site(page=Page())
    crawled.crawl([site.url("/page")], robots=False)
    crawled.crawl([other.url("/page")], opt_outs=False)
    assert site.paths() == [PATH, "/page"]
    assert other.paths() == ["/robots.txt", "/page"]


def test_robots_that_forbid_the_file_are_obeyed(web: Web, crawled: Crawled) -> None:
    site = web.site(page=Page())
    site.pages["/robots.txt"] = Page(b"user-agent: *\ndisallow: /.well-known/")
    assert crawled.crawl([site.url("/page")])[site.url("/page")]["state"] == "fetched"
    assert PATH not in site.paths()
