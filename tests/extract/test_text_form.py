"""Text has one form."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from webtext.extract.normalise import normalise


def test_characters_are_composed() -> None:
    assert normalise("cafe\u0301") == "café"


def test_line_ends_are_one_kind() -> None:
    assert normalise("a\r\nb\rc\u2028d\x0be") == "a\nb\nc\nd\ne"


def test_what_cannot_be_seen_is_gone() -> None:
    assert normalise("a\x00b\u200bc\ufeffd\u00ade\u202ef\ud800g\x1b") == "abcdefg"


def test_joiners_that_spell_words_stay() -> None:
    assert normalise("می\u200cخواهم 👩\u200d🚀") == "می\u200cخواهم 👩\u200d🚀"


def test_spaces_that_do_not_break_are_spaces() -> None:
    assert normalise("10\xa0km") == "10 km"


def test_indentation_stays_and_trailing_space_goes() -> None:
    assert normalise("def f():  \n    return 1\t\n") == "def f():\n    return 1"


def test_no_more_than_one_line_is_blank() -> None:
    assert normalise("\n\na\n \n\n\t\nb\n\nc\n") == "a\n\nb\n\nc"


@given(st.text())
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode("utf-8")
