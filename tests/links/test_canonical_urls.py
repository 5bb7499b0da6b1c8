"""One spelling per page, and never one spelling for two pages."""

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webtext.links.canonical import Rejected, canonicalise, link_id
from webtext.links.hosts import host_of
from webtext.reasons import LINKS

SAME = [
    ("HTTP://Example.COM/", "http://example.com/"),
    ("http://example.com", "http://example.com/"),
    ("http://example.com?a=1", "http://example.com/?a=1"),
    ("http://example.com:80/", "http://example.com/"),
    ("https://example.com:443/", "https://example.com/"),
    ("https://example.com:0443/", "https://example.com/"),
    ("http://example.com:/", "http://example.com/"),
    ("http://example.com/a#b", "http://example.com/a"),
    ("http://example.com/#!/a", "http://example.com/"),
    ("http://example.com/a/./b/../c", "http://example.com/a/c"),
    ("http://example.com/a/%2E%2e/c", "http://example.com/c"),
    ("http://example.com/%7euser/%3a", "http://example.com/~user/%3A"),
    ("http://example.com/é b", "http://example.com/%C3%A9%20b"),
    ("http://example.com/a|b", "http://example.com/a%7Cb"),
    ("http://example.com/100%", "http://example.com/100%25"),
    ("http://bücher.example/", "http://xn--bcher-kva.example/"),
    ("http://example.com\\a\\b", "http://example.com/a/b"),
    ("http:/example.com/a", "http://example.com/a"),
    ("http://0x7f.1/", "http://127.0.0.1/"),
    ("http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]/"),
    ("http://@example.com/", "http://example.com/"),
    ("  http://example.com/a\r\n", "http://example.com/a"),
    ("http://example.com/a\u200e", "http://example.com/a"),
    ("http://exa\nmple.com/a\tb", "http://example.com/ab"),
    ("http://example.com/?a=1&amp;b=2", "http://example.com/?a=1&b=2"),
    ("http://example.com/?a=1&amp;amp;b=2", "http://example.com/?a=1&b=2"),
    ("http://example.com/it&#39;s", "http://example.com/it's"),
    ("http://example.com/?utm_source=x&a=1&UTM_Medium=y", "http://example.com/?a=1"),
    ("http://example.com/?fbclid=x", "http://example.com/"),
    ("http://example.com/a http://example.org/b", "http://example.com/a"),
    ("http://example.com/a, https://example.org/b", "http://example.com/a"),
    ("\ufeffhttp://example.com/a\u00a0\u2060", "http://example.com/a"),
    ("http://example.com/a HTTPS://example.org/b", "http://example.com/a"),
    ("http://example.com/?FBCLID=x", "http://example.com/"),
    ("http://example.com:65535/", "http://example.com:65535/"),
    ("https://en.m.wikipedia.org/wiki/Ant", "https://en.wikipedia.org/wiki/Ant"),
    ("https://m.youtube.com/watch?v=a", "https://www.youtube.com/watch?v=a"),
    ("https://mobile.twitter.com/a", "https://twitter.com/a"),
    ("https://m.wikidata.org/wiki/Q1", "https://www.wikidata.org/wiki/Q1"),
    ("https://www.google.com.au/amp/example.com/a", "http://example.com/a"),
    ("https://www.google.cat/amp/s/example.com/a", "https://example.com/a"),
    ("https://cdn.ampproject.org/v/s/example.com/a", "https://example.com/a"),
    ("https://www.google.com/amp/s/example.com/a?usqp=mq", "https://example.com/a"),
    ("https://example-com.cdn.ampproject.org/c/s/example.com/a", "https://example.com/a"),
    (
        "http://www.google.com/url?sa=t&amp;q=http://b.example/&amp;url=http%3A%2F%2Fa.example%2Fb%2520c&amp;ei=x",
        "http://a.example/b%20c",
    ),
    (
        "https://www.google.co.uk/url?q=https://a.example/?p%3D1%26utm_source%3Dx&sa=D",
        "https://a.example/?p=1",
    ),
    ("https://google.com/url?q=http://google.com/url?url=http%3A%2F%2Fa.example%2F", "http://a.example/"),
]

