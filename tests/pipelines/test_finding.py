"""Which link `explain` tells of: by any spelling of its URL, by an id, a submission, or where it led to."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines import explain
from pipelines.finding import find_link
from tests.pipelines.chains import webtext
from webtext import parquet
from webtext.corpus import TABLES, Corpus
from webtext.crawl import tombstones
from webtext.errors import UserError
from webtext.links.canonical import link_id, registered_domain
from webtext.links.partitions import partition_of
from webtext.manifest import Counts, Manifest, Part
from webtext.recipe import Recipe, override
from webtext.table import partition_name

STORY = "https://www.example.org/story/?a=1&b=2"
BERLIN = "http://xn--mnchen-3ya.example.net/stra%C3%9Fe"
TWINS = ("http://twin.example.com/x", "https://twin.example.com/x")
MOVED = ("http://short.example.com/1", "http://short.example.com/2")
LED_TO = {MOVED[0]: "https://Long.example.com/one", **dict.fromkeys(TWINS, "http://both.example.com/")}
LINKS = (STORY, BERLIN, *TWINS, *MOVED)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    found = Corpus(tmp_path)
    found.freeze(Recipe())
    _write(found, "links", [_link(number, url) for number, url in enumerate(LINKS)])
    pages = [{"id": link_id(url), "url": url, "final_url": LED_TO.get(url, url)} for url in LINKS]
    _write(found, "pages", [row | {"state": "fetched"} for row in pages])
    return found


def _link(number: int, url: str) -> dict[str, Any]:
    row = {"id": link_id(url), "url": url, "domain": registered_domain(url)}
    return row | {"submissions": [{"id": f"{number}abc{post}"} for post in range(2)]}


def _write(corpus: Corpus, name: str, *partitions: list[dict[str, Any]]) -> None:
    parts = []
    for number, rows in enumerate(partitions):
        path = corpus.table(name).folder / partition_name(number)
        made = parquet.write(path, TABLES[name], [pa.Table.from_pylist(rows, TABLES[name])])
        parts.append(Part(path.name, "key", made.rows, made.bytes, made.hash))
    count = sum(part.rows for part in parts)
    corpus.table(name).publish(Manifest(name, 1, "", "", tuple(parts), Counts(count, count)))


@pytest.mark.parametrize(
    ("asked", "url", "by"),
    [
        ("HTTPS://WWW.Example.org:443/story/?utm_source=x&a=1&b=2#top", STORY, "url"),
        ("http://MÜNCHEN.example.net/straße", BERLIN, "url"),
        (" münchen.example.net/straße ", BERLIN, "url"),
        ("http://example.org/story?b=2&a=1", STORY, "spelling"),
        ("www.example.org/story/?a=1&b=2", STORY, "spelling"),
        ("https://long.example.com/one/", MOVED[0], "redirect"),
        ("https://www.reddit.com/r/news/comments/0abc1/some_title/", STORY, "submission"),
        ("https://old.reddit.com/comments/1abc0?sort=new", BERLIN, "submission"),
        ("https://redd.it/4abc1", MOVED[0], "submission"),
        ("https://www.redd.it/4abc1/", MOVED[0], "submission"),
        ("https://reddit.com/user/someone/comments/4abc0", MOVED[0], "submission"),
        ("t3_0ABC0", STORY, "submission"),
        ("5abc0", MOVED[1], "submission"),
        (link_id(BERLIN), BERLIN, "id"),
    ],
)
def test_a_link_is_found_however_a_person_names_it(corpus: Corpus, asked: str, url: str, by: str) -> None:
    found = find_link(corpus, asked)
    assert (found.link["url"], found.by) == (url, by)


def test_a_url_is_looked_for_in_the_partition_of_its_domain_alone(corpus: Corpus) -> None:
    own = partition_of(registered_domain(STORY), 16)
    _write(corpus, "links", *([_link(0, STORY)] if number == own else [] for number in range(16)))
    for number in set(range(16)) - {own}:
        (corpus.table("links").folder / partition_name(number)).write_bytes(b"cannot be read")
    assert find_link(corpus, STORY).link["url"] == STORY


def test_a_link_is_found_though_its_domain_was_another_when_it_was_selected(corpus: Corpus) -> None:
    """As with an older list of public suffixes."""
    own, another = (partition_of(domain, 16) for domain in (registered_domain(STORY), "elsewhere.example"))
    assert own != another
    row = _link(0, STORY) | {"domain": "elsewhere.example"}
    for table, rows in (("links", [row]), ("pages", [{"id": row["id"], "url": STORY, "state": "dead"}])):
        _write(corpus, table, *(rows if number == another else [] for number in range(16)))
    assert find_link(corpus, STORY).link["url"] == STORY
    assert explain.run(corpus.root, STORY)["page"]["state"] == "dead"


def test_a_link_that_is_named_otherwise_is_said_to_be_another(corpus: Corpus) -> None:
    shown = webtext("explain", corpus.root, "https://long.example.com/one").stdout
    assert "https://long.example.com/one: no link itself; one led there:" in shown
    assert MOVED[0] in shown
    assert "no link itself" not in webtext("explain", corpus.root, MOVED[0]).stdout


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("http://www.twin.example.com/x/", rf"these are spelled nearly so, name one: {TWINS[0]}, {TWINS[1]}"),
        ("http://both.example.com/", rf"these led there, name one: {TWINS[0]}, {TWINS[1]}"),
        ("http://example.org/story?a=1&b=3", "not among the 6 links"),
        ("http://example.org/Story/?a=1&b=2", "not among the 6 links"),
        ("https://youtu.be/1", "its domain, youtu.be, is in the recipe's links.domains_blocked"),
        ("http://example.org/a.jpg", "its path ends in one of the recipe's links.extensions_blocked"),
        ("https://redd.it/9abc1", "links.domains_blocked"),
        ("9abc1", "nor has a link or a submission of one this id"),
        ("http://[bad", "cannot be parsed"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_is_known(corpus: Corpus, asked: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        find_link(corpus, asked)


def test_of_many_links_that_may_be_meant_five_are_named(corpus: Corpus) -> None:
    urls = [
        f"http{s}://{www}many.example.com/{end}"
        for s in ("", "s")
        for www in ("", "www.")
        for end in ("x", "x/")
    ]
    asked, *others = urls
    _write(corpus, "links", [_link(number, url) for number, url in enumerate(others)])
    with pytest.raises(UserError, match="these are spelled nearly so") as refusal:
        find_link(corpus, asked)
    assert str(refusal.value).endswith(f"name one: {', '.join(others[:5])} and 2 more")


def test_a_page_that_came_from_no_address_of_the_web_is_passed_over(corpus: Corpus) -> None:
    rows = [{"id": link_id(url), "url": url, "state": "fetched"} for url in MOVED]
    odd = "https://long.example.com:99999/"
    _write(
        corpus,
        "pages",
        [rows[0] | {"final_url": odd}, rows[1] | {"final_url": "https://long.example.com/one"}],
    )
    assert find_link(corpus, "https://long.example.com/one").link["url"] == MOVED[1]


def test_a_block_list_that_is_gone_keeps_no_answer_back(corpus: Corpus, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("blocked.example\n")
    corpus.freeze(override(Recipe(), [f'links.domains_blocked=["{listed}"]']))
    with pytest.raises(UserError, match=r"blocked\.example, is in the recipe's links\.domains_blocked"):
        find_link(corpus, "http://blocked.example/")
    listed.unlink()
    with pytest.raises(
        UserError, match=r"not among the 6 links .* no source named it, or a rule left it out"
    ):
        find_link(corpus, "http://blocked.example/")


def test_nothing_near_that_was_taken_out_too_is_named(corpus: Corpus) -> None:
    asked = "http://www.example.org/story/?a=1&b=2"
    stones = [tombstones.Tombstone("url", url, "2026-01-01", "asked for") for url in (asked, STORY)]
    tombstones.add(corpus.root, stones)
    with pytest.raises(UserError, match="took it out") as refusal:
        find_link(corpus, asked)
    assert "nearly so" not in str(refusal.value)


def test_a_url_that_was_taken_out_stands_for_no_other(corpus: Corpus) -> None:
    asked = "http://www.example.org/story/?a=1&b=2"
    tombstones.add(corpus.root, [tombstones.Tombstone("url", asked, "2026-01-01", "asked for")])
    with pytest.raises(UserError, match="took it out") as refusal:
        find_link(corpus, asked)
    assert str(refusal.value).endswith(f"; what is spelled nearly so is still there: {STORY}")
