"""Title, author and date, by what a page declares and else by what it shows."""

import json
import time
from datetime import datetime

import pytest

from webtext.extract.days import first_day
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


@pytest.mark.parametrize(
    "declared", ["The lamp | The Example", "The lamp - example.org", "The lamp – A blog of Ada's"]
)
def test_a_declared_title_loses_the_name_of_the_site(declared: str) -> None:
    head = (
        f'<meta property="og:title" content="{declared}"><meta property="og:site_name" content="The Example">'
    )
    assert found(head, "<h1>The lamp</h1>", url="https://www.example.org/lamp").title == "The lamp"


def test_a_declared_title_loses_the_name_of_the_site_without_a_heading_that_says_so_too() -> None:
    for name in ("og:site_name", "application-name"):
        site = f'<meta name="{name}" content="The example">'
        assert found(f'<meta property="og:title" content="Oil – The Example">{site}').title == "Oil"
    head = '<meta property="og:title" content="Oil | The Example">'
    assert found(head + linked(publisher={"name": "The Example"})).title == "Oil"
    assert found(head, url="https://a.example.org/").title == "Oil | The Example"


def test_a_letter_of_the_address_is_no_name_of_a_site() -> None:
    head = '<meta property="og:title" content="Vitamin | A">'
    assert found(head, url="http://a.example.org/").title == "Vitamin | A"


def test_the_first_of_these_names_that_a_page_declares_is_its_title() -> None:
    names = ["og:title", "twitter:title", "dc.title", "dcterms.title", "citation_title", "headline", "title"]
    for start, first in enumerate(names):
        metas = [f'<meta name="{name}" content="By {name}">' for name in names[start:]]
        head = "".join(reversed(metas)) + linked(headline="The last") + "<title>x</title>"
        assert found(head).title == f"By {first}"
    assert found(linked(headline="The lamp") + "<title>x</title>").title == "The lamp"


def test_the_only_heading_comes_before_the_title_element_and_the_first_of_several_behind_it() -> None:
    head, several = "<title>Lamps and oil | A site</title>", "<h1>The lamp</h1><h1>The oil</h1>"
    assert found(head, "<h1>How to light it</h1>").title == "How to light it"
    assert found(head, several).title == "Lamps and oil"
    assert found(body=several).title == "The lamp"


def test_a_heading_of_more_than_300_characters_is_no_title() -> None:
    assert found("<title>The lamp</title>", f"<h1>{'a' * 300}</h1>").title == "a" * 300
    assert found("<title>The lamp</title>", f"<h1>{'a' * 301}</h1>").title == "The lamp"


def test_a_declared_title_that_begins_with_the_name_of_the_site_stays_whole() -> None:
    head = '<meta property="og:title" content="The Example - How to light a lamp">'
    site = '<meta property="og:site_name" content="The Example">'
    body = "<h1>The Example</h1><h1>How to light a lamp</h1>"
    assert found(head + site, body).title == "The Example - How to light a lamp"
    assert found(head, body).title == "The Example - How to light a lamp"


def test_a_heading_that_names_the_site_is_no_title() -> None:
    assert found("<title>How to light it - The lamp</title>", "<h1>The Lamp</h1>").title == "How to light it"
    page = found("<title>How to light a lamp</title>", "<h1>Example.org</h1>", url="http://example.org/")
    assert page.title == "How to light a lamp"
    assert found(body="<h1>Example</h1>", url="http://example.org/").title == "Example"


def test_a_title_of_a_million_dashes_takes_no_time() -> None:
    started = time.process_time()
    found(f'<meta property="og:title" content="{"a - " * 1_000_000}">', "<h1>a</h1>")
    assert time.process_time() - started < 5


def test_without_a_title_in_the_head_another_one_counts() -> None:
    assert found("<title>The lamp</title>", "<svg><title>Icon</title></svg>").title == "The lamp"
    assert found("", "<svg><title>Icon</title></svg>").title == "Icon"


