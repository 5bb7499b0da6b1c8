"""Title, author and date, by what a page declares and else by what it shows."""

import json

import pytest

from webtext.extract.metadata import Metadata, metadata
from webtext.extract.tree import parse


def found(head: str = "", body: str = "", url: str | None = None, lines: tuple[str, ...] = ()) -> Metadata:
    root = parse(f"<html><head>{head}</head><body>{body}<p>text</p></body></html>")
    assert root is not None
    return metadata(root, url, "2020-12-31", lines)


def linked(**work: object) -> str:
    thing = {"@graph": [{"@type": "WebSite", "name": "A site"}, {"@type": "NewsArticle"} | work]}
    return f'<script type="application/ld+json">{json.dumps(thing)}</script>'


def test_a_declared_title_comes_before_the_visible_one() -> None:
    assert (
        found('<meta property="og:title" content="The lamp"><title>x</title>', "<h1>y</h1>").title
        == "The lamp"
    )


def test_a_title_element_loses_the_name_of_the_site() -> None:
    assert found("<title>How the lamp was lit | A site</title>").title == "How the lamp was lit"


def test_without_a_title_in_the_head_another_one_counts() -> None:
    assert found("<title>The lamp</title>", "<svg><title>Icon</title></svg>").title == "The lamp"
    assert found("", "<svg><title>Icon</title></svg>").title == "Icon"


def test_linked_data_names_authors_and_the_day() -> None:
    page = found(
        linked(author=[{"name": "Ada Lovelace"}, "Mary Somerville"], datePublished="2019-05-06T07:08Z")
    )
    assert (page.author, page.published) == ("Ada Lovelace; Mary Somerville", "2019-05-06")


def test_broken_linked_data_is_passed_over() -> None:
    script = '<script type="application/ld+json">{"@type": [[[</script>'
    assert found(script, '<a rel="author">Ada Lovelace</a>').author == "Ada Lovelace"


@pytest.mark.parametrize(
    ("byline", "author"),
    [
        ("By Ada Lovelace", "Ada Lovelace"),
        ("Posted by Ada Lovelace on May 6, 2019", "Ada Lovelace"),
        ("Von Ada Lovelace und Mary Somerville | 6. Mai 2019", "Ada Lovelace; Mary Somerville"),
        ("admin", None),
        ("www.example.org", None),
    ],
)
def test_names_are_read_from_a_byline(byline: str, author: str | None) -> None:
    assert found(body=f'<div class="byline">{byline}</div>').author == author


def test_commenters_are_no_authors() -> None:
    assert found(body='<span class="comment-author">Joe Public</span>').author is None


def test_the_day_in_an_address_is_believed_first() -> None:
    head = '<meta property="article:published_time" content="2018-01-01">'
    assert found(head, url="http://a.example.org/2019/05/06/lamp").published == "2019-05-06"


@pytest.mark.parametrize(
    "body",
    [
        '<time datetime="2019-05-06T10:00:00Z">yesterday</time>',
        '<span class="post-date">May 6, 2019</span>',
        '<p class="posted">6 May 2019</p>',
    ],
)
def test_visible_dates_are_read(body: str) -> None:
    assert found(body=body).published == "2019-05-06"


def test_a_line_about_the_beginning_may_hold_the_date() -> None:
    assert found(lines=("Our lamp", "6 May 2019")).published == "2019-05-06"


def test_no_date_after_the_latest_is_believed_and_the_next_one_is_tried() -> None:
    head = '<meta name="date" content="2021-05-06"><meta name="dc.date" content="2019-05-06">'
    assert found(head).published == "2019-05-06"


def test_a_page_that_says_nothing_has_none() -> None:
    assert found() == Metadata(None, None, None)
