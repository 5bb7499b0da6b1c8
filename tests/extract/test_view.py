"""The debugging view: a page and what is kept of it, in a file that neither runs nor loads anything."""

import re

from lxml import etree

from tests.extract.web import SENTENCES, english
from webtext.extract.page import Page
from webtext.extract.view import side_by_side
from webtext.sections import Extract

HOSTILE = b"""<html><head><script>alert(1)</script><meta http-equiv="refresh" content="0;url=http://evil.example/">
<link rel="stylesheet" href="http://evil.example/a.css"><base href="http://evil.example/"></head>
<body onload="alert(2)"><article>%s</article><img src="http://evil.example/a.png" onerror="alert(3)">
<form action="http://evil.example/"><button formaction="javascript:alert(4)">go</button></form>
<div style="background:url(http://evil.example/b)">x</div><iframe src="http://evil.example/"></iframe>
<p>"></iframe><script>alert(5)</script></p></body></html>"""


def shown(body: bytes, content_type: str = "text/html") -> str:
    page = Page(body, "http://a.example.org/<script>", content_type)
    return side_by_side((page, Extract()), lambda *_: None) or ""


def inner(file: str) -> str:
    root = etree.HTML(file)
    (frame,) = root.iter("iframe")
    assert frame.get("sandbox") == ""
    return frame.get("srcdoc") or ""


def test_kept_and_dropped_blocks_stand_beside_the_page() -> None:
    nav = b"<nav><ul><li><a href=/>Home</a><li><a href=/about>About us</a></ul></nav>"
    file = shown(english().replace(b"<article>", nav + b"<article>"))
    assert SENTENCES[0].strip() in inner(file)
    assert re.search(r'<p class="kept" data-likely="[01]\.\d\d">The lighthouse keeper', file)
    assert re.search(r'<p class="dropped" data-likely="0\.\d\d">About us', file)


def test_nothing_of_the_page_runs_loads_or_leads_away() -> None:
    file = shown(HOSTILE % english())
    assert "default-src 'none'" in file
    assert "<script" not in file
    page = inner(file)
    assert "<script" not in page
    assert not re.search(r"evil|javascript|\bon\w+=", page.replace("alert(5)", ""))


def test_a_plain_text_is_shown_as_it_is() -> None:
    assert "&lt;b&gt;" in inner(shown(b"some <b> text", "text/plain"))


def test_binary_has_nothing_to_show() -> None:
    assert shown(b"%PDF-1.7 and so on") == ""


def test_a_phone_shows_the_file_at_its_own_width() -> None:
    assert '<meta name="viewport" content="width=device-width">' in shown(english())


def test_dropped_text_is_dark_enough_to_be_read() -> None:
    """WCAG 2.1 asks for 4.5:1 on white."""
    grey = re.search(r"p.dropped \{ color: #(.)\1\1;", shown(english()))
    assert grey is not None
    value = int(grey[1] * 2, 16) / 255
    assert 1.05 / (((value + 0.055) / 1.055) ** 2.4 + 0.05) >= 4.5


def test_what_stands_behind_a_plug_in_is_shown() -> None:
    page = inner(shown(english().replace(b"<article>", b"<embed src=/film><article>")))
    assert SENTENCES[0].strip() in page
    assert "embed" not in page
