"""`webtext audit --against`: how much of a test set is in the corpus, exactly and by the paper's filters."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipelines import audit, overlap
from tests.pipelines.chains import refused
from tests.shards.corpora import prose
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.errors import UserError
from webtext.overlap import bloom
from webtext.overlap.ngrams import Ngrams
from webtext.overlap.report import Seen, entry, paper_row
from webtext.overlap.texts import Example
from webtext.progress import Progress

QUIET = Progress(quiet=True)
SEEN, NEW = prose("seen", 100), prose("new", 100)


@pytest.fixture(scope="module")
def corpus(plant: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    texts = [SEEN, *(prose(n, 200) for n in range(5))]
    links = [plant.link(f"http://a.example/{n}", text=text) for n, text in enumerate(texts)]
    made: Corpus = plant.corpus(tmp_path_factory.mktemp("overlap") / "corpus", links)
    return made


def measured(corpus: Corpus, *against: str, use_bloom: bool = False) -> dict[str, Any]:
    return overlap.measure(corpus, InlineEngine(), overlap.named(against), QUIET, use_bloom=use_bloom)


def rows(path: Path, texts: Sequence[str]) -> str:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


@pytest.mark.parametrize("use_bloom", [False, True])
def test_the_file_and_each_example_have_their_percentage(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use_bloom: bool
) -> None:
    monkeypatch.setattr(overlap, "STRINGS", 1000)
    half = " ".join(SEEN.split()[:50] + NEW.split()[:50])
    found = measured(corpus, rows(tmp_path / "t.jsonl", [NEW, SEEN, half, "short"]), use_bloom=use_bloom)
    row = found["t.jsonl"]
    assert (row["ngrams"], row["overlapping"]) == (3 * 93, 93 + 43)
    assert row["percent"] == round(100 * 136 / 279, 4)
    assert [(each["example"], each["percent"]) for each in row["examples"]] == [(2, 100.0), (3, 46.2366)]
    assert row["examples"][0]["text"] == SEEN[:500]
    assert (row["examples_measured"], row["examples_overlapping"]) == (3, 2)
    counted = {each["up_to_percent"]: each["examples"] for each in row["example_deciles"] if each["examples"]}
    assert counted == {0: 1, 50: 1, 100: 1}


def of_examples(shares: Sequence[tuple[int, int]], texts: Sequence[str] = ("a",)) -> dict[str, Any]:
    """The entry of a file whose examples, numbered by tens, have so many of so many 8-grams in a corpus."""
    owner = [number for number, (_, count) in enumerate(shares) for _ in range(count)]
    mask = np.array([n < hits for hits, count in shares for n in range(count)], bool)
    examples = tuple(Example(10 * number, list(texts)) for number in range(1, len(shares) + 1))
    grams = Ngrams(np.arange(len(owner), dtype=np.uint64), np.array(owner, np.int64), examples)
    found: dict[str, Any] = entry(grams, Seen(mask, 7), None, "", None)
    return found


def test_examples_are_listed_by_their_share_then_by_what_they_share_then_as_they_come() -> None:
    found = of_examples([(1, 4), (1, 2), (0, 9), (2, 4), (2, 4), (3, 9)])
    listed = [(each["example"], each["overlapping"], each["ngrams"]) for each in found["examples"]]
    assert listed == [(40, 2, 4), (50, 2, 4), (20, 1, 2), (60, 3, 9), (10, 1, 4)]
    assert (found["examples_measured"], found["examples_overlapping"]) == (6, 5)
    assert (found["ngrams"], found["overlapping"], found["corpus_ngrams"]) == (32, 9, 7)


def test_a_share_of_whole_tenths_counts_as_up_to_that_and_each_tenth_has_a_row() -> None:
    found = of_examples([(hits, 10) for hits in range(10)] + [(11, 100), (0, 0)])["example_deciles"]
    assert [row["up_to_percent"] for row in found] == list(range(0, 101, 10))
    assert [row["examples"] for row in found] == [1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 0]


def test_a_file_that_is_in_the_corpus_as_a_whole_does_not_fill_its_report() -> None:
    listed = of_examples([(1, 1)] * 1001, texts=["question", "x" * 1000])["examples"]
    assert len(listed) == 1000
    assert listed[0]["text"] == "question\n" + "x" * 491


def test_filters_say_how_large_they_are_and_how_many_strangers_they_took_for_one_of_theirs(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "STRINGS", 2000)
    monkeypatch.setattr(bloom, "MAX_BITS", 12)
    monkeypatch.setattr(bloom, "MIN_BITS", 10)
    test = rows(tmp_path / "t.jsonl", [SEEN, NEW])
    found = measured(corpus, test, use_bloom=True)["t.jsonl"]
    assert found["filter"]["filters"] == 11
    assert found["filter"]["bytes"] == 11 * 2**12 // 8
    assert found["filter"]["random_strings"] == 2000
    assert found["filter"]["false_positives"] == 0
    assert found["overlapping"] == measured(corpus, test)["t.jsonl"]["overlapping"] == 93


def test_a_test_set_is_also_held_against_its_own_training_set(corpus: Corpus, tmp_path: Path) -> None:
    train = tmp_path / "train.txt"
    train.write_text(NEW)
    test = rows(tmp_path / "t.jsonl", [SEEN, NEW])
    found = measured(corpus, f"{test}={train}")["t.jsonl"]
    assert found["own"] == {
        "file": "train.txt",
        "ngrams": 93,
        "filter": None,
        "overlapping": 93,
        "percent": 50.0,
    }


def test_files_of_one_name_are_told_apart_by_their_folders(corpus: Corpus, tmp_path: Path) -> None:
    for folder in ("wikitext-2", "wikitext-103"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test.txt").write_text(SEEN)
    found = measured(corpus, *(str(path) for path in sorted(tmp_path.glob("*/test.txt"))))
    assert {name: row["paper"]["webtext"] for name, row in found.items()} == {
        "wikitext-103/test.txt": 2.42,
        "wikitext-2/test.txt": 1.63,
    }


def test_files_and_folders_of_one_name_are_told_apart_by_more_folders(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "test" / "a.jsonl" for folder in ("one", "two")]
    for path in paths:
        path.parent.mkdir(parents=True)
        rows(path, [SEEN])
    names = [test.name for test in overlap.named([str(path) for path in paths])]
    assert names == ["one/test/a.jsonl", "two/test/a.jsonl"]


def test_a_file_that_is_given_twice_is_one_test(tmp_path: Path) -> None:
    test, train = rows(tmp_path / "test.jsonl", [SEEN]), rows(tmp_path / "train.jsonl", [SEEN])
    assert overlap.named([test, f"{test}={train}", test]) == [
        overlap.Test("test.jsonl", Path(test), Path(train))
    ]


@pytest.mark.parametrize(
    ("train", "said"), [("", "is not a file"), ("other.jsonl", "has two training files")]
)
def test_a_training_file_that_is_none_or_a_second_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("test.jsonl", "train.jsonl", "other.jsonl"):
        rows(Path(name), [SEEN])
    with pytest.raises(UserError, match=said):
        overlap.named(["test.jsonl=train.jsonl", f"test.jsonl={train}"])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("ptb/ptb.test.txt", "PTB"),
        ("x/news.en.heldout-00000-of-00050", "1BW"),
        ("enwik8", "enwik8"),
        ("Penn/TEST.txt", "PTB"),
        ("wikitext-103/text8", "text8"),
        ("lambada/lambada_test.jsonl", None),
    ],
)
def test_the_papers_row_is_found_by_the_files_name(path: str, name: str | None) -> None:
    row = paper_row(Path(path))
    assert (row and row["name"]) == name


def test_the_report_has_an_entry_per_file_in_its_json_and_on_its_page(corpus: Corpus, tmp_path: Path) -> None:
    test = rows(tmp_path / "ptb.test.jsonl", [SEEN, "<script>alert(1)</script> " + SEEN])
    against = audit.Against((test,))
    numbers = audit.run(corpus, tmp_path / "out", QUIET, against)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["overlap"]["ptb.test.jsonl"] == numbers["overlap"]["ptb.test.jsonl"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Overlap with test sets" in page
    assert "<script>alert" not in page
    again = audit.run(corpus, tmp_path / "out", QUIET)
    assert "overlap" not in again


def test_a_corpus_without_shards_is_one_clear_line(plant: SimpleNamespace, tmp_path: Path) -> None:
    crawled = plant.corpus(tmp_path / "crawled", plant.links(), until="pages")
    with pytest.raises(UserError, match="no shards yet"):
        measured(crawled, rows(tmp_path / "t.jsonl", [SEEN]))


def test_of_a_file_without_an_8_gram_nothing_is_said(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    against = audit.Against((rows(tmp_path / "words.jsonl", ["one", "two"]),))
    found = audit.run(corpus, tmp_path / "out", Progress(), against)["overlap"]["words.jsonl"]
    assert (found["ngrams"], found["percent"]) == (0, None)
    assert "words.jsonl: has no 8-gram" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "test.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match="a zip file"):
        overlap.named([str(tmp_path / "test.zip")])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--against", "none.txt"), "none.txt is not a file"), (("none.txt",), "named with --against")],
)
def test_a_mistake_is_told(corpus: Corpus, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused("audit", corpus.root, *arguments)


def test_random_strings_are_as_many_different_ones() -> None:
    assert len(set(overlap.random_strings(5000).tolist())) == 5000


def test_bloom_filters_of_nothing_are_refused(tmp_path: Path) -> None:
    assert "--bloom: nothing to compare with" in refused("audit", tmp_path, "--bloom")
