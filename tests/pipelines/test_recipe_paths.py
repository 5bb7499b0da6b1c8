"""Relative paths in a recipe are frozen as absolute ones, so that a corpus goes on from any directory."""

from pathlib import Path

import pytest

from pipelines.request import Request
from webtext import recipe
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.progress import Progress

FILE_SETTINGS = [
    ("links.subreddits_blocked", ["list.txt"]),
    ("links.domains_blocked", ["./list"]),
    ("links.extensions_blocked", ["list.txt"]),
    ("filter.adult_words", ["lists/../list.txt"]),
    ("filter.spam_words", ["list.txt"]),
    ("shards.decontaminate", ["list"]),
    ("tokens.tokenizer", "vocabulary"),
]


def asked(root: Path, key: str, value: object) -> object:
    made = Request(root, settings=(f"{key}={value}",)).wanted()
    section, name = key.split(".")
    return getattr(getattr(made, section), name)


@pytest.mark.parametrize(("key", "value"), FILE_SETTINGS, ids=lambda each: str(each))
def test_a_path_is_that_of_the_directory_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: list[str] | str
) -> None:
    monkeypatch.chdir(tmp_path)
    there = [str(tmp_path / path) for path in value] if isinstance(value, list) else str(tmp_path / value)
    assert asked(tmp_path / "c", key, value) == there


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("links.subreddits_blocked", ["r/pics", "aww"]),
        ("links.domains_blocked", ["builtin:media", "example.com"]),
        ("links.extensions_blocked", [".txt", "zip"]),
        ("filter.adult_words", ["builtin:adult", "two words"]),
        ("tokens.tokenizer", "train"),
        ("tokens.tokenizer", "gpt2"),
    ],
    ids=lambda each: str(each),
)
def test_names_and_lists_that_ship_stay_as_they_are(tmp_path: Path, key: str, value: object) -> None:
    assert asked(tmp_path / "c", key, value) == value


@pytest.mark.parametrize(("key", "value"), FILE_SETTINGS, ids=lambda each: str(each))
def test_a_path_that_was_frozen_relative_is_no_other_recipe(tmp_path: Path, key: str, value: object) -> None:
    corpus = Corpus(tmp_path)
    corpus.freeze(recipe.override(recipe.Recipe(), [f"{key}={value}"]))
    Request(tmp_path, settings=(f"{key}={value}",)).settle(Progress(quiet=True))
    assert asked(tmp_path, key, value) == value


def test_a_recipe_without_a_name_is_not_taken_for_the_default(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a file nor a recipe that ships; those that ship are demo,"):
        Request(tmp_path, recipe="").wanted()
