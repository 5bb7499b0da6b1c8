"""What servers, consent managers and shops of domains show instead of a text; and words on lists."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.miniweb.plant_walls import WALLS
from tests.extract.web import SENTENCES
from webtext.errors import UserError
from webtext.extract.placeholders import KINDS, measure
from webtext.extract.verdict import PAGES
from webtext.extract.wordlists import resolve, words_of
from webtext.sections import Filter

ARTICLE = "".join(SENTENCES) * 6


def refused(title: str, text: str) -> list[str]:
    row = measure(title, text, len(text.split())) | {"lorem_ipsum": text.lower().count("lorem ipsum")}
    rules = Filter(max_lorem_ipsum=0)
    return [refusal[0] for bound in PAGES if (refusal := bound.judge(row, rules).refusal)]


@pytest.mark.parametrize("kind", WALLS)
def test_a_page_that_is_none_is_refused_for_what_it_is(kind: str) -> None:
    reason, title, text = WALLS[kind]
    assert refused(title, text) == [reason]


@pytest.mark.parametrize("kind", [kind for kind in WALLS if kind != "lorem ipsum"])
def test_an_article_that_quotes_one_is_a_page(kind: str) -> None:
    _, _, text = WALLS[kind]
    assert refused("On error pages", f"{ARTICLE}\n{text[:80]}\n{ARTICLE}") == []


def test_what_a_consent_platform_says_of_its_kinds_of_cookies_is_no_page() -> None:
    text = (
        "Manage Cookie Preferences. Cookies collect information about how you use a website. Their sole "
        "purpose is to improve website functions. These cookies allow a website to remember choices you "
        "have made in the past. These cookies track your online activity to help advertisers deliver "
        "more relevant advertising or to limit how many times you see an ad. They are almost always of "
        "third-party provenance."
    )
    assert refused("A lamp", f"{SENTENCES[0] * 5}\n{text}") == ["cookie_wall"]


def test_a_short_piece_with_a_picture_by_courtesy_of_someone_is_a_page() -> None:
    text = f"{SENTENCES[0] * 5}\nPhoto: Courtesy of the harbour\nRelated links"
    assert len(text.split()) < 100
    assert refused("A letter", text) == []


def test_curly_apostrophes_are_apostrophes() -> None:
    assert refused("", "Sorry, we can’t find that. The page you’re looking for is gone.") == ["soft_404"]


@given(st.text(max_size=200), st.integers(0, 2000))
def test_signs_are_never_negative_and_never_raise(text: str, words: int) -> None:
    found = measure(None, text, words)
    assert list(found) == list(KINDS)
    assert all(value >= 0 for value in found.values())


def test_a_phrase_right_behind_itself_counts_again() -> None:
    words = resolve(["buy now"], "filter.spam_words")
    assert words.per_1000_words(words_of("Buy now! Buy now! Buy now! Or later.")) == 375


def test_words_and_phrases_of_a_list_are_counted_per_thousand() -> None:
    words = resolve(["casino", "payday loan"], "filter.spam_words")
    assert words.per_1000_words(words_of("The casino, a CASINO! And no payday loan at all.")) == 300


def test_a_list_may_be_builtin_a_file_or_words(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("# mine\nfoo  # a word\nBar Baz\n")
    words = resolve(["builtin:adult", str(tmp_path / "own.txt"), "qux"], "filter.adult_words")
    assert {"foo", "qux", "porn"} <= words.words
    assert "bar baz" in words.phrases


@pytest.mark.parametrize("entry", ["builtin:nothing", "no/such/file.txt"])
def test_a_list_that_cannot_be_read_is_one_clear_line(entry: str) -> None:
    with pytest.raises(UserError, match=r"^filter\.spam_words: "):
        resolve([entry], "filter.spam_words")


@given(st.text(max_size=200))
def test_a_share_of_listed_words_is_bounded(text: str) -> None:
    found = resolve(["builtin:adult"], "filter.adult_words").per_1000_words(words_of(text))
    assert found >= 0
