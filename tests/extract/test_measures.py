"""What is measured of a text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel

from webtext.extract import placeholders
from webtext.extract.measures import measure
from webtext.extract.page import Page, Row
from webtext.pretokens import PRETOKENS, count
from webtext.sections import Extract

pieces = ByteLevel(add_prefix_space=False)


def measured(text: str) -> Row:
    return measure(Page(text.encode(), "http://a.example.org/", "text/plain", "utf-8"), Extract())


def test_words_and_characters_are_counted() -> None:
    row = measured("Two words,\nnaïve  café.")
    assert (row["words"], row["chars"]) == (4, 23)


def test_plain_text_is_mended_as_a_page_is() -> None:
    assert (
        measured("The cafÃ© is open. It’s late.".replace("It’s", "Itâ€™s"))["text"]
        == "The café is open. It’s late."
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("one two\nthree four", "one two"),  # a line's end before a word's
        ("a\nsecondwordislong and more", "a\nsecondword"),  # but not in the first half
    ],
)
def test_a_long_text_is_cut_where_little_is_lost(text: str, kept: str) -> None:
    page = Page(text.encode(), "http://a.example.org/", "text/plain", "utf-8")
    row = measure(page, Extract(max_chars=12))
    assert (row["text"], row["cut_chars"]) == (kept, len(text) - len(kept))


def test_a_title_tells_a_page_that_is_none_and_a_long_text_one_that_is() -> None:
    assert placeholders.measure("404 Not Found", "Sorry.", 1)["soft_404"] > 0
    assert placeholders.measure("Page not found", "word " * 500, 500)["soft_404"] > 0
    assert placeholders.measure("Page not found", "word " * 501, 501)["soft_404"] == 0


@pytest.mark.parametrize(
    "text", ["I'll say: it's 1234 naïve cafés!!\n\n  Indented,  twice", "a" * 50, "你好，世界 🙂"]
)
def test_pretokens_are_the_pieces_of_gpt2s_tokenizer(text: str) -> None:
    assert measured(text)["pretokens"] == len(pieces.pre_tokenize_str(text))


@given(st.text(alphabet="aB1 '\n\t.,éй你\u3000’s", max_size=60))
def test_pretokens_are_the_tokenizers_pieces_for_any_text(text: str) -> None:
    assert len(PRETOKENS.findall(text)) == len(pieces.pre_tokenize_str(text))


@given(st.text(alphabet="astlvre1 '\n\t.é\u3000’", max_size=30) | st.text(max_size=30))
def test_pretokens_are_counted_as_the_pattern_finds_them(text: str) -> None:
    assert count(text) == len(PRETOKENS.findall(text))


@pytest.mark.parametrize("text", [" " * 1_000_000 + "x", "'" * 1_000_000, " \n" * 500_000, "'l" * 500_000])
def test_pretokens_of_a_hostile_text_take_no_time(text: str) -> None:
    started = time.process_time()
    count(text)
    assert time.process_time() - started < 5
