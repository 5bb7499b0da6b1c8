"""Whatever a string holds, in the page it is text."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.audit import figures
from webtext.audit.markup import Markup, element, foreign, link
from webtext.unseen import visible

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(ANY_TEXT)
def test_any_text_stays_text(text: str) -> None:
    reader = _Reader()
    reader.feed(element("p", text, title=text))
    reader.close()
    assert reader.tags == ["p"]
    assert reader.text == visible(text)


@given(ANY_TEXT)
def test_any_text_gives_well_formed_xml(text: str) -> None:
    root = ElementTree.fromstring(element("svg", element("title", text), aria_label=text))
    assert root[0].text in (visible(text), None)


@given(ANY_TEXT)
def test_any_url_is_a_link_only_where_it_is_http_or_https(url: str) -> None:
    assert link(f"javascript:{url}").startswith('<span class="url"><bdi')
    assert link(f"http://{url}").startswith('<a class="url" href="http://')


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("nul\x00", "nul\\u0000"),
        ("esc\x1b[2J", "esc\\u001b[2J"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_controls_and_marks_of_direction_are_written_out(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


def test_letters_of_every_script_and_joined_emoji_stay_as_they_are() -> None:
    text = "Ünïcödé Ελληνικά العربية हिन्दी 中文 👩‍👩‍👧\n\t"
    assert visible(text) == text


def test_text_from_the_web_is_isolated_in_its_direction() -> None:
    assert foreign("שלום") == "<bdi>שלום</bdi>"


def test_a_long_text_loses_its_middle_not_its_ends() -> None:
    text = foreign("a" * 500 + "z" * 500, 40)
    assert "…zzz" in text
    assert len(text.split(">")[1]) < 50


@pytest.mark.parametrize("attribute", ["onclick", "ONLOAD", "style"])
def test_attributes_that_run_code_are_refused(attribute: str) -> None:
    with pytest.raises(ValueError, match="not an attribute"):
        element("a", **{attribute: "alert(1)"})


@pytest.mark.parametrize("href", ["javascript:alert(1)", "data:text/html,x", "//host/", "file:///etc"])
def test_addresses_that_are_not_of_the_web_are_refused(href: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        element("a", href=href)


def test_markup_is_not_escaped_twice() -> None:
    inner = element("b", "<")
    assert element("p", inner) == Markup("<p><b>&lt;</b></p>")


def test_numbers_read_as_people_write_them() -> None:
    assert [figures.plain(value) for value in (-1234, 1234.5)] == ["−1,234", "1,234.50"]
    assert (figures.number(None), figures.percent(None), figures.size(None)) == ("–",) * 3
    assert figures.share(1, 0) == 0 and figures.share(1, 3) == 0.333333


def test_shares_have_as_many_digits_as_they_need() -> None:
    shares = {0: "0 %", 0.00009: "< 0.01 %", 0.0001: "0.01 %", 0.0099: "0.99 %", 0.01: "1.0 %", 1: "100.0 %"}
    assert {value: figures.plain_percent(value).replace("\u202f", " ") for value in shares} == shares


def test_sizes_and_axes_have_decimal_units() -> None:
    sizes = {
        999: "999 bytes",
        1000: "1.0 kB",
        999_000: "999.0 kB",
        2.5e6: "2.5 MB",
        3e9: "3.0 GB",
        4e15: "4,000.0 TB",
    }
    assert {value: figures.plain_size(value).replace("\u202f", " ") for value in sizes} == sizes
    ticks = {999: "999", 1000: "1k", 1500: "1.5k", 1e6: "1M", 2e9: "2G"}
    assert {value: figures.compact(value) for value in ticks} == ticks
