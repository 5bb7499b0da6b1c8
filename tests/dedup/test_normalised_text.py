"""When two texts count as the same."""

import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.dedup.normalise import FOLD_ALL, normalise, normalise_by_numpy, text_hash


@pytest.fixture(scope="module")
def compiled() -> Any:
    return pytest.importorskip(
        "webtext.dedup._normalise", reason="normalising was not compiled", exc_type=ImportError
    )


def hashed(text: str) -> bytes:
    return text_hash(text, normalise(text))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Hello, World!", "hello world"),
        (" A\tline,\r\n\n and   another ", "a line and another"),
        ("“Don’t” — she said…", "don t she said"),
        ("ＦＵＬＬ　ｗｉｄｔｈ １２３", "full width 123"),
        ("ΣΊΣΥΦΟΣ straße Ёлка", "σίσυφοσ straße ёлка"),
        ("soft\u00adhyphen, zero\u200bwidth", "softhyphen zerowidth"),
        ("naïve café nº 5", "naïve café no 5"),
        ("हिन्दी में", "हिन्दी में"),
        ("한국어 문장", "한국어 문장"),
        ("I ❤️ C", "i c"),
        ("one\x00two\x85three", "one two three"),
    ],
)
def test_case_space_punctuation_and_compatibility_forms_are_folded(text: str, same: str) -> None:
    assert normalise(text).decode() == same


@pytest.mark.parametrize(
    ("fold", "one", "other", "same"),
    [
        (("space", "punctuation"), "One  (two)", "One two", True),
        (("space", "punctuation"), "One two", "one two", False),
        (("case", "space"), "ONE, two!", "one,\n two!", True),
        (("case", "space"), "one, two", "one two", False),
        (("case", "punctuation"), "One, (two)", "one two", True),
        (("case", "punctuation"), "one two", "one\ntwo", False),
        (("case", "punctuation"), "one two", "one  two", False),
        (("case", "punctuation"), "全，文", "全文", True),
        ((), "one two", "one two", True),
        ((), "ｏne t\u00adwo", "one two", True),
        ((), "one． two！", "one. two!", True),
        (("case", "space"), "全，文", "全文", False),
    ],
)
def test_what_the_recipe_does_not_fold_makes_a_difference(
    fold: tuple[str, ...], one: str, other: str, same: bool
) -> None:
    folded = frozenset(fold)
    hashes = {text_hash(text, normalise(text, folded), folded) for text in (one, other)}
    assert (len(hashes) == 1) == same


def test_words_are_separated_by_white_space_even_where_that_is_not_folded() -> None:
    assert normalise("One,\n two!", frozenset()) == b"One, two!"
    assert normalise("One,\n two!", frozenset(("case", "punctuation"))) == b"one two"


def test_punctuation_between_words_separates_them_when_it_is_folded() -> None:
    assert normalise("and/or", frozenset(("punctuation",))) == b"and or"


@pytest.mark.parametrize("text", ["全文、检索。", "全 文检 索", "全文\n检索"])
def test_without_spaces_each_character_is_a_word(text: str) -> None:
    assert normalise(text).decode() == "全 文 检 索"


def test_scripts_may_be_mixed() -> None:
    assert normalise("Python入門ガイド 3.12").decode() == "python 入 門 ガ イ ド 3 12"


def test_texts_without_a_word_are_told_apart_by_their_characters() -> None:
    assert normalise("* * *") == b""
    assert hashed("* * *") == hashed(" *\n* * ")
    assert len({hashed(text) for text in ("* * *", "→ → →", "")}) == 3


@given(st.text())
def test_normalising_is_done_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once.decode("utf-8", "surrogatepass")) == once


folds = st.frozensets(st.sampled_from(sorted(FOLD_ALL)))
mixed = st.text(st.characters() | st.sampled_from(" \n\0aB.全ガ𝒳\u200b\ud800"))


@pytest.mark.usefixtures("compiled")
@given(mixed, folds)
def test_compiled_code_normalises_as_numpy_does(text: str, fold: frozenset[str]) -> None:
    assert normalise(text, fold) == normalise_by_numpy(text, fold)


def test_tables_of_another_size_are_refused(compiled: Any) -> None:
    with pytest.raises(ValueError, match="65536"):
        compiled.normalise("a", bytes(2 << 16), bytes(1 << 15))


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_text_is_folded_as_in_any_other_text(text: str) -> None:
    assert normalise(text + " é") == normalise(text + " e")[:-1] + "é".encode()


def test_every_character_can_be_normalised() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert normalise(everything) == normalise_by_numpy(everything)
    letters = everything.encode("utf-8", "ignore").decode()  # without surrogates
    assert normalise(letters) == normalise_by_numpy(letters)
    once = normalise(everything).decode("utf-8", "surrogatepass")
    assert "  " not in once and normalise(once).decode("utf-8", "surrogatepass") == once


@pytest.mark.parametrize("unit", ["a", " ", "a ", "全", "é!", "\u200b", "𝒳"])
def test_a_million_odd_characters_take_no_time(unit: str) -> None:
    started = time.process_time()
    normalise(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 2
