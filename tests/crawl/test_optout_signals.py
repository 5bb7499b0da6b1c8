import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml.html import document_fromstring

from webtext.crawl.optouts import META_SCAN_BYTES, Reader, metas, signal

WEBTEXT = Reader("webtext")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("X-Robots-Tag", "noai", "X-Robots-Tag: noai"),
        ("x-robots-tag", "noindex, NoAI", "X-Robots-Tag: noai"),
        ("X-Robots-Tag", "noimageai", "X-Robots-Tag: noimageai"),
        ("X-Robots-Tag", "webtext: noai", "X-Robots-Tag: noai"),
        ("X-Robots-Tag", "otherbot: noai", None),
        ("X-Robots-Tag", "otherbot: nofollow, noai", None),
        ("X-Robots-Tag", "unavailable_after: 25 Jun 2010 15:00:00 PST, noai", "X-Robots-Tag: noai"),
        ("X-Robots-Tag", "unavailable_after: Wed, 03 Dec 2025 13:09:53 GMT, noai", "X-Robots-Tag: noai"),
        ("X-Robots-Tag", "otherbot: unavailable_after: Wed, 03 Dec 2025 13:09:53 GMT, noai", None),
        ("X-Robots-Tag", "otherbot: nofollow, *: noai", "X-Robots-Tag: noai"),
        ("X-Robots-Tag", "noindex, nofollow", None),
        ("tdm-reservation", "1", "tdm-reservation: 1"),
        ("tdm-reservation", "0", None),
        ("Content-Usage", "train-ai=n", "Content-Usage: train-ai=n"),
        ("Content-Usage", "search=y, train-ai=n;x=1", "Content-Usage: train-ai=n"),
        ("Content-Usage", "train-ai=y", None),
        ("Content-Usage", "train-ai=n, train-ai=y", None),
    ],
)
def test_headers_opt_out(name: str, value: str, found: str | None) -> None:
    assert signal(((name, value),), b"", WEBTEXT) == found


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<meta name="robots" content="noai">', "meta robots: noai"),
        ("<META CONTENT='noindex, noai' NAME=Robots />", "meta robots: noai"),
        ('<meta name="webtext" content="noai">', "meta webtext: noai"),
        ('<meta name="otherbot" content="noai">', None),
        ('<meta name="tdm-reservation" content="1">', "meta tdm-reservation: 1"),
        ('<meta name="tdm-reservation" content="0">', None),
        ('<meta name="description" content="how to say noai">', None),
        ('<!-- <meta name="robots" content="noai"> -->', None),
        ('<meta name="x" content="a > b"><meta name="robots" content="noai">', "meta robots: noai"),
        ("<p>noai</p>", None),
        ('<metadata name="robots" content="noai">', None),
    ],
)
def test_meta_elements_opt_out(html: str, found: str | None) -> None:
    assert signal((), html.encode(), WEBTEXT) == found
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert signal((), html.encode(encoding), WEBTEXT) == found


@pytest.mark.parametrize(
    "before",
    [
        """<meta name="description" content="The 12" vinyl">""",
        "<meta name=description content=it's>",
        """<meta name="description" content="a <!-- b">""",
        "<p title='<!--'>",
        '<p class=a="b>',
        '<p ="a>',
        "<!-->",
        "<!--->",
        "<!-- a --!>",
        """<script>var open = "<!--", element = "<p title='"</script>""",
        """<script type="a>b">"<!--"</script >""",
        "<STYLE><!-- p {} </style>",
        "<script src=a />",
        "<?php echo '<script'; ?>",
        "</ <style>",
    ],
)
def test_a_meta_element_is_seen_behind_whatever_a_browser_sees_it_behind(before: str) -> None:
    html = before + '<meta name="robots" content="noai">'
    assert signal((), html.encode(), WEBTEXT) == "meta robots: noai"


@pytest.mark.parametrize("before", ["<script>'", "<style>", "<!-- --", '<p title="', "<p ", "<?"])
def test_a_meta_element_is_not_seen_in_what_a_browser_takes_for_something_else(before: str) -> None:
    assert signal((), f'{before}<meta name="robots" content=noai>'.encode(), WEBTEXT) is None


@given(st.lists(st.sampled_from([*"<>/=\"'! -a", "<!--", "-->", "<meta ", "name=", "<script>", "</script>"])))
def test_any_markup_can_be_searched(parts: list[str]) -> None:
    signal((), "".join(parts).encode(), WEBTEXT)


@pytest.mark.slow
def test_real_pages_have_the_meta_elements_that_an_html_parser_finds(shared: Path) -> None:
    if etree.LIBXML_VERSION < (2, 14):
        pytest.skip("an older libxml2 does not read tags as the HTML standard does")
    pages = pq.read_table(shared / "pages" / "pages.parquet", columns=["url", "html"])
    for page in pages.to_pylist():
        head = page["html"][:META_SCAN_BYTES]
        found = [
            meta.attrib["name"].strip().lower()
            for meta in document_fromstring(head).iterfind(".//meta[@name]")
        ]
        ours = [name for name, _ in metas(head)]
        assert list(filter(str.isascii, ours)) == list(filter(str.isascii, found)), page["url"]


@given(st.binary(max_size=1000))
def test_any_bytes_can_be_searched(body: bytes) -> None:
    signal((), b"<meta " + body, WEBTEXT)


@pytest.mark.parametrize(
    "body",
    [
        b"<meta " * 200_000,
        b"<!--" * 300_000,
        b"<meta " + b"a" * 1_000_000,
        b"<meta a='" * 150_000,
        b"<a b='" * 150_000,
        b"<a " + b"= " * 500_000,
        b"<script>" * 100_000,
        b"<script></scrip" * 100_000,
        b"<" * 1_000_000,
    ],
)
def test_a_hostile_page_is_searched_in_a_moment(body: bytes) -> None:
    started = time.process_time()
    signal((), body, WEBTEXT)
    assert time.process_time() - started < 2
