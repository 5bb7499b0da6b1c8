"""Servers that would hold, fill or break a crawler: each costs its own page, within its time, and no more."""

import gzip
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.crawl.loopback import Crawled, Page, Web

Script = Callable[[socket.socket], None]
TIMEOUT_S = 3.0
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def say(*parts: bytes) -> Script:
    def script(client: socket.socket) -> None:
        for part in parts:
            client.sendall(part)

    return script


def slowly(start: bytes, drops: Iterable[bytes], every_s: float = 0.05) -> Script:
    def script(client: socket.socket) -> None:
        client.sendall(start)
        for drop in drops:
            client.sendall(drop)
            time.sleep(every_s)

    return script


def endlessly(start: bytes, piece: bytes) -> Script:
    return slowly(start, (piece for _ in range(1_000_000)), every_s=0)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_after(start: bytes, wait_s: float = 0.0) -> Script:
    def script(client: socket.socket) -> None:
        client.sendall(start)
        time.sleep(wait_s)
        reset(client)

    return script


HOSTILE: dict[str, tuple[Script, str, str | None]] = {
    "says nothing": (slowly(b"", [b""] * 100), "timeout", "no answer"),
    "closes at once": (say(), "unreachable", "the connection was closed without an answer"),
    "resets": (reset, "unreachable", "connection reset by peer"),
    "trickled status line": (slowly(b"", [b"H"] * 200), "timeout", "no answer"),
    "trickled headers": (slowly(b"HTTP/1.1 200 OK\r\n", [b"X: y\r\n"] * 99), "timeout", "no answer"),
    "trickled header": (slowly(b"HTTP/1.1 200 OK\r\nX: ", [b"y"] * 999), "timeout", "no answer"),
    "trickled body": (slowly(OK + b"\r\n", [b"y"] * 999), "timeout", "the body did not end"),
    "trickled length": (
        slowly(OK + b"Content-Length: 999\r\n\r\n", [b"y"] * 999),
        "timeout",
        "the body did not end",
    ),
    "trickled chunks": (
        slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n", [b"1\r\ny\r\n"] * 999),
        "timeout",
        "the body did not end",
    ),
    "trickled chunk size": (
        slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n", [b"0"] * 999),
        "timeout",
        "the body did not end",
    ),
    "trickled redirect": (
        slowly(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", [b"y"] * 999),
        "timeout",
        "the redirects took too long",
    ),
    "endless continue": (
        endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999),
        "headers_too_large",
        "too many bytes",
    ),
    "endless header": (
        endlessly(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 9999),
        "headers_too_large",
        "a line is too long",
    ),
    "endless headers": (
        endlessly(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 99),
        "headers_too_large",
        "too many lines",
    ),
    "long headers": (
        endlessly(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 60_000 + b"\r\n"),
        "headers_too_large",
        "too many bytes",
    ),
    "endless trailers": (
        endlessly(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\n", b"X: y\r\n" * 999),
        "truncated",
        None,
    ),
    "endless body": (endlessly(OK + b"\r\n", b"y" * 65536), "too_large", None),
    "endless chunk": (
        endlessly(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"y" * 65536),
        "too_large",
        None,
    ),
    "a byte a chunk": (
        endlessly(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n" * 9999),
        "bad_response",
        "the body came in too many pieces",
    ),
    "huge length": (say(OK + b"Content-Length: 99999999999999999999999\r\n\r\nhello"), "truncated", None),
    "large length": (say(OK + b"Content-Length: 50000000\r\n\r\nhello"), "too_large", None),
    "short body": (say(OK + b"Content-Length: 50\r\n\r\nhello"), "truncated", None),
    "short chunk": (say(OK + b"Transfer-Encoding: chunked\r\n\r\n50\r\nhello"), "truncated", None),
    "garbage chunk": (say(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello"), "truncated", None),
    "two lengths": (
        say(OK + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello"),
        "bad_response",
        "headers that contradict each other",
    ),
    "unknown transfer coding": (
        say(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "bad_response",
        "an unknown transfer coding",
    ),
    "garbage": (say(bytes(range(256)) * 10), "bad_response", "no HTTP status line"),
    "HTTP/2": (say(b"HTTP/2 200 OK\r\n\r\n"), "bad_response", "an unknown version of HTTP"),
    "status that is none": (say(b"HTTP/1.1 abc OK\r\n\r\n"), "bad_response", "no HTTP status line"),
    "bomb": (
        say(OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(bytes(50_000_000))),
        "too_large",
        "once decoded",
    ),
    "closed after the status line": (
        say(b"HTTP/1.1 200 OK\r\n"),
        "unreachable",
        "the connection was closed within the headers",
    ),
    "closed within a header": (
        say(b"HTTP/1.1 302 Found\r\nLocation: /els"),
        "unreachable",
        "the connection was closed within the headers",
    ),
    "reset within the body": (
        reset_after(OK + b"Content-Length: 50\r\n\r\nhello"),
        "truncated",
        None,
    ),
}
GOOD = {
    "a length of its own": say(OK + b"Content-Length: 8\r\n\r\n<p>hello"),
    "many header lines": say(OK + b"Set-Cookie: a=b\r\n" * 1000 + b"\r\n<p>hello"),
    "neither length nor end": say(OK + b"\r\n<p>hello"),
    "sizes of chunks that are longer than a head may be": say(
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        b"".join(b"1;%s\r\n%c\r\n" % (b"x" * 60_000, byte) for byte in b"<p>hello"),
        b"0\r\n\r\n",
    ),
    "chunks": say(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n<p>\r\n5;x=y\r\nhello\r\n0\r\nT: x\r\n\r\n"),
    "lines that are no headers": say(
        OK + b"no header at all\r\nX Y: z\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n<p>hello\r\n0\r\n\r\n"
    ),
    "blanks before colons": say(
        OK + b"Transfer-Encoding : chunked\r\nX\t: y\r\n\r\n8\r\n<p>hello\r\n0\r\n\r\n"
    ),
    "a status without words": say(b"HTTP/1.1 200\r\nContent-Type: text/html\r\n\r\n<p>hello"),
    "line feeds alone": say(b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n<p>hello"),
    "more than it said": say(OK + b"Content-Length: 8\r\n\r\n<p>hello and more"),
    "continue": say(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n<p>hello"),
    "interim answers": say(
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n",
        OK + b"Content-Length: 8\r\n\r\n<p>hello",
    ),
    "HTTP/1.0": say(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>hello"),
}


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All of them crawled at once, with one honest host among them."""
    web, crawled = Web(), Crawled(tmp_path_factory.mktemp("hostile") / "corpus")
    hosts = {name: web.raw(script) for name, (script, *_) in HOSTILE.items()}
    hosts |= {name: web.raw(script) for name, script in GOOD.items()}
    honest = web.site(page=Page())
    urls = {name: host.url("/page") for name, host in hosts.items()}
    started = time.monotonic()
    settings = {"timeout_s": TIMEOUT_S, "max_bytes": 1_000_000, "robots": False, "threads": 64}
    rows = crawled.crawl([*urls.values(), honest.url("/page")], **settings)
    yield {name: rows[url] for name, url in urls.items()}, time.monotonic() - started
    web.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_gets_the_state_it_deserves(crawl: Any, name: str) -> None:
    row = crawl[0][name]
    assert (row["state"], row["detail"]) == HOSTILE[name][1:]


@pytest.mark.parametrize("name", GOOD)
def test_an_odd_but_honest_answer_is_stored_whole(crawl: Any, name: str) -> None:
    row = crawl[0][name]
    assert (row["state"], row["bytes"]) == ("fetched", 8)


def test_no_server_holds_the_crawl_beyond_its_time(crawl: Any) -> None:
    assert crawl[1] < TIMEOUT_S + 10


@pytest.mark.slow
def test_a_slow_host_keeps_no_other_waiting(web: Web, crawled: Crawled) -> None:
    timeout_s = TIMEOUT_S / 2
    slow = web.raw(slowly(b"", [b""] * 100))
    quick = web.site(**{f"p{n}": Page() for n in range(10)})
    crawled.link([slow.url(f"/{n}") for n in range(2)] + [quick.url(f"/p{n}") for n in range(10)])
    started = time.monotonic()
    crawled.crawl(robots=False, threads=2, timeout_s=timeout_s)
    last = max(hit.ended for hit in quick.hits)
    assert last - started < timeout_s
