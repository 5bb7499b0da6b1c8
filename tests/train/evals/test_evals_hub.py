"""Sets fetched by name become the official files, as the loaders read them."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from train.errors import TrainError
from train.evals import examples, hub, questions, run, texts
from train.evals.tasks import TASKS

pytest.importorskip("datasets", reason="needs the library datasets")

CLOZE = {
    "sentences": [f"sentence {number}" for number in range(1, 21)],
    "question": "the XXXXX ran",
    "answer": "cat",
    "options": ["cat", "dog"],
}
ROWS: dict[str, list[dict[str, Any]]] = {
    "lambada": [{"text": "he said “yes”"}],
    "cbt-cn": [CLOZE, CLOZE],
    "wikitext-2": [{"text": " \n"}, {"text": " = Title = \n"}],
    "hellaswag": [
        {"activity_label": "Run", "ctx_a": "He runs.", "ctx_b": "then", "endings": list("abcd"), "label": "2"}
    ],
    "wmt14-en-fr": [{"translation": {"fr": "chat", "en": "cat"}}],
    "cnn-dm": [{"article": "A cat.", "highlights": "Cat.", "id": "1"}],
    "nq": [{"question": "who", "answer": ["him", "her"]}],
}


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fetches a task's set from a folder of Parquet that stands for the hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))

    def fetch(task: str) -> Path:
        named = hub.SETS[task]
        folder = tmp_path / "hub" / task
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(ROWS[task]), folder / f"{named.split}-00000.parquet")
        monkeypatch.setitem(hub.SETS, task, replace(named, dataset=str(folder), config=None))
        return hub.fetch(task, tmp_path / "data")

    return fetch


@pytest.mark.parametrize("task", ROWS)
def test_what_is_fetched_is_found_where_the_task_looks(task: str, fetched: Any, tmp_path: Path) -> None:
    assert fetched(task) == TASKS[task].source.find(tmp_path / "data")


def test_lines_are_the_official_ones(fetched: Any) -> None:
    assert fetched("wikitext-2").read_text("utf-8") == " \n = Title = \n"
    assert texts.rows(fetched("lambada"), {"text": texts.TEXT}) == ROWS["lambada"]
    lines = "".join(f"{number} sentence {number}\n" for number in range(1, 21))
    cbt = fetched("cbt-cn")
    assert cbt.read_text("utf-8") == 2 * f"{lines}21 the XXXXX ran\tcat\t\tcat|dog\n\n"
    assert [question.answer for question in questions.cloze(cbt)] == ["cat", "cat"]
    assert questions.hellaswag(fetched("hellaswag"))[0].correct == 2
    assert json.loads(fetched("wmt14-en-fr").read_text("utf-8")) == {"fr": "chat", "en": "cat"}
    assert examples.stories(fetched("cnn-dm")) == [examples.Story("A cat.", ["Cat."])]
    assert len(examples.natural_questions(fetched("nq"))) == 1


def test_of_a_set_nothing_is_read_but_the_part_that_judges(fetched: Any, tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "nq"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(ROWS["nq"] * 99), folder / "train-00000.parquet")
    with (folder / "train-00000.parquet").open("r+b") as train:  # its schema, at its end, stays whole
        train.seek(4)
        train.write(b"\xff" * 40)
    assert fetched("nq").read_text("utf-8").count("\n") == 1


def test_of_a_set_the_part_is_fetched_that_its_file_is_named_for() -> None:
    for task, named in hub.SETS.items():
        judged = re.search(r"_val|\.dev", named.file)
        assert named.split == ("validation" if judged else "test"), task
    for size in ("2", "2-raw", "103"):
        found = hub.SETS[f"wikitext-{size}"]
        assert (found.config, Path(found.file).parent.name) == (f"wikitext-{size}-v1", f"wikitext-{size}")
    for kind in ("CN", "NE"):
        found = hub.SETS[f"cbt-{kind.lower()}"]
        assert found.config == kind and f"_{kind}_" in found.file


def test_a_set_without_a_name_says_where_its_file_comes_from(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"docs/eval\.md"):
        hub.fetch("enwik8", tmp_path)


def test_a_name_that_cannot_be_reached_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setattr("datasets.load_dataset", away)
    with pytest.raises(TrainError, match=r"nq_open could not be fetched from the hub: no route$"):
        hub.fetch("nq", tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_the_library_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(TrainError, match="--download needs a library: pip install datasets"):
        hub.fetch("nq", tmp_path)


def test_a_plan_fetches_nothing(tmp_path: Path) -> None:
    found = run.plan(run.request("gpt2", "nq,hellaswag", tmp_path / "none", None, "", download=True))
    assert [row["file"] for row in found["tasks"]] == [
        "google-research-datasets/nq_open, from the hub",
        "Rowan/hellaswag, from the hub",
    ]
    assert not list(tmp_path.iterdir())
