"""Each state that a link can end in, given by a real server; every row's facts beside it."""

import gzip
import hashlib
import socket
import time
from typing import Any

import brotli
import pytest

from tests.crawl.loopback import HTML, Crawled, Page, Web
from webtext import reasons
from webtext.crawl import cookies
from webtext.crawl.errands import Errand
from webtext.crawl.exchange import Exchange
from webtext.crawl.page import redirect, wanted_bytes
from webtext.crawl.warc import read_response
from webtext.sections import Crawl


def html(*headers: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (*HTML, *headers)


STATES: dict[str, tuple[Page, str | None]] = {
    "fetched": (Page(), None),
    "fetched, plain": (Page(b"words", headers=(("Content-Type", "text/plain"),)), None),
    "fetched, plain that shows markup": (
        Page(b"<meta http-equiv=refresh content='0; url=/x'>", headers=(("Content-Type", "text/plain"),)),
        None,
    ),
    "fetched, as large as may be": (Page(b"x" * 20_000), None),
    "fetched, unlabelled": (Page(b"<p>words", headers=()), None),
    "fetched, ill-labelled": (Page(b"<p>x", headers=(("Content-Type", "text/html charset=utf-8"),)), None),
    "fetched, coded": (Page(gzip.compress(b"<p>x"), headers=html(("Content-Encoding", "gzip"))), None),
    "fetched, not as asked": (Page(brotli.compress(b"<p>x"), headers=html(("Content-Encoding", "br"))), None),
    "not_found": (Page(b"no", 404), "status 404"),
    "not_found, gone": (Page(b"no", 410), "status 410"),
    "forbidden": (Page(b"no", 403), "status 403"),
    "forbidden, for reasons of law": (Page(b"no", 451), "status 451"),
    "rate_limited": (Page(b"no", 429), "status 429"),
    "server_error": (Page(b"no", 503), "status 503"),
    "http_error": (Page(b"tea", 418), "status 418"),
    "http_error, part": (Page(b"part", 206), "status 206"),
    "bad_redirect": (Page(b"", 302), "no Location"),
    "bad_redirect, scheme": (Page(b"", 302, (("Location", "ftp://x/y"),)), "to ftp"),
    "bad_redirect, script": (Page(b"", 302, (("Location", "javascript:alert(1)"),)), "to javascript"),
    "bad_redirect, nonsense": (Page(b"", 302, (("Location", "http://[::1/"),)), "not a URL"),
    "bad_redirect, long": (
        Page(b"", 302, (("Location", "/" + "x" * 8000),)),
        "longer than 8,000 characters",
    ),
    "redirect_loop": (Page(b"", 301, (("Location", "?"),)), "in a circle"),
    "not_html": (Page(b"x", headers=(("Content-Type", "image/png"),)), "image/png"),
    "not_html, disguised": (Page(b"%PDF-1.4 x"), "PDF content"),
    "not_html, unlabelled": (Page(b"\x00\x01\x02", headers=()), "binary content without a type"),
    "empty": (Page(b" \n"), None),
    "too_large": (Page(b"x" * 20_001), None),
    "too_large, once decoded": (
        Page(gzip.compress(bytes(range(256)) * 100), headers=html(("Content-Encoding", "gzip"))),
        "once decoded",
    ),
    "bad_encoding": (
        Page(b"x", headers=html(("Content-Encoding", "compress"))),
        "compress cannot be decoded",
    ),
    "bad_encoding, damaged": (
        Page(b"\x1f\x8b garbage", headers=html(("Content-Encoding", "gzip"))),
        "the compressed data is damaged",
    ),
    "truncated": (
        Page(gzip.compress(b"<p>x" * 99)[:-9], headers=html(("Content-Encoding", "gzip"))),
        "within its content coding",
    ),
    "timeout": (Page(delay_s=6.0), "no answer"),
    "opted_out": (Page(headers=html(("X-Robots-Tag", "noai"))), "X-Robots-Tag: noai"),
    "opted_out, oddly": (Page(headers=html(("X-Robots-Tag ", "noai"))), "X-Robots-Tag: noai"),
    "opted_out, meta": (Page(b'<meta name="robots" content="noai"><p>secret'), "meta robots: noai"),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All of them crawled at once, a host each."""
    web, crawled = Web(), Crawled(tmp_path_factory.mktemp("states") / "corpus")
    urls = {name: web.site(page=page).url("/page") for name, (page, _) in STATES.items()}
    found = crawled.crawl(list(urls.values()), timeout_s=3.0, max_bytes=20_000, threads=32)
    yield {name: found[url] for name, url in urls.items()}, crawled
    web.close()


@pytest.mark.parametrize("name", STATES)
def test_a_page_ends_in_the_state_that_its_server_gives_it(rows: Any, name: str) -> None:
    row = rows[0][name]
    assert (row["state"], row["detail"]) == (name.partition(",")[0], STATES[name][1])
    assert row["state"] == reasons.FETCHED or row["state"] in reasons.PAGES
    assert row["source"] == "live"
    assert row["attempts"] == 1


@pytest.mark.parametrize("name", [name for name in STATES if name != "timeout"])
def test_every_answer_has_its_record(rows: Any, name: str) -> None:
    found, crawled = rows
    row, page = found[name], STATES[name][0]
    stored = (
        read_response(crawled.folder, row["warc_file"], row["warc_offset"], 100_000)
        if (row["state"] not in ("bad_encoding",))
        else None
    )
    assert row["http_status"] == page.status
    assert row["captured_at"] is not None
    if row["state"] == reasons.FETCHED:
        assert stored is not None and not stored.truncated
        assert row["bytes"] == len(stored.body)
        assert row["sha256"] == hashlib.sha256(stored.body).hexdigest()


@pytest.mark.parametrize("name", ["opted_out", "opted_out, meta", "not_html", "too_large"])
def test_of_a_page_that_is_not_ours_to_keep_only_the_head_is_stored(rows: Any, name: str) -> None:
    found, crawled = rows
    stored = read_response(crawled.folder, found[name]["warc_file"], found[name]["warc_offset"], 100_000)
    assert (stored.body, stored.truncated) == (b"", True)


def test_of_what_is_no_page_no_more_is_read_than_the_archive_wants() -> None:
    settings, image = Crawl(), (("Content-Type", "image/png"),)
    assert wanted_bytes(settings, 200, HTML) == settings.max_bytes
    assert wanted_bytes(settings, 200, image) == 0
    assert wanted_bytes(settings, 404, HTML) == wanted_bytes(settings, 302, image) == 64 * 1024


def test_the_type_and_charset_are_those_of_the_header(rows: Any) -> None:
    assert rows[0]["fetched"]["content_type"] == "text/html"
    assert rows[0]["fetched"]["charset"] == "utf-8"
    assert rows[0]["fetched, unlabelled"]["content_type"] == "text/html"


def test_a_redirect_is_followed_to_its_page(web: Web, crawled: Crawled) -> None:
    there = web.site(page=Page(b"there"))
    here = web.site(page=Page(b"", 301, (("Location", there.url("/page#part")),)))
    row = crawled.crawl([here.url("/page")])[here.url("/page")]
    assert (row["state"], row["final_url"], row["redirects"]) == ("fetched", there.url("/page"), 1)


def test_of_a_redirect_only_the_head_is_stored(web: Web, crawled: Crawled) -> None:
    site = web.site(page=Page(b"<p>elsewhere", 301, (("Location", "/there"),)), there=Page())
    crawled.crawl([site.url("/page")])
    archive = b"".join(gzip.decompress(path.read_bytes()) for path in (crawled.folder / "warc").iterdir())
    assert b"Location: /there" in archive
    assert b"elsewhere" not in archive


def test_another_attempt_has_the_whole_time_and_begins_at_the_link() -> None:
    link = "http://a.example/"
    errand = Errand(0, "id", link, "http://a.example/there", visited=(link,), spent_s=9.0, attempts=1)
    errand.jar, errand.asked_before = cookies.empty_jar(), 1
    errand.restart()
    assert errand == Errand(0, "id", link, link, attempts=1)


def test_a_relative_redirect_in_utf8_is_understood(web: Web, crawled: Crawled) -> None:
    site = web.site()
    location = "/ü".encode().decode("latin-1")
    site.pages |= {"/page": Page(b"", 302, (("Location", location),)), "/%C3%BC": Page()}
    assert crawled.crawl([site.url("/page")])[site.url("/page")]["final_url"] == site.url("/%C3%BC")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("\\x\\y", "http://a.example/x/y"),
        ("///b.example/x", "http://b.example/x"),
        ("https:/b.example/x", "https://b.example/x"),
        ("http:x", "http://a.example/b/x"),
        ("x//y", "http://a.example/b/x//y"),
        ("?x=\\", "http://a.example/b/c?x=%5C"),
        ("/100%_%C3%A9", "http://a.example/100%25_%C3%A9"),
    ],
)
def test_a_location_is_read_as_browsers_read_it(location: str, target: str) -> None:
    assert redirect(Exchange("http://a.example/b/c", 302, (("Location", location),))).location == target


def test_redirects_end_at_the_limit(web: Web, crawled: Crawled) -> None:
    site = web.site()
    site.pages |= {f"/{n}": Page(b"", 302, (("Location", f"/{n + 1}"),)) for n in range(9)}
    row = crawled.crawl([site.url("/0")], max_redirects=3)[site.url("/0")]
    assert (row["state"], row["detail"], row["redirects"]) == ("redirect_loop", "more than 3", 3)
    assert site.paths() == ["/robots.txt", "/.well-known/tdmrep.json", "/0", "/1", "/2", "/3"]


def refreshing(content: str, text: bytes = b"<p>Moved") -> Page:
    return Page(f"<head><meta http-equiv=Refresh content='{content}'></head>".encode() + text)


@pytest.mark.parametrize(
    "content",
    ["0;url=/there?a&amp;b", "5; URL=&quot;/there?a&amp;b&quot;", "0 /there?a&b", "1.5,url = /there?a&b"],
)
def test_a_page_that_only_sends_on_is_followed(web: Web, crawled: Crawled, content: str) -> None:
    site = web.site(page=refreshing(content))
    site.pages["/there?a&b"] = Page()
    row = crawled.crawl([site.url("/page")])[site.url("/page")]
    assert (row["state"], row["final_url"], row["redirects"]) == ("fetched", site.url("/there?a&b"), 1)


@pytest.mark.parametrize(
    "page",
    [
        refreshing("0; url=/there", b"<p>something to read" * 500),
        refreshing("300; url=/there"),
        refreshing("0; url=/page"),
        refreshing("0; url=javascript:alert(1)"),
        refreshing("5"),
        refreshing("5; url="),
    ],
    ids=["a page to read", "much later", "the same page", "a script", "no URL", "an empty URL"],
)
def test_a_page_that_stays_is_a_page(web: Web, crawled: Crawled, page: Page) -> None:
    site = web.site(page=page, there=Page())
    row = crawled.crawl([site.url("/page")])[site.url("/page")]
    assert (row["state"], row["final_url"]) == ("fetched", site.url("/page"))


@pytest.mark.parametrize("leads_on", ["0; url=/page", "0; url=/second?1"], ids=["in a circle", "ever on"])
def test_the_last_of_pages_that_send_on_without_end_is_a_page(
    web: Web, crawled: Crawled, leads_on: str
) -> None:
    site = web.site(page=refreshing("5; url=/second"), second=refreshing(leads_on))
    site.pages["/second?1"] = refreshing("5; url=/second?2", b"<p>The news")
    row = crawled.crawl([site.url("/page")], max_redirects=2)[site.url("/page")]
    last = "/second" if "page" in leads_on else "/second?1"
    assert (row["state"], row["final_url"]) == ("fetched", site.url(last))


@pytest.mark.parametrize(
    ("text", "last"), [(b"", "/there"), (b"<p>Something to read. " * 20, "/page")], ids=["no text", "text"]
)
def test_readers_without_scripts_are_followed_where_others_have_nothing_to_read(
    web: Web, crawled: Crawled, text: bytes, last: str
) -> None:
    refresh = b"<noscript><meta http-equiv=refresh content='0; url=/there'></noscript>"
    site = web.site(page=Page(refresh + b"<script>location = there</script>" + text), there=Page())
    assert crawled.crawl([site.url("/page")])[site.url("/page")]["final_url"] == site.url(last)


def sets_a_cookie(value: str, location: str = "/page") -> Page:
    return Page(b"", 302, (("Location", location), ("Set-Cookie", value)))


def test_a_cookie_that_a_redirect_sets_is_sent_along_its_links_way(web: Web, crawled: Crawled) -> None:
    site = web.site(page=[sets_a_cookie("seen=1; Path=/"), Page()], other=Page())
    rows = crawled.crawl([site.url("/page"), site.url("/other")])
    assert rows[site.url("/page")]["state"] == "fetched"
    sent = [(hit.path, hit.headers.get("Cookie")) for hit in site.hits if hit.path[1] in "po"]
    assert sorted(sent, key=str) == [("/other", None), ("/page", "seen=1"), ("/page", None)]


def test_a_cookie_goes_to_no_other_site(web: Web, crawled: Crawled) -> None:
    there = web.site(page=Page())
    here = web.site(page=sets_a_cookie("seen=1", there.url("/page")))
    assert crawled.crawl([here.url("/page")])[here.url("/page")]["state"] == "fetched"
    assert all("Cookie" not in hit.headers for hit in there.hits)


@pytest.mark.parametrize(
    ("domain", "sent"), [("example.co.uk", {"Cookie": "seen=1"}), ("co.uk", {}), ("uk", {})]
)
def test_a_cookie_is_for_no_other_sites_of_a_public_suffix(domain: str, sent: dict[str, str]) -> None:
    jar, set_cookie = cookies.empty_jar(), ("Set-Cookie", f"seen=1; Domain={domain}")
    cookies.keep(Exchange(f"http://here.{domain}/", 302, (set_cookie,)), jar)
    assert cookies.sent_to(f"http://there.{domain}/", jar) == sent


def test_of_thousands_of_cookies_as_many_are_kept_as_browsers_keep() -> None:
    jar = cookies.empty_jar()
    many = tuple(("Set-Cookie", f"name-{number}=1") for number in range(4000))
    cookies.keep(Exchange("http://example.org/", 302, many), jar)
    assert len(jar) == cookies.MOST_SET


def test_a_cookie_that_comes_again_makes_a_circle_no_way(web: Web, crawled: Crawled) -> None:
    site = web.site(page=sets_a_cookie("seen=1"))
    row = crawled.crawl([site.url("/page")])[site.url("/page")]
    assert (row["state"], row["detail"]) == ("redirect_loop", "in a circle")
    assert site.paths().count("/page") == 2


def test_a_name_without_an_address_is_dns(crawled: Crawled) -> None:
    row = crawled.crawl(["http://no-such-name.invalid/"])["http://no-such-name.invalid/"]
    assert (row["state"], row["detail"], row["http_status"]) == ("dns", "no such name", None)


def test_a_closed_port_is_unreachable(crawled: Crawled) -> None:
    row = crawled.crawl(["http://127.0.0.1:1/"])["http://127.0.0.1:1/"]
    assert (row["state"], row["detail"]) == ("unreachable", "connection refused")


def test_plain_text_on_the_tls_port_is_a_tls_failure(web: Web, crawled: Crawled) -> None:
    url = web.site(page=Page()).url("/page").replace("http:", "https:")
    assert crawled.crawl([url])[url]["state"] == "tls"


def test_the_body_of_an_accepted_page_is_stored_as_it_came(web: Web, crawled: Crawled) -> None:
    body = bytes(range(1, 256)) * 50
    url = web.site(page=Page(body, headers=(("Content-Type", "text/html"),))).url("/page")
    row = crawled.crawl([url])[url]
    assert read_response(crawled.folder, row["warc_file"], row["warc_offset"], 100_000).body == body


@pytest.mark.parametrize(("more", "state"), [(0, "fetched"), (1, "truncated")])
def test_the_length_of_the_decoded_body_is_forgiven(
    web: Web, crawled: Crawled, more: int, state: str
) -> None:
    body = b"<p>hello</p>" * 50
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(body) + more)
    url = web.raw(lambda client: client.sendall(head + gzip.compress(body))).url("/page")
    row = crawled.crawl([url], retries=0, robots=False, opt_outs=False)[url]
    stored = read_response(crawled.folder, row["warc_file"], row["warc_offset"], 100_000)
    assert (row["state"], stored.body, stored.truncated) == (state, body, state == "truncated")


def test_a_truncated_page_is_tried_again(web: Web, crawled: Crawled) -> None:
    calls = []

    def script(client: socket.socket) -> None:
        calls.append(time.monotonic())
        length = 9 if len(calls) < 3 else 5
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nhello" % length)

    url = web.raw(script).url("/page")
    row = crawled.crawl([url], retries=2, robots=False, opt_outs=False)[url]
    assert (row["state"], row["attempts"], len(calls)) == ("fetched", 3, 3)