def test_linked_data_names_authors_and_the_day() -> None:
    page = found(
        linked(author=[{"name": "Ada Lovelace"}, "Mary Somerville"], datePublished="2019-05-06T07:08Z")
    )
    assert (page.author, page.published) == ("Ada Lovelace; Mary Somerville", "2019-05-06")


def script(*things: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(things)}</script>'


def article(author: object, kind: str = "NewsArticle", **more: object) -> dict[str, object]:
    return {"@type": kind, "author": author} | more


def test_of_linked_data_what_is_an_article_counts_first_and_then_what_comes_first() -> None:
    page, first, second = (article(f"Ada {name}") for name in ("Byron", "Lovelace", "King"))
    page["@type"] = "WebPage"
    assert found(script(page, first, second)).author == "Ada Lovelace"
    assert found(script(page, [second, first])).author == "Ada King"
    assert found(script(page)).author == "Ada Byron"


def test_linked_data_names_people_in_lists_and_each_once() -> None:
    people = [{"name": ["Mary Somerville", 7]}, "Ada Lovelace", {"name": "Mary Somerville"}, None, {"id": 1}]
    assert found(script(article(people))).author == "Mary Somerville; Ada Lovelace"


def test_linked_data_is_read_with_breaks_within_its_texts_and_of_a_type_in_any_case() -> None:
    thing = json.dumps(article("Ada Lovelace", text="two\nlines")).replace("\\n", "\n")
    assert found(f'<script type="Application/LD+JSON">{thing}</script>').author == "Ada Lovelace"


def test_a_day_of_linked_data_that_is_no_text_is_passed_over() -> None:
    assert found(script(article("a", datePublished=20190506), article("b", datePublished="2018-01-02"))) == (
        Metadata(None, None, "2018-01-02")
    )


@pytest.mark.parametrize(
    "hostile",
    [
        f'<script type="application/ld+json">{"[" * 100_000}</script>',
        script(*[{}] * 1999, article("Ada Lovelace")),
        script(article("Ada Lovelace"), "x" * 1_000_000),
    ],
    ids=["deep", "many", "long"],
)
def test_linked_data_without_end_is_not_read(hostile: str) -> None:
    assert found(f"<title>The lamp</title>{hostile}") == Metadata("The lamp", None, None)
    assert found(script(*[{}] * 1998, article("Ada Lovelace"))).author == "Ada Lovelace"


def test_of_elements_that_may_hold_an_author_or_a_date_only_so_many_are_read() -> None:
    empty, named = '<b class="author"></b>', '<b class="author">Ada Lovelace</b>'
    assert found(body=empty * 49 + named).author == "Ada Lovelace"
    assert found(body=empty * 50 + named).author is None
    bare, dated = '<b class="date"></b>', '<b class="date">May 6, 2019</b>'
    assert found(body=bare * 49 + dated).published == "2019-05-06"
    assert found(body=bare * 50 + dated).published is None
    other = '<b class="meta-box comment"></b>'  # neither author nor date
    assert found(body=other * 199 + named).author == "Ada Lovelace"
    assert found(body=other * 200 + named).author is None


def test_of_a_name_that_a_page_declares_twice_the_first_that_says_something_counts() -> None:
    said = ("", "2019-05-06", "2018-01-01")
    head = "".join(f'<meta itemprop="DatePublished" content="{day}">' for day in said)
    assert found(head).published == "2019-05-06"


def test_a_single_word_that_a_page_declares_as_its_author_is_no_name() -> None:
    assert found('<meta name="author" content="Ada">').author is None
    assert found('<meta name="Author" content="Ada Lovelace">').author == "Ada Lovelace"


@pytest.mark.parametrize(
    ("tag", "head", "url", "day"),
    [
        ('<html lang="en-US">', "", "https://a.example.org/", "2019-03-09"),
        ('<html lang="en-GB">', '<meta property="og:locale" content="en_US">', None, "2019-09-03"),
        ('<html lang="en">', '<meta property="og:locale" content="en_US">', None, "2019-03-09"),
        ("<html>", "", "https://a.example.us:443/x", "2019-03-09"),
    ],
)
def test_the_language_and_the_address_say_which_pages_are_american(
    tag: str, head: str, url: str | None, day: str
) -> None:
    root = parse(f"{tag}<head>{head}</head><body><time>3/9/2019</time><p>text</p></body></html>")
    assert root is not None
    assert metadata(root, url, "2020-12-31").published == day


