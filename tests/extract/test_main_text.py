"""The main text of pages: what it keeps, and that it depends on its page alone."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.extract.web import SENTENCES, english
from webtext.extract.measures import measure
from webtext.extract.page import EXTRACTOR, Page, Row
from webtext.extract.text import Extracted, extract
from webtext.sections import Extract

PAGE = """<html><head><title>The lamp | A site</title><meta name="author" content="Ada Lovelace">{head}</head>
<body><nav><ul><li><a href="/">Home</a><li><a href="/about">About</a></ul></nav><article><h1>The lamp</h1>
<p>{text}</p><h2>Parts</h2><ul><li>a wick</li><li>some oil</li></ul>
<pre><code>def light(lamp):
    return lamp.on()</code></pre><table><tr><td>oil</td><td>2 litres</td></tr></table><p>{text}</p></article>
<div id="comments" class="comments"><p>First! What a nice page about lamps this is, thank you.</p></div>
<footer>Copyright 2019 A site, all rights reserved</footer></body></html>"""


def lamp(head: str = "") -> str:
    return PAGE.format(text="".join(SENTENCES), head=head)


def published(head: str, latest: str | None = "2020-12-31") -> str | None:
    return extract(lamp(head), "http://a.example.org/", Extract(), latest).published


def test_paragraphs_headings_lists_tables_and_code_stay() -> None:
    text = extract(lamp(), None, Extract()).text
    for part in (
        SENTENCES[0].strip(),
        "\nParts\n",
        "- a wick\n- some oil",
        "    return lamp.on()",
        "| oil | 2 litres |",
    ):
        assert part in text


def test_navigation_comments_and_footers_go() -> None:
    text = extract(lamp(), None, Extract()).text
    assert not any(part in text for part in ("About", "First!", "Copyright"))


def test_replies_that_are_marked_up_as_the_post_is_are_no_comments() -> None:
    text, reply = "".join(SENTENCES), f"Thank you all. {''.join(SENTENCES)}".strip()
    post = f'<h1>The lamp</h1><div class="topic-body crawler-post"><p>{text}</p><p>{text}</p></div>'
    replies = f'<div class="topic-body crawler-post" itemprop="comment"><p>{reply}</p></div>'
    assert reply in extract(f"<body>{post}{replies}</body>", None, Extract()).text
    comments = replies.replace("crawler-post", "crawler-comment")
    assert reply not in extract(f"<body>{post}{comments}</body>", None, Extract()).text


def test_what_a_consent_platform_shows_is_no_main_text_however_much_it_is() -> None:
    said = "These cookies allow us to count visits and sources, so that we can measure and improve the site."
    dialog = f'<div id="onetrust-consent-sdk"><div><h2>Cookies</h2>{f"<p>{said}</p>" * 20}</div></div>'
    page = lamp().replace("<article>", f"{dialog}<article>")
    assert extract(page, None, Extract()) == extract(lamp(), None, Extract())
    assert extract(f"<body>{dialog}</body>", None, Extract()).text == ""


def test_where_no_block_is_surely_the_text_trafilatura_is_asked() -> None:
    caption = "The harbour at dusk, seen from the old lighthouse on the hill."
    page = f'<div class="caption">{caption}</div><div class="nav"><a href="/next">next</a></div>'
    found = extract(page, None, Extract())
    assert found.extractor == "trafilatura"
    assert caption in found.text
    assert extract(lamp(), None, Extract()).extractor == EXTRACTOR


@pytest.mark.parametrize(("tag", "kept"), [("p", ""), ("pre", "    ")])
def test_of_trafilaturas_text_only_code_is_indented(tag: str, kept: str) -> None:
    odd = f"<{tag}>The harbour at dusk,\n    seen from the lighthouse on the hill.</{tag}>"
    found = extract(f'<div class="caption">{odd}</div><a href="/next">next</a>', None, Extract())
    assert found.extractor == "trafilatura"
    assert f"\n{kept}seen" in found.text


def test_a_page_that_only_leads_elsewhere_has_no_text() -> None:
    links = "".join(f'<li><a href="/{n}">Section number {n}</a></li>' for n in range(20))
    assert extract(f"<ul>{links}</ul>", None, Extract()).text == ""


@pytest.mark.parametrize(
    "end",
    ["</body></html>", "</BODY>\n</HTML>\n<!DOCTYPE html><html><body>", "</Body >\n</Html\n>", "</html x>"],
)
def test_a_page_that_goes_on_behind_its_end_is_read_to_its_last_line(end: str) -> None:
    head, body = lamp().split("<article>")
    assert extract(f"{head}{end}<article>{body}", None, Extract()) == extract(lamp(), None, Extract())


def test_trafilatura_too_is_given_what_stands_behind_a_false_end() -> None:
    caption = "The harbour at dusk, seen from the old lighthouse on the hill."
    page = f'</html><div class="caption">{caption}</div><div class="nav"><a href="/next">next</a></div>'
    found = extract(page, None, Extract())
    assert (found.extractor, found.text) == ("trafilatura", caption)


@pytest.mark.parametrize(
    "odd",
    [
        "<template><div></template>",
        "<template><template><ul></template><div></template>",
        "<script>x = '<template>'</script><!-- <template> --><template><div></template>",
        "<script>x = '<template>'</script>",
        '<noscript><div><img src="/pixel></noscript>',
        "<noscript><iframe src=/frame></noscript>",
        "<embed src=/lamp.swf>",
        "<map name=lamp><area href=/wick>",
    ],
)
def test_an_element_that_shows_nothing_takes_nothing_of_the_page_with_it(odd: str) -> None:
    head, body = lamp().split("<article>")
    assert extract(f"{head}{odd}<article>{body}", None, Extract()) == extract(lamp(), None, Extract())


def test_title_author_and_date_are_found() -> None:
    found = extract(lamp('<meta property="article:published_time" content="2019-05-06">'), None, Extract())
    assert (found.title, found.author, found.published) == ("The lamp", "Ada Lovelace", "2019-05-06")


def test_author_and_date_stand_about_the_heading_of_the_text_not_of_the_menu() -> None:
    page = lamp().replace("<nav>", f"<nav><h1>Menu</h1>{'<p>Home</p>' * 9}")
    page = page.replace('<meta name="author" content="Ada Lovelace">', "")
    page = page.replace("<h1>The lamp</h1>", "<h1>The lamp</h1><p>By Ada Lovelace</p><p>6 May 2019</p>")
    found = extract(page, None, Extract())
    assert (found.author, found.published) == ("Ada Lovelace", "2019-05-06")


def test_a_date_without_a_day_is_the_first_of_the_month_on_any_day() -> None:
    assert published('<meta name="date" content="2017-07">') == "2017-07-01"


def test_no_date_after_the_latest_is_believed() -> None:
    head = '<meta property="article:published_time" content="2031-05-06">'
    assert published(head) is None
    assert published(head, latest="2031-12-31") == "2031-05-06"


def test_a_page_without_a_text_is_empty() -> None:
    assert extract("", None, Extract()) == Extracted("")


def test_a_plain_text_is_its_own_text() -> None:
    row = measured(b"A line.\r\n\r\n\r\n\r\n    An indented <b>line</b>.\n", "text/plain")
    assert row["text"] == "A line.\n\n    An indented <b>line</b>."


@pytest.mark.parametrize("before", ["", "\ufeff", "\n", '<?xml version="1.0" encoding="UTF-8"?>\n'])
def test_html_sent_as_plain_text_is_html(before: str) -> None:
    text = measured(before.encode() + b"<!DOCTYPE html>" + english(), "text/plain")["text"]
    assert "<" not in text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_html_in_utf_16_sent_as_plain_text_is_html(encoding: str) -> None:
    page = f"<!DOCTYPE html>{english().decode()}".encode(encoding)
    assert "<" not in measured(page, "text/plain")["text"]
    words = "A text about <html> in wide characters."
    assert measured(words.encode(encoding), "text/plain")["text"] == words


@pytest.mark.parametrize("before", ["Write this:\n", "<?xml?> is not needed in "])
def test_a_plain_text_about_html_is_none(before: str) -> None:
    text = f"{before}<!DOCTYPE html>\n<html><p>text</p></html>"
    assert measured(text.encode(), "text/plain")["text"] == text


def test_a_text_that_is_too_long_is_cut_at_the_end_of_a_line() -> None:
    row = measured(b"some words\n" * 100, "text/plain", max_chars=105)
    assert row["text"] == "\n".join(["some words"] * 9)
    assert (row["chars"], row["cut_chars"]) == (98, 1001)


def test_a_line_that_ends_where_a_text_is_cut_stays() -> None:
    assert measured(b"some words\n" * 100, "text/plain", max_chars=109)["chars"] == 109


@pytest.mark.slow
def test_a_page_gives_the_same_after_fifty_others(shared: Path) -> None:
    """In a process of its own, and after fifty others in this one."""
    table = pq.read_table(shared / "pages" / "pages.parquet", columns=["html", "url"])
    pages = sorted(table.slice(0, 200).to_pylist(), key=lambda page: len(page["html"]))[40:91]
    for page in pages:
        row = measured(page["html"], url=page["url"] or "")
    assert row["words"] > 100
    alone = subprocess.run(
        [sys.executable, "-c", ALONE, pages[-1]["url"] or ""],
        input=pages[-1]["html"],
        capture_output=True,
        check=True,
    )
    assert alone.stdout.decode() == repr(row)


ALONE = """
import sys
from webtext.extract.measures import measure
from webtext.extract.page import Page
from webtext.sections import Extract
sys.stdout.reconfigure(encoding="utf-8")
print(repr(measure(Page(sys.stdin.buffer.read(), sys.argv[1], "text/html"), Extract())), end="")
"""


def measured(body: bytes, content_type: str = "text/html", max_chars: int = 1_000_000, url: str = "") -> Row:
    return measure(Page(body, url, content_type), Extract(max_chars=max_chars))
