"""When robots.txt is asked for, and what its answers mean for the pages (RFC 9309 §2.3.1)."""

import gzip
import socket
import time

import pytest

from tests.crawl.loopback import Crawled, Page, Web

DISALLOW = b"user-agent: *\ndisallow: /"
TEXT = (("Content-Type", "text/plain"),)


def state_with(web: Web, crawled: Crawled, answer: Page | list[Page], **settings: object) -> str:
    site = web.site(page=Page())
    site.pages["/robots.txt"] = answer
    row = crawled.crawl([site.url("/page")], **settings)[site.url("/page")]
    assert ("/page" in site.paths()) == (row["state"] == "fetched")
    return str(row["state"])


@pytest.mark.parametrize(
    ("robots", "state"),
    [
        (Page(DISALLOW, headers=TEXT), "robots"),
        (Page(DISALLOW, headers=()), "robots"),
        (Page(gzip.compress(DISALLOW), headers=(("Content-Encoding", "gzip"),)), "robots"),
        (Page(b"user-agent: *\nallow: /", headers=TEXT), "fetched"),
        (Page(b"<html>not robots</html>"), "fetched"),
        (Page(bytes(range(256)) * 100, headers=TEXT), "fetched"),
        (Page(DISALLOW, 404), "fetched"),
        (Page(DISALLOW, 403), "fetched"),
        (Page(DISALLOW, 304), "fetched"),
        (Page(DISALLOW, 302), "fetched"),
        (Page(b"", 302, (("Location", "/robots.txt"),)), "fetched"),
        (Page(b"", 302, (("Location", "ftp://x/"),)), "fetched"),
        (Page(b"\x1f\x8b garbage", headers=(("Content-Encoding", "gzip"),)), "robots_unreachable"),
        (Page(b"", 302, (("Location", "http://127.0.0.1:1/"),)), "robots_unreachable"),
        (Page(b"", 500), "robots_unreachable"),
        (Page(b"", 503), "robots_unreachable"),
        (Page(b"", 429), "robots_unreachable"),
        (Page(DISALLOW, delay_s=1.5), "robots_unreachable"),
        (Page(b"user-agent: *\ncontent-usage: train-ai=n", headers=TEXT), "opted_out"),
        (Page(b"#" * 600_000 + b"\n" + DISALLOW, headers=TEXT), "fetched"),
        (Page(DISALLOW + b"\n" + b"#" * 600_000, headers=TEXT), "robots"),
    ],
)
def test_the_answer_decides(web: Web, crawled: Crawled, robots: Page, state: str) -> None:
    assert state_with(web, crawled, robots, timeout_s=1.0) == state


def test_a_failure_is_tried_again(web: Web, crawled: Crawled) -> None:
    assert state_with(web, crawled, [Page(b"", 500), Page(b"", 404)], retries=1) == "fetched"


@pytest.mark.parametrize("wait_s", [0.0, 9.0], ids=["closed", "no end"])
def test_robots_that_break_off_forbid_everything(web: Web, crawled: Crawled, wait_s: float) -> None:
    def script(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nuser-agent: *")
        time.sleep(wait_s)

    url = web.raw(script).url("/page")
    row = crawled.crawl([url], timeout_s=1.0)[url]
    assert (row["state"], row["detail"]) == ("robots_unreachable", "it broke off")


def test_it_is_asked_for_once_and_before_any_page(web: Web, crawled: Crawled) -> None:
    site = web.site(**{f"p{n}": Page() for n in range(5)})
    crawled.crawl([site.url(f"/p{n}") for n in range(5)], per_host_connections=3)
    assert site.paths()[0] == "/robots.txt"
    assert site.paths().count("/robots.txt") == 1
    assert len(site.hits) == 7  # with tdmrep.json


def test_it_may_lie_on_another_host(web: Web, crawled: Crawled) -> None:
    other = web.site()
    other.pages["/elsewhere"] = Page(DISALLOW, headers=TEXT)
    assert state_with(web, crawled, Page(b"", 301, (("Location", other.url("/elsewhere")),))) == "robots"


def test_five_redirects_are_followed_and_no_more(web: Web, crawled: Crawled) -> None:
    chain = {f"/r{n}": Page(b"", 302, (("Location", f"/r{n + 1}"),)) for n in range(9)}
    site = web.site(page=Page())
    site.pages |= chain | {"/robots.txt": chain["/r0"], "/r5": Page(DISALLOW, headers=TEXT)}
    far = web.site(page=Page())
    far.pages |= chain | {"/robots.txt": chain["/r0"], "/r6": Page(DISALLOW, headers=TEXT)}
    rows = crawled.crawl([site.url("/page"), far.url("/page")])
    assert rows[site.url("/page")]["state"] == "robots"
    assert rows[far.url("/page")]["state"] == "fetched"


def test_a_redirect_to_another_host_asks_that_hosts_robots(web: Web, crawled: Crawled) -> None:
    target = web.site(page=Page())
    target.pages["/robots.txt"] = Page(DISALLOW, headers=TEXT)
    site = web.site(page=Page(b"", 301, (("Location", target.url("/page")),)))
    row = crawled.crawl([site.url("/page")])[site.url("/page")]
    assert (row["state"], row["final_url"], row["redirects"]) == ("robots", target.url("/page"), 1)
    assert target.paths() == ["/robots.txt"]


def test_only_the_disallowed_pages_are_left_out(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page())
    site.pages["/robots.txt"] = Page(b"user-agent: webtext\ndisallow: /a", headers=TEXT)
    rows = crawled.crawl([site.url("/a"), site.url("/b")])
    assert [rows[site.url(path)]["state"] for path in ("/a", "/b")] == ["robots", "fetched"]


def test_the_recipe_can_do_without(web: Web, crawled: Crawled) -> None:
    assert state_with(web, crawled, Page(DISALLOW, headers=TEXT), robots=False) == "fetched"


def test_opt_outs_can_be_left_to_others(web: Web, crawled: Crawled) -> None:
    site = web.site(page=Page(headers=(("Content-Type", "text/html"), ("X-Robots-Tag", "noai"))))
    assert crawled.crawl([site.url("/page")], opt_outs=False)[site.url("/page")]["state"] == "fetched"


def test_a_dead_host_is_told_apart_from_one_without_robots(crawled: Crawled) -> None:
    urls = ["http://no-such-name.invalid/x", "http://127.0.0.1:1/x"]
    assert [crawled.crawl(urls)[url]["state"] for url in urls] == ["dns", "unreachable"]
