"""The mini web is an HTTP proxy on loopback, seen here through real sockets."""

import gzip
import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from data.miniweb import MiniWeb, Page, Proxy, serve

HTML = (("Content-Type", "text/html"),)
HELLO = b"<p>hello</p>"
PAGES = {
    "http://a.com/hello?to=you": Page(200, HTML, HELLO),
    "http://a.com/": Page(200, HTML, b"front page"),
    "http://a.com/gone": Page(410, HTML, b"gone"),
    "http://a.com/moved": Page(301, (*HTML, ("Location", "/hello?to=you")), b""),
    "http://a.com/chunks": Page(200, HTML, b"x" * 5_000, behaviour="chunked"),
    "http://a.com/small": Page(200, (*HTML, ("Content-Encoding", "gzip")), gzip.compress(HELLO)),
    "http://a.com/cut": Page(200, HTML, b"y" * 5_000, behaviour="cut"),
    "http://a.com/slow": Page(200, HTML, HELLO, delay_s=0.4),
    "http://a.com/endless": Page(200, HTML, b"abc", behaviour="trickle"),
}


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with serve(MiniWeb(PAGES, [], [])) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": proxy.address}
        yield session


def connection_to(proxy: Proxy) -> http.client.HTTPConnection:
    parts = urlsplit(proxy.address)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)


def test_a_page_is_found_by_its_address(client: requests.Session) -> None:
    answer = client.get("http://a.com/hello?to=you")
    assert (answer.status_code, answer.content) == (200, HELLO)
    assert answer.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("url", ["http://A.com/", "http://a.com:80", "http://a.com/#part"])
def test_every_spelling_of_an_address_finds_the_page(client: requests.Session, url: str) -> None:
    assert client.get(url).content == b"front page"


def test_a_path_that_the_host_does_not_have_is_not_found(client: requests.Session) -> None:
    assert client.get("http://a.com/robots.txt").status_code == 404


def test_a_host_that_nobody_has_is_a_bad_gateway(client: requests.Session) -> None:
    answer = client.get("http://nobody.com/")
    assert (answer.status_code, answer.headers["X-Proxy-Error"]) == (502, "dns")


def test_statuses_and_redirects_are_passed_on(client: requests.Session) -> None:
    assert client.get("http://a.com/gone").status_code == 410
    assert client.get("http://a.com/moved").url == "http://a.com/hello?to=you"


def test_a_chunked_page_is_whole(client: requests.Session) -> None:
    answer = client.get("http://a.com/chunks")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.content == b"x" * 5_000


def test_a_compressed_page_is_decoded_by_its_reader(client: requests.Session) -> None:
    assert client.get("http://a.com/small").content == HELLO


def test_a_page_that_breaks_off_is_shorter_than_it_says(client: requests.Session) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="2500 bytes read"):
        client.get("http://a.com/cut")


def test_a_slow_page_takes_its_time(client: requests.Session) -> None:
    start = time.monotonic()
    assert client.get("http://a.com/slow").content == HELLO
    assert time.monotonic() - start >= 0.4


def test_a_page_that_never_ends_sends_a_byte_now_and_then(client: requests.Session) -> None:
    start = time.monotonic()
    content = client.get("http://a.com/endless", stream=True).iter_content(1)
    assert [next(content), next(content)] == [b"a", b"b"]
    assert time.monotonic() - start >= 0.9


def test_one_connection_serves_many_requests(proxy: Proxy) -> None:
    connection = connection_to(proxy)
    for _ in range(3):
        connection.request("GET", "http://a.com/hello?to=you")
        assert connection.getresponse().read() == HELLO
        assert connection.sock is not None
    connection.close()


def test_a_head_request_gets_no_body(client: requests.Session) -> None:
    answer = client.head("http://a.com/chunks")
    assert (answer.status_code, answer.content) == (200, b"")


def test_tunnels_are_refused(proxy: Proxy) -> None:
    connection = connection_to(proxy)
    connection.request("CONNECT", "a.com:443")
    assert connection.getresponse().status == 405
    connection.close()


def test_a_request_that_is_not_for_a_proxy_is_a_bad_one(proxy: Proxy) -> None:
    assert requests.get(f"{proxy.address}/hello", timeout=5).status_code == 400


def test_requests_are_written_down() -> None:
    with serve(MiniWeb(PAGES, [], [])) as proxy:
        before = time.monotonic()
        requests.get("http://a.com/hello?to=you", proxies={"http": proxy.address}, timeout=5)
        request = proxy.requests[0]
    assert (request.host, request.path) == ("a.com", "/hello?to=you")
    assert before <= request.time <= time.monotonic()


def test_closing_is_quick_even_with_clients_that_hang_on() -> None:
    with serve(MiniWeb(PAGES, [], [])) as proxy:
        slow = requests.get("http://a.com/endless", proxies={"http": proxy.address}, stream=True, timeout=5)
        idle = connection_to(proxy)
        idle.connect()
        start = time.monotonic()
    assert time.monotonic() - start < 0.5
    slow.close()
    idle.close()


def test_sixty_four_clients_at_once_get_their_pages(web: MiniWeb) -> None:
    urls = [p.url for p in web.planted if p.kind == "article"]
    with serve(web) as proxy, requests.Session() as session, ThreadPoolExecutor(64) as threads:
        session.trust_env = False
        session.proxies = {"http": proxy.address}
        bodies = list(threads.map(lambda url: session.get(url, timeout=20).content, urls))
    assert bodies == [web.pages[url].body for url in urls]
