"""Evaluation sets by their name on the Hugging Face hub, written as the official files that `texts` reads."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train import files
from train.errors import TrainError

Row = dict[str, Any]


@dataclass(frozen=True)
class Named:
    """A set of the hub; `file` is where in the data folder it goes, `line` what a row becomes there."""

    dataset: str
    config: str | None
    split: str
    file: str
    line: Callable[[Row], str]


def fetch(task: str, folder: Path) -> Path:
    """Writes a task's set below `folder`, whole or not at all, and returns its file. Raises TrainError for a
    set that has no such name, without the library, and where the hub does not answer."""
    named = SETS.get(task)
    if named is None:
        raise TrainError(f"{task} is not fetched by name: docs/eval.md says where its file comes from")
    try:
        import datasets
    except ImportError:
        raise TrainError("--download needs a library: pip install datasets") from None
    try:  # streaming: else all of a set's splits are fetched, of WMT'14 gigabytes to train on
        rows = list(datasets.load_dataset(named.dataset, named.config, split=named.split, streaming=True))
    except Exception as error:  # whatever the library, the hub's client and the HTTP library beneath it raise
        first_line = str(error).partition("\n")[0]
        raise TrainError(f"{named.dataset} could not be fetched from the hub: {first_line}") from None
    path = folder / named.file
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, "".join(map(named.line, rows)))
    return path


def _json(*keys: str) -> Callable[[Row], str]:
    return lambda row: json.dumps({key: row[key] for key in keys}, ensure_ascii=False) + "\n"


def _text(row: Row) -> str:
    return str(row["text"])  # line ends included


def _pair(row: Row) -> str:
    return json.dumps(row["translation"], ensure_ascii=False) + "\n"


def _cloze(row: Row) -> str:
    """CBT's own layout: twenty numbered lines, then the question with its candidates."""
    before = "".join(f"{number} {line}\n" for number, line in enumerate(row["sentences"], 1))
    options: Sequence[str] = row["options"]
    return f"{before}21 {row['question']}\t{row['answer']}\t\t{'|'.join(options)}\n\n"


def _cbt(kind: str) -> Named:
    return Named("cam-cst/cbt", kind, "validation", f"cbt/cbtest_{kind}_valid_2000ex.txt", _cloze)


def _wikitext(size: str, file: str) -> Named:
    return Named("Salesforce/wikitext", f"wikitext-{size}-v1", "test", f"wikitext-{size}/{file}", _text)


_NEWSTEST = Named("wmt/wmt14", "fr-en", "test", "newstest2014/newstest2014.fr-en.jsonl", _pair)
_HELLASWAG = ("activity_label", "ctx_a", "ctx_b", "endings", "label")

SETS = {
    "lambada": Named(
        "EleutherAI/lambada_openai", "default", "test", "lambada/lambada_test.jsonl", _json("text")
    ),
    "cbt-cn": _cbt("CN"),
    "cbt-ne": _cbt("NE"),
    "wikitext-2": _wikitext("2", "wiki.test.tokens"),
    "wikitext-2-raw": _wikitext("2-raw", "wiki.test.raw"),
    "wikitext-103": _wikitext("103", "wiki.test.tokens"),
    "hellaswag": Named(
        "Rowan/hellaswag", None, "validation", "hellaswag/hellaswag_val.jsonl", _json(*_HELLASWAG)
    ),
    "cnn-dm": Named(
        "abisee/cnn_dailymail", "3.0.0", "test", "cnn_dm/test.jsonl", _json("article", "highlights")
    ),
    "wmt14-en-fr": _NEWSTEST,
    "wmt14-fr-en": _NEWSTEST,
    "nq": Named(
        "google-research-datasets/nq_open",
        None,
        "validation",
        "nq_open/NQ-open.dev.jsonl",
        _json("question", "answer"),
    ),
}
