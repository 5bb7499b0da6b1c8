import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webtext.crawl.media_types import disguised, parse, sniff


@pytest.mark.parametrize(
    ("header", "parsed"),
    [
        ("text/html", ("text/html", None)),
        ("Text/HTML; Charset=UTF-8", ("text/html", "UTF-8")),
        ('text/html; charset="windows-1252"', ("text/html", "windows-1252")),
        ("text/html;charset='utf-8'", ("text/html", "utf-8")),
        ("text/html, text/html; charset=utf-8", ("text/html", "utf-8")),
        ("text/html; foo=bar; charset=koi8-r", ("text/html", "koi8-r")),
        ('text/html; charset="utf-8", text/html', ("text/html", "utf-8")),
        ('text/html; foo=";charset=koi8-r"; charset=utf-8', ("text/html", "utf-8")),
        ("text/html; charset*0*=utf-8''a; charset*=utf-8''b; charset=koi8-r", ("text/html", "koi8-r")),
        ("text/html; charset=", ("text/html", None)),
        ("", (None, None)),
        (None, (None, None)),
        (";", (None, None)),
        ("text/html charset=utf-8", (None, None)),
        ("html", (None, None)),
        ("text/; charset=utf-8", (None, "utf-8")),
        ("application/xhtml+xml", ("application/xhtml+xml", None)),
    ],
)
def test_a_content_type_is_a_media_type_and_a_charset(
    header: str | None, parsed: tuple[str | None, str | None]
) -> None:
    assert parse(header) == parsed


@given(st.text(st.characters(max_codepoint=255), max_size=300))
@example("text/html; charset*1=a; charset*=b")
def test_any_header_can_be_read(header: str) -> None:
    for name in parse(header):
        assert name is None or (0 < len(name) <= 80 and name.encode())


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"<!DOCTYPE html><p>x", "text/html"),
        (b"\n <html>", "text/html"),
        (b"<p class=x>", "text/html"),
        (b"<!-- x --><p>", "text/html"),
        (b"plain words < and >", "text/plain"),
        (b"\x00\x01\x02binary", "application/octet-stream"),
        ("\ufeff<p>wide".encode("utf-16"), "text/plain"),
    ],
)
def test_content_without_a_label_is_looked_at(body: bytes, media_type: str) -> None:
    assert sniff(body) == media_type


def test_files_that_are_certainly_no_text_are_known_by_their_first_bytes() -> None:
    assert disguised(b"%PDF-1.4 ...") == "PDF"
    assert disguised(b"<p>%PDF-") is None


def test_a_header_of_a_million_characters_takes_no_time() -> None:
    started = time.thread_time()
    assert parse("text/html" + ";" * 1_000_000) == ("text/html", None)
    assert time.thread_time() - started < 5
