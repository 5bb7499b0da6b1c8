"""A web of hostile hosts with honest ones among them, crawled at once by a process of its own: each link has
one state, each honest page is stored as it was sent, and neither time nor memory is theirs to spend."""

import hashlib
import multiprocessing
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.crawl.loopback import HTML, Crawled, Page, Raw, Site, Web
from tests.crawl.test_hostile_servers import GOOD, HOSTILE, OK, Script, endlessly, reset_after, say, slowly
from webtext import reasons
from webtext.crawl.warc import read_response

MAX_BYTES, MEMORY_BYTES, TIMEOUT_S = 32_000_000, 1_500_000_000, 3.0
BOUND_S = 45.0  # back-off of the hosts that fail, and room for a slow machine
TEXT = (("Content-Type", "text/plain"),)
NOISE = random.Random(3).randbytes(200_000)

ODD: dict[str, Page] = {
    "a line of 30 MB": Page(b"<p>" + b"word " * 6_000_000),
    "200,000 nested divs": Page(b"<div>" * 200_000 + b"deep" + b"</div>" * 200_000),
    "binary as HTML": Page(b"<p>" + NOISE),
    "nothing but zeros": Page(b"<p>" + bytes(100_000)),
    "a charset that is another": Page("<p>ünï".encode("latin-1"), headers=HTML),
    "a charset of nobody": Page(b"<p>x", headers=(("Content-Type", "text/html; charset=klingon-8"),)),
    "a charset of two bytes": Page(b"<p>odd", headers=(("Content-Type", "text/html; charset=utf-16"),)),
    "tags without end": Page(b"<a " * 300_000),
    "comments without end": Page(b"<!--" * 300_000),
}
STATUSES = (401, 403, 404, 410, 418, 429, 451, 500, 502, 503, 504)


AT_THIS_LIMIT = {"bomb": "bad_encoding"}  # beyond all measure before it is too large


def broken(start: bytes) -> Script:
    """Resets the connection once `start` was said."""
    return reset_after(start, wait_s=0.1)


MORE: dict[str, Script] = {
    "resets in the status line": broken(b"HTTP/1.1 2"),
    "resets in the headers": broken(b"HTTP/1.1 200 OK\r\nContent-"),
    "resets before the body": broken(OK + b"Content-Length: 50\r\n\r\n"),
    "resets in a chunk": broken(OK + b"Transfer-Encoding: chunked\r\n\r\n50\r\nhe"),
    "resets between chunks": broken(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n"),
    "50 MB": say(OK + b"Content-Length: 50000000\r\n\r\n", b"y" * 50_000_000),
    "50 MB without a length": say(OK + b"\r\n", b"y" * 50_000_000),
    "many headers": endlessly(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000),
}
ROBOTS: dict[str, tuple[Script, str]] = {  # their pages have the same answer
    "5xx": (say(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "robots_unreachable"),
    "slow": (slowly(b"", [b""] * 200), "robots_unreachable"),
    "trickled": (slowly(OK + b"\r\n", [b"#"] * 999), "robots_unreachable"),
    # What cannot be read allows; so do the first 500 KiB of comments.
    "endless": (endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b"# x\n" * 9999), "too_large"),
    "HTML": (say(OK + b"Content-Length: 8\r\n\r\n<p>hello"), "fetched"),
    "binary": (say(OK + b"Content-Length: 200000\r\n\r\n", NOISE), "fetched"),
    "looping": (
        say(b"HTTP/1.1 301 M\r\nLocation: /robots.txt\r\nContent-Length: 0\r\n\r\n"),
        "redirect_loop",
    ),
    "broken": (broken(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nuser"), "robots_unreachable"),
}


def crawl_alone(root: Path, settings: dict[str, Any]) -> None:
    """In a process of its own, which leaves its peak of memory behind."""
    Crawled(root).crawl(**settings)
    # Not getrusage: across an exec it remembers the memory of the process that started this one.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    (root / "peak").write_text(str(int(peak) * 1024))


def redirects(web: Web) -> dict[str, str]:
    """Links to redirects that end nowhere."""
    site: Site = web.site()
    moved = {
        "/self": "/self",
        "/one": "/two",
        "/two": "/one",
        "/script": "javascript:alert(1)",
        "/file": "file:///etc/passwd",
        "/ftp": "ftp://127.0.0.1/",
        "/none": "",
        "/long": "/" + "x" * 9000,
    } | {f"/chain{n}": f"/chain{n + 1}" for n in range(99)}
    site.pages |= {path: Page(b"", 302, (("Location", to),)) for path, to in moved.items()}
    names = ("self", "one", "script", "file", "ftp", "none", "long", "chain0")
    return {f"redirects {name}": site.url(f"/{name}") for name in names}


@pytest.mark.slow
def test_a_hostile_web_costs_only_itself(web: Web, tmp_path: Path) -> None:
    bad = {name: web.raw(script).url() for name, (script, *_) in HOSTILE.items()}
    bad |= {name: web.raw(script).url() for name, script in MORE.items()}
    bad |= {str(status): web.site(page=Page(b"no", status)).url("/page") for status in STATUSES}
    bad |= redirects(web)
    honest = {name: web.site(page=page).url("/page") for name, page in ODD.items()}
    bodies = {honest[name]: page.body for name, page in ODD.items()}
    for number in range(30):
        page = Page(b"<p>" + NOISE[number * 5000 :][: 5000 + number])
        bodies[web.site(page=page).url("/page")] = page.body
    bodies |= {web.raw(script).url(): b"<p>hello" for script in GOOD.values()}
    crawled = Crawled(tmp_path / "corpus")
    crawled.link([*bad.values(), *bodies], partitions=3)
    settings = {"timeout_s": TIMEOUT_S, "max_bytes": MAX_BYTES, "threads": 32, "robots": False}
    process = multiprocessing.get_context("spawn").Process(
        target=crawl_alone, args=(crawled.corpus.root, settings | {"opt_outs": False})
    )
    started = time.monotonic()
    process.start()
    process.join(4 * BOUND_S)
    assert process.exitcode == 0
    assert time.monotonic() - started < BOUND_S
    assert int((crawled.corpus.root / "peak").read_text()) < MEMORY_BYTES

    rows = crawled.rows()
    assert rows.keys() == {*bad.values(), *bodies}
    assert {rows[url]["state"] for url in bad.values()} <= reasons.PAGES.keys()
    states = {name: rows[url]["state"] for name, url in bad.items() if name in HOSTILE}
    expected = {name: state for name, (_, state, _) in HOSTILE.items()} | AT_THIS_LIMIT
    assert {(name, s) for name, s in states.items() if s not in (expected[name], "timeout")} == set()
    for url, body in bodies.items():
        row = rows[url]
        assert (row["state"], row["detail"]) == ("fetched", None)
        stored = read_response(crawled.folder, row["warc_file"], row["warc_offset"], MAX_BYTES)
        assert hashlib.sha256(stored.body).digest() == hashlib.sha256(body).digest()


def test_a_hostile_robots_file_costs_the_pages_of_its_host(web: Web, crawled: Crawled) -> None:
    hosts: dict[str, Raw] = {name: web.raw(script) for name, (script, _) in ROBOTS.items()}
    good = web.site(page=Page())
    rows = crawled.crawl([*(host.url("/page") for host in hosts.values()), good.url("/page")], timeout_s=1.0)
    states = {name: rows[host.url("/page")]["state"] for name, host in hosts.items()}
    assert states == {name: state for name, (_, state) in ROBOTS.items()}
    assert rows[good.url("/page")]["state"] == "fetched"
