"""Documents that hold examples of test sets are left out of the shards, counted and named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines import decontamination, ledger, shards, status
from tests.pipelines.chains import refused
from tests.shards.corpora import Doc, make_corpus, make_docs, prose
from webtext import recipe, stage
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.errors import UserError
from webtext.overlap.contamination import TestSets
from webtext.progress import Progress
from webtext.reasons import SENTENCES

EXAMPLE, OTHER = prose("example", 60), prose("other", 60)


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in (OTHER, EXAMPLE)))
    return path


def docs() -> list[Doc]:
    made = make_docs(20)
    made[3] = replace(made[3], text=f"{prose('before')} {EXAMPLE} {prose('after')}")
    made[4] = replace(made[4], text=" ".join(EXAMPLE.split()[10:40]))  # a fragment of it
    made[5] = replace(made[5], text=f"{' '.join(OTHER.split()[:20])} {prose('rest')}")  # 13 of 53 8-grams
    made[6] = replace(made[6], text=EXAMPLE, cluster=made[3].id)
    return made


def build(corpus: Corpus, *settings: str) -> dict[str, Any]:
    """Builds the shards; the ids in them, and the counts of their manifest."""
    asked = recipe.override(corpus.recipe(), settings)
    corpus.freeze(asked)
    engine, quiet = InlineEngine(), Progress(quiet=True)
    decontamination.build(corpus, engine, asked, quiet)
    manifest, _ = shards.build(corpus, engine, asked, quiet)
    assert manifest.counts.balanced
    rows = [
        row
        for part in manifest.partitions
        for row in pq.read_table(corpus.root / "shards" / part.file, partitioning=None).to_pylist()
    ]
    return {"ids": {int(row["id"], 16) for row in rows}, "counts": manifest.counts.as_json()}


def asks(tests: Path, threshold: float = 0.5) -> tuple[str, str]:
    return f'shards.decontaminate=["{tests}"]', f"shards.decontaminate_threshold={threshold}"


def test_a_document_that_quotes_an_example_and_a_fragment_of_one_are_left_out(
    tmp_path: Path, tests: Path
) -> None:
    built = build(make_corpus(tmp_path / "c", docs()), *asks(tests))
    assert built["ids"] == set(range(20)) - {3, 4, 6}
    assert built["counts"] == {"in": 19, "out": 17, "merged": 0, "dropped": {"contaminated": 2}}


def test_test_sets_are_found_from_any_working_directory(
    tmp_path: Path, tests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tests.parent)
    corpus = make_corpus(tmp_path / "c", docs())
    asked = recipe.override(corpus.recipe(), asks(Path(tests.name)))
    work = decontamination.plan(corpus, asked).works[0]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (part,) = decontamination.write_parts([work.item], lambda *_: None)
    assert part.counts.into > 0


def test_the_threshold_says_how_much_of_an_example(tmp_path: Path, tests: Path) -> None:
    built = build(make_corpus(tmp_path / "c", docs()), *asks(tests, 0.2))
    assert built["ids"] == set(range(20)) - {3, 4, 5, 6}


def test_an_overlap_of_just_the_threshold_is_enough_and_every_document_is_counted(
    tmp_path: Path, tests: Path
) -> None:
    words = OTHER.split()[:15]
    tests.write_text(json.dumps({"text": " ".join(words)}) + "\n")
    made = make_docs(6)
    made[0] = replace(made[0], text=f"{' '.join(words[:11])} {prose('rest')}")  # 4 of 8 8-grams
    corpus = make_corpus(tmp_path / "c", made)
    assert build(corpus, *asks(tests, 0.5))["ids"] == set(range(1, 6))
    manifest = corpus.table(decontamination.TABLE).manifest()
    assert manifest is not None
    assert manifest.counts.as_json() == {"in": 6, "out": 5, "merged": 0, "dropped": {"contaminated": 1}}


def test_it_is_off_by_default_and_turned_off_all_are_back(tmp_path: Path, tests: Path) -> None:
    corpus = make_corpus(tmp_path / "c", docs())
    before = build(corpus)
    assert before["counts"]["dropped"] == {} and len(before["ids"]) == 19
    build(corpus, *asks(tests))
    assert build(corpus, "shards.decontaminate=[]") == before
    assert not corpus.table(decontamination.TABLE).folder.exists()


def test_the_ledger_says_which_example_of_which_file(tmp_path: Path, tests: Path) -> None:
    corpus = make_corpus(tmp_path / "c", docs())
    build(corpus, *asks(tests))
    read = ["pages", "documents", "clusters", decontamination.TABLE, "shards"]
    stage.run(corpus, InlineEngine(), ledger.plan(corpus, read), Progress(quiet=True))
    rows = pq.read_table(corpus.root / "ledger", partitioning=None).to_pylist()
    fates = {int(row["id"], 16): (row["state"], row["stage"], row["reason"]) for row in rows}
    assert fates[3] == fates[4] == ("filtered", "shards", "contaminated")
    assert fates[6] == ("duplicate", "clusters", "near")
    assert [fate[0] for fate in fates.values()].count("kept") == 17
    detail = next(row["detail"] for row in rows if int(row["id"], 16) == 3)
    assert detail == "53 8-grams of example 2 of test.jsonl, overlap 1.000"
    assert "contaminated" in SENTENCES


def test_another_content_of_the_file_makes_it_stale_and_nothing_before_it(
    tmp_path: Path, tests: Path
) -> None:
    corpus = make_corpus(tmp_path / "c", docs())
    build(corpus, *asks(tests))
    plan = decontamination.plan(corpus, corpus.recipe())
    assert stage.standing(corpus, plan).current
    tests.write_text(json.dumps({"text": OTHER}) + "\n")
    assert not stage.standing(corpus, decontamination.plan(corpus, corpus.recipe())).current
    assert build(corpus)["ids"] == set(range(20)) - {6}
    assert set(status.WANTED) <= set(status.PLANS)


def test_the_dataset_card_counts_them(tmp_path: Path, tests: Path) -> None:
    corpus = make_corpus(tmp_path / "c", docs())
    build(corpus, *asks(tests))
    card = (corpus.root / "shards" / "README.md").read_text()
    assert "| `contaminated`: the text holds an example of a test set in shards.decontaminate | 2 |" in card
    assert str(tests.parent) not in card


def test_when_all_are_contaminated_the_message_says_so(tmp_path: Path, tests: Path) -> None:
    all_of_them = [replace(doc, text=EXAMPLE) for doc in make_docs(3)]
    with pytest.raises(UserError, match="3 contaminated"):
        build(make_corpus(tmp_path / "c", all_of_them), *asks(tests))


def test_a_file_that_is_not_there_is_told_before_anything_is_done(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "c", docs())
    said = refused("build-shards", corpus.root, "--set", 'shards.decontaminate=["none.txt"]')
    assert f"shards.decontaminate: {Path.cwd() / 'none.txt'} is not a file" in said
    assert corpus.recipe().shards.decontaminate == []


def test_the_example_that_is_overlapped_most_is_named_the_first_of_equals(tests: Path) -> None:
    found = TestSets([tests, tests])
    words = OTHER.split()
    both, none = found.matches([f"{' '.join(words[:30])} {EXAMPLE}", "too short"])
    assert none is None and both is not None
    assert (both.file, both.example, both.shared, both.overlap) == ("test.jsonl", 2, 53, 1.0)
