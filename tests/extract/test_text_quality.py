"""Gopher's and C4's measures, each on a text made for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.extract.quality import measure

PROSE = "The keeper wrote a letter and climbed the stairs. It was late, and nobody saw him go up to the lamp."
COUNTS = {"stop_words", "sentences", "curly_brackets", "lorem_ipsum", "word_chars", "symbols"}


def measured(text: str) -> dict[str, Any]:
    return measure(text, text.split())


@pytest.mark.parametrize(
    ("measure_name", "text", "value"),
    [
        ("word_chars", "one three", 4),
        ("symbols", "# one # two", 0.5),
        ("symbols", "# one... # two", 0.5),  # of hash signs and ellipses those that are more
        ("symbols", "well... so… go on", 0.5),
        ("alphabetic_words", "one 2 3 four!", 0.5),
        ("alphabetic_words", "one ½ m² ①", 0.5),  # numerals of any kind are no letters
        ("stop_words", "The cat and the dog", 2),
        ("bullet_lines", "- one\n• two\nthree\nfour", 0.5),
        ("ellipsis_lines", "one...\ntwo…\nthree\nfour", 0.5),
        ("open_lines", "One.\nTwo\nThree!\nFour", 0.5),
        ("repeated_lines", "one\ntwo\none\none", 0.5),
        ("repeated_line_chars", "aaaa\nb\naaaa\nc", 0.4),
        ("repeated_paragraphs", "one\n\ntwo\n\none\n\nthree", 0.25),
        ("repeated_paragraph_chars", "aaaa\n\nb\n\naaaa\n\nc", 0.4),
        ("top_2grams", "aa bb cc aa bb dd", 8 / 12),
        ("top_3grams", "a b c d a b c e", 6 / 8),
        ("top_4grams", "a b c d e a b c d f", 8 / 10),
        ("repeated_5grams", "a b c d e x a b c d e y", 10 / 12),
        ("repeated_10grams", "a b c d e f g h i j x a b c d e f g h i j y", 20 / 22),
        ("sentences", "One. Two! Three? 3.14 is no end.", 4),
        ("curly_brackets", "if (a) { b }", 2),
        ("lorem_ipsum", "Lorem ipsum dolor, lorem ipsum.", 2),
    ],
)
def test_a_measure_of_a_text_that_has_it(measure_name: str, text: str, value: float) -> None:
    assert measured(text)[measure_name] == pytest.approx(value, abs=1e-4)


def test_overlapping_repeats_count_their_characters_once() -> None:
    assert measured("a " * 50)["repeated_5grams"] == 1


def test_prose_has_no_repetition() -> None:
    found = measured(PROSE)
    assert not any(value for name, value in found.items() if name.startswith(("repeated", "top")))


@given(st.text(alphabet="ab #….\n-{é你1", max_size=300))
def test_every_measure_is_bounded_and_the_same_each_time(text: str) -> None:
    found = measured(text)
    assert found == measured(text)
    assert all(0 <= value <= 1 for name, value in found.items() if name not in COUNTS)
    assert all(value >= 0 for value in found.values())
