import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from train import rehearsal
from train.errors import TrainError
from train.loop import train
from train.rehearsal import rehearse
from train.settings import Settings

Tiny = Callable[..., Settings]
Python = Callable[..., subprocess.CompletedProcess[str]]

TWO_RANKS = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "train", "train")


def every_file(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_says_what_a_training_would_be(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    found = rehearse(corpus, tmp_path / "run", tiny())
    assert (found["after_step"], found["steps"], found["tokens_per_step"]) == (0, 40, 4 * 32)
    assert found["tokens"] == 40 * 4 * 32
    assert found["epochs"] == pytest.approx(40 * 4 * 32 / found["corpus_tokens"], rel=0.01)
    counted = found["parameters"] - 32 * 16  # without position embeddings
    assert found["flops"] == found["tokens"] * (6 * counted + 12 * 2 * 16 * 32)
    assert found["settings"]["model"]["vocab_size"] == 300
    assert found["settings"]["train"]["lr"] == 0.01
    assert found["tokens_per_s"] == pytest.approx(4 * 32 / found["seconds_per_step"], rel=0.01)
    assert found["free_gb"] == pytest.approx(shutil.disk_usage(tmp_path).free / 1e9, rel=0.2)
    assert found["checkpoint_gb"] < 0.01 and found["checkpoints"] > 1
    assert found["mfu"] is None  # no peak is known of a CPU


def test_its_seconds_are_those_of_all_micro_batches(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    asked = tiny(train__steps=2, train__batch_size=256, train__micro_batch_size=2)  # 4 of 128 are timed
    found = rehearse(corpus, tmp_path / "run", asked)
    measured = 256 * 32 / train(corpus, tmp_path / "run", asked)["tokens_per_s"]
    assert measured / 8 < found["seconds_per_step"] < measured * 8
    assert found["seconds"] == pytest.approx(2 * found["seconds_per_step"])


def test_a_step_whose_micro_batches_take_long_is_timed_by_one(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = iter([20.0])
    monkeypatch.setattr(rehearsal, "_seconds", lambda *_: next(timed))
    assert rehearse(corpus, tmp_path / "run", tiny())["seconds_per_step"] == 2 * 20.0


def test_it_says_what_it_does_and_does_it_with_the_attention_of_the_run(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    heard: list[tuple[str, bool]] = []
    rehearse(
        corpus,
        tmp_path / "run",
        tiny(train__attention="math"),
        lambda line: heard.append((line, torch.backends.cuda.flash_sdp_enabled())),
    )
    (reading, _), (timing, flash) = heard
    assert reading.startswith("reading ") and timing.startswith("timing on CPU")
    assert not flash


def test_a_model_that_is_compiled_wrongly_is_told_before_the_training(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise TrainError("compiles this model wrongly")

    monkeypatch.setattr("train.compiled.check", wrong)
    monkeypatch.setattr(torch, "compile", lambda model: model)
    heard: list[str] = []
    with pytest.raises(TrainError, match="compiles this model wrongly"):
        rehearse(corpus, tmp_path / "run", tiny(train__compile="true"), heard.append)
    assert heard[-1].startswith("compiling and timing on CPU")


def test_a_step_that_a_cpu_needs_hours_for_is_said_so_and_timed_by_one_sequence(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.prepare.SLOW_STEP_HOURS", 0.0)
    monkeypatch.setattr("train.compiled.check", lambda *_: pytest.fail("compiled, which takes minutes"))
    heard: list[str] = []
    found = rehearse(corpus, tmp_path / "run", tiny(train__compile="true"), heard.append)
    assert "--config laptop" in heard[1] and heard[-1].startswith("timing on CPU")
    assert found["settings"]["train"]["micro_batch_size"] == tiny().train.micro_batch_size
    assert found["seconds_per_step"] > 0 and found["memory_gb"] is None


def test_nothing_is_written(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    rehearse(corpus, tmp_path / "new" / "run", tiny())
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_there_goes_on_from_its_checkpoint_and_stays_as_it_is(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    train(corpus, tmp_path / "run", tiny(train__steps=20))
    before = every_file(tmp_path)
    found = rehearse(corpus, tmp_path / "run", tiny())
    assert (found["after_step"], found["steps"]) == (20, 20)
    assert found["tokens"] == 20 * 4 * 32
    assert found["flops"] == found["tokens"] * (6 * (found["parameters"] - 32 * 16) + 12 * 2 * 16 * 32)
    assert found["seconds"] == pytest.approx(20 * found["seconds_per_step"])
    assert found["epochs"] == pytest.approx(
        40 * 4 * 32 / found["corpus_tokens"], rel=0.01
    )  # of the whole run
    assert every_file(tmp_path) == before


def test_what_would_refuse_the_training_refuses_it(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    train(corpus, tmp_path / "run", tiny(train__steps=20))
    with pytest.raises(TrainError, match=r"train\.lr"):
        rehearse(corpus, tmp_path / "run", tiny(train__lr=0.02))
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainError, match="is no directory"):
        rehearse(corpus, tmp_path / "file", tiny())
    with pytest.raises(TrainError, match="is missing"):
        rehearse(tmp_path, tmp_path / "new", tiny())
    tokens = shutil.copytree(corpus, tmp_path / "tokens")
    (tokens / "train-00000.bin").write_bytes((corpus / "train-00000.bin").read_bytes()[::-1])
    with pytest.raises(TrainError, match=r"train-00000\.bin"):
        rehearse(tokens, tmp_path / "run", tiny())
    with pytest.raises(TrainError, match=r"cannot write to .*: give another --out"):
        rehearse(corpus, tmp_path / "file" / "run", tiny())


@pytest.mark.slow
def test_two_ranks_measure_together(
    corpus: Path, python: Python, tiny_arguments: list[str], tmp_path: Path
) -> None:
    done = python(*TWO_RANKS, corpus, "--out", tmp_path / "run", *tiny_arguments, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("tokens per step  128") == 1
    assert not list(tmp_path.iterdir())
