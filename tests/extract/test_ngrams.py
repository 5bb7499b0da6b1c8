"""Compiled and not, repeated n-grams come to the same characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.extract.ngrams import repeated_chars_by_python

compiled = pytest.importorskip(
    "webtext.extract._ngrams", reason="the n-grams were not compiled", exc_type=ImportError
)
WORDS = st.lists(st.sampled_from(["a", "bb", "é", "你好", "😀", "\ud800"]), max_size=200)


@given(WORDS, st.integers(1, 5), st.integers(1, 12))
def test_compiled_code_gives_the_same_as_python(words: list[str], top: int, longest: int) -> None:
    assert compiled.repeated_chars(words, top, longest) == repeated_chars_by_python(words, top, longest)


def test_a_long_text_of_one_word_is_one_repeated_ngram() -> None:
    assert compiled.repeated_chars(["spam"] * 300_000, 4, 5)[-1] == 4 * 300_000


@pytest.mark.parametrize("words", [("a", "b"), ["a", 1], ["a", []], None])
def test_what_is_no_list_of_words_is_refused(words: object) -> None:
    with pytest.raises(TypeError):
        compiled.repeated_chars(words, 4, 10)
