import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.optouts import Reader, signal

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
    assert signal((), html.encode("utf-16"), WEBTEXT) == found


@given(st.binary(max_size=1000))
def test_any_bytes_can_be_searched(body: bytes) -> None:
    signal((), b"<meta " + body, WEBTEXT)


@pytest.mark.parametrize(
    "body", [b"<meta " * 200_000, b"<!--" * 300_000, b"<meta " + b"a" * 1_000_000, b"<meta a='" * 150_000]
)
def test_a_hostile_page_is_searched_in_a_moment(body: bytes) -> None:
    started = time.process_time()
    signal((), body, WEBTEXT)
    assert time.process_time() - started < 0.5
