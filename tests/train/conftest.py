"""A small real corpus, settings that train on it in a second, and the trainer as another process."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import train
from train import checkpoint
from train.settings import Settings
from train.settings_file import load
from webtext.corpus import Corpus
from webtext.manifest import Counts, Manifest
from webtext.recipe import Recipe

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what is promised here is promised of the CPU

TINY = {
    "model.n_layer": 2,
    "model.n_head": 2,
    "model.n_embd": 16,
    "model.n_positions": 32,
    "train.steps": 40,
    "train.batch_size": 4,
    "train.micro_batch_size": 2,
    "train.lr": 0.01,
    "train.min_lr": 0.001,
    "train.warmup_steps": 5,
    "train.compile": "false",
    "train.log_every": 1,
    "train.eval_every": 10,
    "train.save_every": 20,
    "train.tensorboard": "off",
}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small matrices gain nothing from a second core, and lose much when another process has it."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tokens/` of Python's own documentation: two train files, and the two shortest articles to validate."""
    articles = sorted((text for text in topics.values() if 500 < len(text) < 8000), key=len, reverse=True)
    return write_corpus(tmp_path_factory.mktemp("corpus") / "tokens", articles)


@pytest.fixture
def root(corpus: Path, tmp_path: Path) -> Path:
    """The corpus whose tokens those are."""
    whole = Corpus(tmp_path / "corpus")
    shutil.copytree(corpus, whole.root / "tokens")
    whole.freeze(Recipe())
    whole.table("tokens").publish(Manifest("tokens", 1, "", "", (), Counts()))
    return whole.root


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Settings]:
    """Settings of a GPT-2 of a few thousand parameters; keywords as `train__steps=10`."""

    def build(**changes: Any) -> Settings:
        wanted = {**TINY, **{key.replace("__", "."): value for key, value in changes.items()}}
        return load("demo", [f"{key}={value}" for key, value in wanted.items()])

    return build


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python with arguments in another process, one thread, the trainer importable."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(train.__file__).parents[1]),
        }
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)

    return run


@pytest.fixture
def tiny_arguments() -> list[str]:
    """TINY as `--config demo --set …`."""
    return [
        "--config",
        "demo",
        *(part for key, value in TINY.items() for part in ("--set", f"{key}={value}")),
    ]


def newest(run: Path) -> checkpoint.Checkpoint:
    """The checkpoint that a run must have by now."""
    found = checkpoint.newest(run)
    assert found is not None
    return found


def write_corpus(folder: Path, articles: list[str]) -> Path:
    """Writes token files as the tokens stage does: the last two articles are the validation split."""
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(articles, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    half = (len(articles) - 2) // 2
    parts = {"train": [articles[:half], articles[half:-2]], "validation": [articles[-2:]]}
    splits = {
        split: {
            "files": [
                write_file(folder / f"{split}-{at:05}.bin", tokenizer, part) for at, part in enumerate(files)
            ]
        }
        for split, files in parts.items()
    }
    index = {
        "version": 1,
        "tokenizer": {
            "sha256": hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest(),
            "vocab_size": tokenizer.get_vocab_size(),
            "eot": 0,
        },
        "dtype": "uint16",
        "splits": splits,
    }
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def write_file(path: Path, tokenizer: Tokenizer, articles: list[str]) -> dict[str, Any]:
    ids = np.array([i for text in articles for i in [*tokenizer.encode(text).ids, 0]], dtype="<u2")
    ids.tofile(path)
    return {
        "file": path.name,
        "tokens": len(ids),
        "documents": len(articles),
        "bytes": sum(len(text.encode()) for text in articles),
        "sha256": hashlib.sha256(ids.tobytes()).hexdigest(),
    }


def of_an_earlier_version(saved: checkpoint.Checkpoint) -> None:
    """Takes from its state the sha256 of its tensors, which was not kept once."""
    state = json.loads((saved.path / "state.json").read_text())
    del state["sha256"]
    (saved.path / "state.json").write_text(json.dumps(state))
