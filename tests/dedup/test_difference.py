"""In what two texts differ, as `explain` shows it."""

import random
import time

import pytest

from webtext.dedup.difference import CONTEXT, MOST, SHOWN, differences

TEXT = [f"w{n}" for n in range(200)]


def test_a_changed_an_added_and_a_missing_word_are_shown_in_their_surroundings() -> None:
    other = [*TEXT[:50], "new", *TEXT[51:100], "more", *TEXT[100:150], *TEXT[151:]]
    assert differences(" ".join(TEXT), " ".join(other)) == [
        "w45 w46 w47 w48 w49 [-w50-] {+new+} w51 w52 w53 w54 w55 …",
        "… w95 w96 w97 w98 w99 {+more+} w100 w101 w102 w103 w104 …",
        "… w145 w146 w147 w148 w149 [-w150-] w151 w152 w153 w154 w155 …",
    ]


def test_white_space_is_no_difference_case_and_punctuation_are() -> None:
    assert differences("one  two\nthree", "one two three") == []
    assert differences("one two three", "one Two, three") == ["one [-two-] {+Two,+} three"]


def test_characters_are_words_in_scripts_without_spaces() -> None:
    one, other = "吾輩は猫である。名前はまだ無い。", "吾輩は犬である。名前はまだ無い。"
    assert differences(one, other) == ["吾輩は [-猫-] {+犬+} である。名 …"]
    assert differences("ｗ　Web の", "ｗ Web は") == ["ｗ Web [-の-] {+は+}"]
    (line,) = differences("猫" * 1000, "犬" * 1000)
    assert len(line) < 4 * SHOWN and "(960 more words)" in line


def test_an_empty_text_differs_in_every_word() -> None:
    assert differences("", "") == []
    assert differences("one two", "") == ["[-one two-]"]


def test_no_more_is_shown_than_a_person_reads() -> None:
    many = " ".join(word if n % 3 else "x" for n, word in enumerate(TEXT))
    lines = differences(" ".join(TEXT), many)
    assert len(lines) == MOST + 1 and lines[-1] == f"{67 - MOST} more differences"
    (line,) = differences(" ".join(TEXT), " ".join([*TEXT[:100], *["y"] * 500, *TEXT[100:]]))
    assert len(line.split()) < 2 * CONTEXT + SHOWN + 6 and "(460 more words)" in line


def test_a_difference_late_in_long_texts_is_found() -> None:
    words = [f"w{n}" for n in range(100_000)]
    (line,) = differences(" ".join(words), " ".join([*words[:-10], "x", *words[-9:]]))
    assert "[-w99990-] {+x+}" in line


@pytest.mark.parametrize("vocabulary", [1, 2, 5, 100, 10**6])
def test_hundreds_of_thousands_of_odd_words_take_no_time(vocabulary: int) -> None:
    generator = random.Random(1)
    one, other = (" ".join(str(generator.randrange(vocabulary)) for _ in range(200_000)) for _ in "ab")
    started = time.process_time()
    assert "compared up to word" in differences(one, "start " + other)[-1]
    assert time.process_time() - started < 3
