"""Wikipedia, its mirrors, and what is neither."""

import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from webtext.extract.decode import decode
from webtext.extract.verdict import MOST_TRACES
from webtext.extract.wikipedia import on_wikipedia, traces

SUBTITLE = "<div>From <a href='/'>Wikipedia</a>,\n the free encyclopedia</div>"
NOTICE = "<td>This article needs additional citations for <a>verification</a>. Please help improve it.</td>"
LICENCE = "<li>Text is available under the <a>Creative Commons Attribution-ShareAlike License 4.0</a></li>"
RETRIEVED = 'Retrieved from "<a>https://en.wikipedia.org/w/index.php?title=Lamp&amp;oldid=1</a>"'
MARKUP = '<div id="mw-content-text"><div class="mw-parser-output"><h2>History <span>[edit]</span></h2>'
ENGINE = '<meta name="generator" content="MediaWiki 1.39.7"/>'
CREDIT = "This page uses material from the Wikipedia article Lamp, which is released under CC BY-SA."


@pytest.mark.parametrize(
    "url",
    [
        "https://en.wikipedia.org/wiki/Lamp",
        "http://de.m.wikipedia.org/",
        "https://wikipedia.org",
        "https://commons.wikimedia.org/wiki/File:Lamp.jpg",
        "https://www.wikidata.org/wiki/Q1",
        "https://fr.wiktionary.org/wiki/lampe",
    ],
)
def test_wikipedia_and_its_sisters_are_known_by_their_hosts(url: str) -> None:
    assert on_wikipedia(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://notwikipedia.org/",
        "https://wikipedia.org.example.com/",
        "https://www.mediawiki.org/",
        "http://[",
        None,
    ],
)
def test_other_hosts_are_not_on_wikipedia(url: str | None) -> None:
    assert not on_wikipedia(url)


def test_a_link_that_leads_to_wikipedia_is_on_wikipedia() -> None:
    assert on_wikipedia("https://short.example.org/x", "https://en.wikipedia.org/wiki/Lamp")


@pytest.mark.parametrize(
    "page",
    [
        SUBTITLE + RETRIEVED,
        MARKUP + SUBTITLE,
        MARKUP + LICENCE + "<a>Wikipedia</a>",
        CREDIT + NOTICE,
        ENGINE + MARKUP + CREDIT,
        "Lampe – aus Wikipedia, der freien Enzyklopädie" + MARKUP,
    ],
)
def test_copies_of_articles_carry_several_traces(page: str) -> None:
    assert traces(f"<html><body>{page}</body></html>") > MOST_TRACES


@pytest.mark.parametrize(
    "page",
    [
        '<p>See <a href="https://en.wikipedia.org/wiki/Lamp">Wikipedia</a> of 2 May 2019, "Lamp".',
        "<p>As “From Wikipedia, the free encyclopedia” says under every title, anyone may edit it.</p>",
        ENGINE + MARKUP + NOTICE + LICENCE + "<p>Unlike Wikipedia, this wiki is about one game.</p>",
        ENGINE + MARKUP,
        "<p>Photo: Wikimedia Commons, CC BY-SA. Source: Wikipedia</p>",
        "",
    ],
)
def test_pages_that_cite_wikipedia_and_other_wikis_do_not(page: str) -> None:
    assert traces(f"<html><body>{page}</body></html>") <= MOST_TRACES


@pytest.mark.slow
def test_of_real_pages_only_those_of_wikipedia_have_traces_enough(shared: Path) -> None:
    """950 pages, 81 of which mention Wikipedia and three of which are other MediaWiki sites."""
    table = pq.read_table(shared / "pages" / "pages.parquet", columns=["url", "html"])
    fired = set()
    for row in table.to_pylist():
        decoded = decode(row["html"], None)
        if decoded and traces(decoded.text) > MOST_TRACES:
            fired.add(row["url"])
    assert fired == {url for url in table["url"].to_pylist() if on_wikipedia(url)}
    assert len(fired) == 2


def test_a_hostile_page_takes_little_time() -> None:
    started = time.process_time()
    for page in (
        "<" * 3_000_000 + "wikip",
        "wikip" * 600_000,
        "[edit]" * 300_000 + "wikip",
        "wikipedia article " * 100_000,
    ):
        traces(page)
    assert time.process_time() - started < 5