@pytest.mark.parametrize(
    "body",
    [
        '<a rel="author">Ada Lovelace</a>',
        '<b id="byline">Ada Lovelace</b>',
        '<i itemprop="Author">Ada Lovelace</i>',
        '<i itemprop="author"><b itemprop="name" content="Ada Lovelace">Ada L.</b></i>',
    ],
)
def test_an_author_is_shown_by_these_marks(body: str) -> None:
    assert found(body=f'<a rel="nofollow">Mary Somerville</a>{body}').author == "Ada Lovelace"


@pytest.mark.parametrize(
    ("body", "day"),
    [
        ('<abbr title="2019-05-06">in May</abbr>', None),
        ('<abbr class="published" title="2019-05-06">in May</abbr>', "2019-05-06"),
        ('<span itemprop="datePublished" content="2019-05-06">in May</span>', "2019-05-06"),
        ('<abbr datetime="2019-05-06">in May</abbr>', "2019-05-06"),
        ('<b class="date" datetime="2019-05-06" content="2018-01-02" title="2017-01-02"></b>', "2019-05-06"),
        ('<b class="comment-date">May 6, 2019</b>', None),
        ('<b class="event-date">May 6, 2019</b>', None),
    ],
)
def test_a_date_is_shown_by_these_marks(body: str, day: str | None) -> None:
    assert found(body=body).published == day


def test_any_day_is_believed_of_a_page_whose_capture_is_not_known() -> None:
    root = parse('<meta name="date" content="2031-05-06"><p>text</p>')
    assert root is not None
    assert metadata(root, None).published == "2031-05-06"


def test_broken_linked_data_is_passed_over() -> None:
    script = '<script type="application/ld+json">{"@type": [[[</script>'
    assert found(script, '<a rel="author">Ada Lovelace</a>').author == "Ada Lovelace"


@pytest.mark.parametrize(
    ("byline", "author"),
    [
        ("By Ada Lovelace", "Ada Lovelace"),
        ("Posted by Ada Lovelace on May 6, 2019", "Ada Lovelace"),
        ("Von Ada Lovelace und Mary Somerville | 6. Mai 2019", "Ada Lovelace; Mary Somerville"),
        ("By Ada Lovelace June 3, 2019", "Ada Lovelace"),
        ("By Ada Lovelace Last Updated: June 3, 2019", "Ada Lovelace"),
        ("Par Ada Lovelace le 3 juin 2019", "Ada Lovelace"),
        ("Veröffentlicht am 6. Mai 2019 von Ada Lovelace", "Ada Lovelace"),
        ("By Ada Lovelace, Mary Somerville, and Lady Byron", "Ada Lovelace; Mary Somerville; Lady Byron"),
        ("By Ada Lovelace, https://example.org", "Ada Lovelace"),
        ("Monday, November 12", None),
        ("© 2019", None),
        ("admin", None),
        ("www.example.org", None),
    ],
)
def test_names_are_read_from_a_byline(byline: str, author: str | None) -> None:
    assert found(body=f'<div class="byline">{byline}</div>').author == author


def test_a_line_about_the_heading_may_hold_a_byline() -> None:
    assert found(lines=("The lamp", "By Ada Lovelace | May 6, 2019")).author == "Ada Lovelace"
    assert (
        found(lines=("By clicking Accept, you agree, Privacy Policy", "By date", "Door Gas Springs")).author
        is None
    )


def test_who_publishes_a_site_is_the_author_of_what_names_no_other() -> None:
    head = linked(author={"name": "The Example"}, publisher={"name": "The Example"})
    assert found(head).author == "The Example"
    assert found(head, lines=("By Ada Lovelace",)).author == "Ada Lovelace"
    assert found(head, '<p class="byline">Ada Lovelace</p>').author == "Ada Lovelace"