DIFFERENT = [
    ("http://example.com/", "https://example.com/"),
    ("http://example.com/", "http://www.example.com/"),
    ("http://example.com/a", "http://example.com/a/"),
    ("http://example.com/a", "http://example.com/A"),
    ("http://example.com/a//b", "http://example.com/a/b"),
    ("http://example.com/a%2Fb", "http://example.com/a/b"),
    ("http://example.com/?a=1&b=2", "http://example.com/?b=2&a=1"),
    ("http://example.com/?", "http://example.com/"),
    ("http://example.com/?a", "http://example.com/?a="),
    ("http://example.com/?fbclids=1", "http://example.com/"),
    ("http://example.com/?a=%26", "http://example.com/?a=&"),
    ("http://example.com/?a=+", "http://example.com/?a=%20"),
    ("http://example.com/?ref=a", "http://example.com/?ref=b"),
    ("http://example.com/%2541", "http://example.com/A"),
    ("http://example.com:8080/", "http://example.com/"),
    ("http://user@example.com/", "http://example.com/"),
    ("http://m.example.com/", "http://example.com/"),
    ("http://notgoogle.com/amp/s/example.com/a", "https://example.com/a"),
    ("http://en.m.wikipedia.org.example.com/", "http://en.wikipedia.org/"),
    ("http://example.com/amp/a", "http://example.com/a"),
    ("http://example.com/url?url=http://example.org/", "http://example.org/"),
    ("http://www.google.com/url?q=what+is+http://example.org/", "http://example.org/"),
    ("http://www.google.com/url?url=http://localhost/", "http://localhost/"),
]

