"""The dataset card."""

import tomllib

import pyarrow as pa
import pytest

from webtext import recipe
from webtext.extract.libraries import Libraries
from webtext.manifest import Counts
from webtext.recipe import Recipe
from webtext.shards.card import TOP, Summary, card


@pytest.fixture
def summary() -> Summary:
    made = Summary()
    rows = [
        {"domain": "a.example", "language": "en", "words": 10, "duplicates": 2},
        {"domain": "a.example", "language": "no", "words": 5, "duplicates": 0},
        {"domain": "b|c.example", "language": None, "words": 5, "duplicates": 0},
    ]
    made.add("train", pa.Table.from_pylist(rows), tokens=1234, text_bytes=5000)
    return made


def made_card(
    summary: Summary,
    *settings: str,
    stages: dict[str, Counts] | None = None,
    made_with: Libraries | None = None,
) -> str:
    return card(
        recipe.override(Recipe(), settings), summary, stages or {}, "a vocabulary of 300", made_with or {}
    )


def test_a_corpus_of_a_list_of_urls_is_not_said_to_be_of_reddit(summary: Summary) -> None:
    assert "Reddit" not in made_card(summary).split("## Numbers")[0]


def test_the_numbers_are_told(summary: Summary) -> None:
    text = made_card(summary)
    assert "| train | 3 | 20 | 1,234 | 5,000 |" in text
    assert "2 duplicates" in text
    assert "| a.example | 2 |" in text
    assert "| b\\|c.example | 1 |" in text


def test_the_files_of_a_split_and_the_splits_add_up(summary: Summary) -> None:
    row = {"domain": "a.example", "language": "en", "words": 7, "duplicates": 3}
    for split, tokens in (("train", 1000), ("test", 10)):
        summary.add(split, pa.Table.from_pylist([row]), tokens=tokens, text_bytes=2 * tokens)
    text = made_card(summary)
    assert "| train | 4 | 27 | 2,234 | 7,000 |" in text
    assert "| test | 1 | 7 | 10 | 20 |" in text
    assert "| total | 5 | 34 | 2,244 | 7,020 |" in text
    assert "8 duplicates" in text


def test_the_most_frequent_domains_are_told_and_how_many_are_the_others() -> None:
    made = Summary()
    domains = ["often.example"] * 2 + [f"{n:02}.example" for n in reversed(range(TOP + 4))]
    rows = [{"domain": domain, "language": "en", "words": 1, "duplicates": 0} for domain in domains]
    made.add("train", pa.Table.from_pylist(rows), tokens=1, text_bytes=1)
    told = made_card(made).split("## Top domains")[1].split("##")[0].strip().splitlines()[2:]
    first = [f"| {n:02}.example | 1 |" for n in range(TOP - 1)]
    assert told == ["| often.example | 2 |", *first, "| 5 others | 5 |"]


def test_a_split_without_documents_is_not_offered(summary: Summary) -> None:
    header = made_card(summary).split("---")[1]
    assert "train-*.parquet" in header
    assert "validation" not in header


def test_a_language_that_yaml_takes_for_a_truth_value_stays_a_language(summary: Summary) -> None:
    assert '- "no"' in made_card(summary)


def test_drops_are_told_by_reason_with_their_sentence(summary: Summary) -> None:
    text = made_card(summary, stages={"documents": Counts(9, 3, 0, {"too_short": 6})})
    assert "| `too_short`: the text has fewer tokens than filter.min_tokens | 6 |" in text


def test_the_libraries_that_extracted_the_texts_are_told_where_they_are_known(summary: Summary) -> None:
    text = made_card(summary, made_with={"ftfy": ["6.3"], "lxml": ["5.3", "6.0"]})
    assert "The texts were extracted with ftfy 6.3, lxml 5.3 and 6.0." in text
    assert "Libraries" not in made_card(summary)


def test_what_a_stage_got_is_told_whole_the_most_frequent_reason_first(summary: Summary) -> None:
    counts = Counts(20, 4, 5, {"self_post": 1, "karma": 7, "over_18": 3})
    told = made_card(summary, stages={"links": counts}).split("and why\n\n")[1].split("\n\n")[0]
    lines = [line.strip("| ").rsplit(" | ", 1) for line in told.splitlines()[2:]]
    assert [(text.partition(":")[0], count) for text, count in lines] == [
        ("**links**", "20"),
        ("merged", "5"),
        ("`karma`", "7"),
        ("`over_18`", "3"),
        ("`self_post`", "1"),
        ("went on", "4"),
    ]


def test_the_recipe_is_told_without_people_machines_and_places(summary: Summary) -> None:
    text = made_card(
        summary,
        "crawl.contact=me@home.example",
        "crawl.proxy=http://127.0.0.1:4711",
        'crawl.sources=["live", "warc:/data/old/a.warc.gz"]',
        "tokens.tokenizer=/home/me/vocabulary",
        'links.domains_blocked=["builtin:media", "/home/me/blocked.txt"]',
    )
    told = tomllib.loads(text.split("```toml\n")[1].split("```")[0])
    assert told["shards"]["seed"] == 1337
    assert told["crawl"]["sources"] == ["live", "warc:a.warc.gz"]
    assert told["links"]["domains_blocked"] == ["builtin:media", "blocked.txt"]
    assert not any(secret in text for secret in ("me@", "4711", "/home", "/data"))