def test_of_an_author_in_microdata_the_name_alone_counts() -> None:
    member = '<section itemprop="author"><h4><a itemprop="name">Ada</a></h4><h5>Senior Member</h5></section>'
    assert found(body=member).author == "Ada"


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


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("Updated Sept. 3, 2019", "2019-09-03"),
        ("By ADA LOVELACE, Dec. 25, 2019 at 8 PM EST", "2019-12-25"),
        ("05 MAY 2019", "2019-05-05"),
        ("Posted 12/25/2019", "2019-12-25"),
    ],
)
def test_dates_are_read_as_newspapers_write_them(line: str, day: str) -> None:
    assert found(lines=(line,)).published == day


@pytest.mark.parametrize(
    ("head", "url", "day"),
    [
        ("", None, "2019-09-03"),
        ('<meta property="og:locale" content="en_US">', None, "2019-03-09"),
        ('<meta property="og:locale" content="en_US">', "https://a.example.co.uk/", "2019-09-03"),
        ('<meta property="og:locale" content="en_GB">', "https://a.example.org/", "2019-09-03"),
        ("", "https://a.example.gov/x", "2019-03-09"),
    ],
)
def test_the_month_comes_before_the_day_on_american_pages(head: str, url: str | None, day: str) -> None:
    assert found(head, "<time>3/9/2019</time>", url).published == day
    assert found(head, "<time>13/9/2019</time>", url).published == "2019-09-13"
    assert found(head, "<time>3/9/19</time>", url).published == day


@pytest.mark.parametrize(
    "line",
    [
        "Publicado el 4 de julio de 2017",
        "martedì 4 luglio 2017",
        "4 de Julho de 2017 às 12:30",
        "4 juli 2017",
        "4 lipca 2017",
        "4 июля 2017 г.",
    ],
)
def test_months_of_other_languages_are_read(line: str) -> None:
    assert found(lines=(line,)).published == "2017-07-04"


def test_the_day_of_a_change_is_believed_last() -> None:
    changed = '<meta property="og:updated_time" content="2020-02-03">'
    assert found(changed).published == "2020-02-03"
    assert found(changed + linked(datePublished="2019-05-06")).published == "2019-05-06"
    assert found(changed, '<span class="post-date">May 6, 2019</span>').published == "2019-05-06"


def test_a_line_about_the_beginning_may_hold_the_date() -> None:
    assert found(lines=("Our lamp", "6 May 2019")).published == "2019-05-06"


def test_no_date_after_the_latest_is_believed_and_the_next_one_is_tried() -> None:
    head = '<meta name="date" content="2021-05-06"><meta name="dc.date" content="2019-05-06">'
    assert found(head).published == "2019-05-06"


def test_a_page_that_says_nothing_has_none() -> None:
    assert found() == Metadata(None, None, None)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        (" 2019-05 ", "2019-05-01"),
        ("2020-12-31", "2020-12-31"),
        ("2021-01-01", None),
        ("1995-01-01", "1995-01-01"),
        ("1994-12-31", None),
        ("2019-02-29", None),
        ("2019.07", "2019-07-01"),
        ("2019.07.31", "2019-07-31"),
        ("2019.12.5", "2019-12-05"),
        ("2019-12-5", "2019-12-05"),
        ("2019-12-05-08:00", "2019-12-05"),
        (f"May 6, 2019{' ' * 90}{'a' * 99}", "2019-05-06"),
        (f"May 6, 2019{' ' * 90}{'a' * 100}", None),
    ],
)
def test_a_day_is_whole_real_and_within_the_time_of_the_web(said: str, day: str | None) -> None:
    assert first_day([said], datetime(2020, 12, 31)) == day


def test_years_of_two_digits_are_those_around_the_webs_beginning() -> None:
    days = [first_day([f"3/9/{year}"], datetime(2020, 12, 31), month_first=True) for year in ("96", "19")]
    assert days == ["1996-03-09", "2019-03-09"]