REFUSED = [
    ("", "no_url"),
    (" \n", "no_url"),
    ("#top", "bad_url"),
    ("self", "bad_url"),
    ("/r/python", "bad_url"),
    ("//example.com/", "bad_url"),
    ("www.example.com/a", "bad_url"),
    ("example.com:80/a", "bad_url"),
    ("http://", "bad_url"),
    ("http:///", "bad_url"),
    ("http://exa mple.com/", "bad_url"),
    ("http://example.com:99999/", "bad_url"),
    ("http://a..example.com/", "bad_url"),
    ("http://1.2.3.4.5/", "bad_url"),
    ("http://[::1/", "bad_url"),
    ("http://[Imgur](http://i.imgur.com/a.jpg)", "bad_url"),
    ("ftp://example.com/", "scheme"),
    ("mailto:a@example.com", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("http://example.com/" + "a" * 2100, "too_long"),
    ("http://example.com/" + "é" * 400, "too_long"),
    ("http://example.com/" + "a" * 100_000, "too_long"),
]


@pytest.mark.parametrize(("posted", "canonical"), SAME)
def test_spellings_of_one_page_are_one_url(posted: str, canonical: str) -> None:
    assert canonicalise(posted) == canonical


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_may_differ_in_meaning_stays_different(one: str, other: str) -> None:
    assert canonicalise(one) != canonicalise(other)


@pytest.mark.parametrize(("posted", "reason"), REFUSED)
def test_what_names_no_page_is_refused_with_its_reason(posted: str, reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        canonicalise(posted)
    assert refusal.value.reason == reason


def test_bytes_that_were_not_utf8_stay_the_bytes_they_were() -> None:
    posted = b"http://example.com/caf\xe9".decode("utf-8", "surrogateescape")
    assert canonicalise(posted) == "http://example.com/caf%E9"


def test_a_long_fragment_or_escapes_do_not_make_a_url_too_long() -> None:
    assert canonicalise("http://example.com/#" + "a" * 3000) == "http://example.com/"
    assert len(canonicalise("http://example.com/?" + "&amp;" * 500)) < 600


@pytest.mark.parametrize("begin", ["http://example.com/", "HTTP://example.com/", "http://example.com?"])
def test_a_url_may_have_2083_characters_and_none_more(begin: str) -> None:
    room = 2083 - len(canonicalise(begin))
    assert len(canonicalise(begin + "a" * room)) == 2083
    with pytest.raises(Rejected, match="too_long"):
        canonicalise(begin + "a" * (room + 1))


def test_a_host_is_as_long_as_dns_can_hold() -> None:
    label = "a" * 63
    longest = f"{label}.{label}.{label}.{'a' * 61}"
    for host in (f"{label}.example", longest, f"{longest}."):
        assert host_of(canonicalise(f"http://{host}/")) == host
    for host in (f"a{label}.example", f"{longest}a"):
        with pytest.raises(Rejected, match="bad_url"):
            canonicalise(f"http://{host}/")


def test_a_links_id_is_sixteen_hex_digits_that_do_not_change_between_versions() -> None:
    assert link_id("http://example.com/") == "b97a010e03af1e2b"


PIECES = """http:// https: / // .. . % %4 %2e %25 ? & &amp; = # : @ utm_a=1 a.example ü \\ xn--a [::1] 127.1
m. 80 https://www.google.com/amp/s/ en.m.wikipedia.org ． | ' < &lt; ;"""
pieces = st.sampled_from([*PIECES.split(), "\ud800", "\udcff", " ", "\n", "\u200d"])
urls = st.one_of(
    st.text(),
    pieces,
    st.lists(pieces).map("".join),
    st.lists(pieces).map(lambda some: "http://a.b/" + "".join(some)),
)


@given(urls)
@example("http://a.b/%%34%31")
@example("http://a.b/?utm_a=1&")
@example("HTTP:0/&lt;#&")
@example("HTTP:&LT;")
@example("http://a.b/?&l%74;")
@example("https://www.google.com/amp/s/www.google.com/amp/s/a.b?utm_a#")
def test_any_string_gives_a_fixed_point_in_ascii_or_a_known_reason(text: str) -> None:
    try:
        canonical = canonicalise(text)
    except Rejected as refusal:
        assert refusal.reason in LINKS
        return
    assert canonicalise(canonical) == canonical
    assert canonical.isascii() and canonical.isprintable() and " " not in canonical
    parts = urlsplit(canonical)
    assert parts.scheme in ("http", "https") and parts.hostname and parts.path.startswith("/")
    assert not parts.fragment
    assert parts.port is None or 0 <= parts.port <= 65535


def _whatwg(url_data: Path, name: str) -> list[dict[str, Any]]:
    cases = json.loads((url_data / name).read_text("utf-8"))
    return [case for case in cases if isinstance(case, dict) and case.get("base") in (None, "about:blank")]


def _a_name(host: str) -> bool:
    """Whether DNS could hold it; where not, we refuse what browsers leave to DNS."""
    return all(re.fullmatch(r"[a-z0-9_-]{1,63}", label) for label in host.removesuffix(".").split("."))


@pytest.mark.parametrize("name", ["urltestdata.json", "ada_extra_urltestdata.json"])
def test_urls_are_read_as_browsers_read_them(url_data: Path, name: str) -> None:
    for case in _whatwg(url_data / "wpt_via_ada", name):
        try:
            canonical = canonicalise(case["input"])
        except Rejected:
            web = case.get("protocol") in ("http:", "https:")
            assert case.get("failure") or not web or not _a_name(case["hostname"]), case
            continue
        assert not case.get("failure"), case
        assert host_of(canonical) == case["hostname"].strip("[]"), case
        assert unquote(urlsplit(canonical).path) == unquote(case["pathname"]), case


@pytest.mark.parametrize("name", ["toascii.json", "IdnaTestV2.json", "IdnaTestV2-removed.json"])
def test_international_hosts_are_encoded_as_browsers_encode_them(url_data: Path, name: str) -> None:
    for case in json.loads((url_data / "wpt_via_ada" / name).read_text("utf-8")):
        if isinstance(case, str) or not case["input"] or case["input"] == "xn--a.ß":
            continue
        wanted = case["output"]
        if wanted and (not _a_name(wanted) or len(wanted) > 253):
            continue
        try:
            encoded = host_of(canonicalise(f"https://{case['input']}/x"))
        except Rejected:
            encoded = None
        assert encoded == wanted, case


def test_a_long_run_of_separators_in_a_field_takes_no_time() -> None:
    started = time.thread_time()
    with pytest.raises(Rejected, match="too_long"):
        canonicalise(f"http://a.example/{', ' * 50_000}x")
    assert time.thread_time() - started < 2
