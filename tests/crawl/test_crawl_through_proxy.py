"""A crawl through `crawl.proxy`: names are the proxy's business, and the proxy may be where it likes."""

import os
import socket
from pathlib import Path

import pytest

from tests.crawl.loopback import Crawled, Page, Web
from webtext.corpus import Corpus
from webtext.errors import RunFailed
from webtext.recipe import Recipe
from webtext.sections import Crawl


def test_pages_of_made_up_hosts_come_through_the_proxy(web: Web, crawled: Crawled) -> None:
    proxy = web.site()
    proxy.pages |= {
        "http://news.example/a": Page(b"<p>news"),
        "http://blog.example/b": Page(b"", 302, (("Location", "http://news.example/a"),)),
    }
    rows = crawled.crawl(
        ["http://news.example/a", "http://blog.example/b"], proxy=proxy.base, allow_private=False
    )
    assert {row["state"] for row in rows.values()} == {"fetched"}
    assert rows["http://blog.example/b"]["final_url"] == "http://news.example/a"
    assert "http://news.example/robots.txt" in proxy.paths()
    assert {hit.headers["Host"] for hit in proxy.hits} == {"news.example", "blog.example"}


def test_a_redirect_to_a_private_address_is_not_passed_on(web: Web, crawled: Crawled) -> None:
    proxy = web.site()
    proxy.pages["http://news.example/a"] = Page(b"", 302, (("Location", "http://0x7f000001/x"),))
    row = crawled.crawl(["http://news.example/a"], proxy=proxy.base, allow_private=False)[
        "http://news.example/a"
    ]
    assert row["state"] == "private_address"
    assert not any("7f" in path or "127" in path for path in proxy.paths())


def test_https_goes_through_a_tunnel(web: Web, crawled: Crawled) -> None:
    asked: list[bytes] = []

    def script(client: socket.socket) -> None:
        asked.append(client.recv(65536))
        client.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

    proxy = web.raw(script, tls=True)
    url = "https://news.example/a"
    row = crawled.crawl([url], proxy=proxy.base.replace("https", "http"), allow_private=False)[url]
    assert (row["state"], row["detail"]) == ("unreachable", "the proxy refused the tunnel")
    assert any(head.startswith(b"CONNECT news.example:443 HTTP/1.") for head in asked)  # and a first knock


def test_a_proxy_that_does_not_answer_is_no_links_fault(crawled: Crawled) -> None:
    with pytest.raises(RunFailed, match=r"crawl\.proxy.*connection refused"):
        crawled.crawl(["http://news.example/a"], proxy="http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("proxy", "readers"), [("http://me:secret@a.example:8080", 0), ("http://a.example:8080", 0o44)]
)
def test_a_recipe_with_a_proxys_password_is_for_its_owner_alone(
    tmp_path: Path, proxy: str, readers: int
) -> None:
    before = os.umask(0o022)
    try:
        Corpus(tmp_path).freeze(Recipe(crawl=Crawl(proxy=proxy)))
    finally:
        os.umask(before)
    assert Corpus(tmp_path).recipe().crawl.proxy == proxy
    assert (tmp_path / "recipe.toml").stat().st_mode & 0o77 == readers
