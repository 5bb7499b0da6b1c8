"""What a command may find changed when it goes on with a run, and what it then does."""

import fcntl
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from typing import TextIO

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from tests.train.conftest import of_an_earlier_version, write_corpus
from train import checkpoint, files, rundir
from train.errors import TrainError
from train.loop import train
from train.progress import Progress
from train.rehearsal import rehearse
from train.rundir import Row
from train.sample import generate
from train.settings import Settings
from train.settings_file import load

Tiny = Callable[..., Settings]


@pytest.fixture(scope="module")
def half(corpus: Path, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 steps, to go on from."""
    run = tmp_path_factory.mktemp("half") / "run"
    train(corpus, run, tiny(train__steps=20))
    return run


@pytest.fixture
def run(half: Path, tmp_path: Path) -> Path:
    return shutil.copytree(half, tmp_path / "run")


@pytest.fixture(scope="module")
def other_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other texts, whose tokenizer has as many entries."""
    articles = sorted((text for text in topics.values() if len(text) > 8000), key=len)
    return write_corpus(tmp_path_factory.mktemp("other") / "tokens", articles)


def test_a_refused_command_leaves_the_run_as_it_is(
    run: Path, other_corpus: Path, corpus: Path, tiny: Tiny
) -> None:
    assert (other_corpus / "tokenizer.json").read_bytes() != (corpus / "tokenizer.json").read_bytes()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(TrainError, match="was trained on other tokens"):
        train(other_corpus, run, tiny(train__steps=30))
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert generate(str(run), "The ", max_tokens=3)


@pytest.mark.parametrize(
    "asked",
    [{"train__attention": "cudnn"}, {"model__n_positions": 1_000_000}, {"train__tensorboard": "on"}],
)
def test_a_refused_command_leaves_no_run(
    asked: dict[str, object], corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as if it were not installed
    for refused in (rehearse, train):
        with pytest.raises(TrainError):
            refused(corpus, tmp_path / "new" / "run", tiny(**asked))
        assert not list(tmp_path.iterdir())


def test_a_trained_run_keeps_the_tokenizer_of_its_tokens(
    run: Path, corpus: Path, other_corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in corpus.glob("*.bin"):
        shutil.copy(path, bare)
    shutil.copy(other_corpus / "tokenizer.json", bare)
    files = {"data__train": f"{bare}/train-*.bin", "data__validation": f"{bare}/validation-*.bin"}
    train(bare, run, tiny(train__steps=21, **files))
    assert (run / "tokenizer.json").read_bytes() == (corpus / "tokenizer.json").read_bytes()


def test_a_run_without_a_checkpoint_takes_the_tokenizer_of_the_tokens_that_it_is_given_now(
    corpus: Path, other_corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    train(corpus, tmp_path, tiny(train__steps=1))
    shutil.rmtree(tmp_path / "checkpoints")
    train(other_corpus, tmp_path, tiny(train__steps=1))
    assert (tmp_path / "tokenizer.json").read_bytes() == (other_corpus / "tokenizer.json").read_bytes()


def test_a_runs_tokenizer_that_somebody_removed_comes_back_from_its_tokens(
    run: Path, corpus: Path, tiny: Tiny
) -> None:
    (run / "tokenizer.json").unlink()
    train(corpus, run, tiny(train__steps=21))
    assert (run / "tokenizer.json").read_bytes() == (corpus / "tokenizer.json").read_bytes()


def test_a_runs_tokenizer_that_is_damaged_is_an_error_before_the_next_step(
    run: Path, corpus: Path, tiny: Tiny
) -> None:
    (run / "tokenizer.json").write_bytes(b"")
    log = (run / "log.jsonl").read_bytes()
    with pytest.raises(TrainError, match=r"tokenizer\.json is not a tokenizer"):
        train(corpus, run, tiny(train__steps=21))
    assert (run / "log.jsonl").read_bytes() == log


def test_token_files_that_were_moved_are_known_again(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        shutil.copytree(corpus, tmp_path / folder)
        asked = tiny(train__steps=len(folder), data__train=f"{tmp_path / folder}/train-*.bin")
        found = train(corpus, tmp_path / "run", asked)
    assert found["steps"] == 6


@pytest.mark.parametrize("rows", [4, 1])
def test_a_run_may_go_on_in_other_micro_batches(
    run: Path, half: Path, corpus: Path, tiny: Tiny, rows: int, tmp_path: Path
) -> None:
    found = train(corpus, run, tiny(train__steps=22, train__micro_batch_size=rows))
    same = train(corpus, shutil.copytree(half, tmp_path / "same"), tiny(train__steps=22))
    assert found["val_loss"] == pytest.approx(same["val_loss"], abs=1e-4)


def test_what_is_to_be_set_again_is_told_as_it_is_set(run: Path, corpus: Path, tiny: Tiny) -> None:
    with pytest.raises(TrainError, match=r"--set train\.deterministic=true"):
        train(corpus, run, tiny(train__steps=30, train__deterministic="false"))


def test_fewer_steps_than_are_done_are_an_error(run: Path, corpus: Path, tiny: Tiny) -> None:
    with pytest.raises(TrainError, match="has 20 steps already, this command asks for 10"):
        train(corpus, run, tiny(train__steps=10))


class Rebuilt(Progress):
    """Puts other tokens in the place of a corpus' when a step has been logged."""

    def __init__(self, corpus: Path, step: int) -> None:
        self.corpus, self.step = corpus, step

    def stepped(self, row: Row) -> None:
        if row["step"] == self.step:
            for path in self.corpus.glob("*.bin"):
                beside = path.with_suffix(".new")
                np.full(64, 5, dtype="<u2").tofile(beside)
                beside.rename(path)


def test_a_corpus_that_is_built_anew_meanwhile_does_not_change_what_a_run_reads(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    copy = shutil.copytree(corpus, tmp_path / "tokens")
    asked = tiny(train__steps=12, train__eval_every=12)
    found = train(copy, tmp_path / "run", asked, Rebuilt(copy, 7))
    wanted = train(corpus, tmp_path / "straight", asked)
    assert (found["loss"], found["val_loss"]) == (wanted["loss"], wanted["val_loss"])


def test_moments_of_another_shape_are_an_error(run: Path, corpus: Path, tiny: Tiny) -> None:
    saved = checkpoint.newest(run)
    assert saved
    of_an_earlier_version(saved)
    file = saved.path / "optimizer-0.safetensors"
    moments = load_file(file)
    name = "exp_avg.transformer.wte.weight"
    save_file({**moments, name: moments[name][:7].clone()}, file)
    with pytest.raises(
        TrainError, match=r"optimizer-0\.safetensors is damaged .*wte\.weight is of shape \(7,"
    ):
        train(corpus, run, tiny(train__steps=30))


def test_a_shards_moments_that_are_gone_are_an_error(run: Path, corpus: Path, tiny: Tiny) -> None:
    saved = checkpoint.newest(run)
    assert saved
    state = saved.path / "state.json"
    state.write_text(state.read_text().replace('"moment_files": 1', '"moment_files": 2'))
    with pytest.raises(TrainError, match=r"optimizer-1\.safetensors is missing"):
        train(corpus, run, tiny(train__steps=30))


def test_weights_that_do_not_fit_the_settings_are_an_error(run: Path) -> None:
    config = run / "config.toml"
    config.write_text(config.read_text().replace("n_embd = 16", "n_embd = 32"))
    with pytest.raises(TrainError, match=r"model\.safetensors is damaged .*of shape"):
        generate(str(run), "The ", max_tokens=3)


def test_what_another_command_made_while_the_run_was_being_opened_is_looked_at(
    half: Path, corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def after_another(lock: TextIO, wanted: int) -> None:
        shutil.copytree(half, tmp_path / "run", dirs_exist_ok=True)
        flock(lock, wanted)

    monkeypatch.setattr(fcntl, "flock", after_another)
    with pytest.raises(TrainError, match=r"has train\.lr = 0\.01, this command asks for 0\.02"):
        train(corpus, tmp_path / "run", tiny(train__lr=0.02))


def test_without_a_config_a_command_asks_for_what_the_run_was_started_with(run: Path) -> None:
    assert rundir.asked(run, None, []) == rundir.load(run)
    longer = rundir.asked(run, None, ["train.steps=30"]).train
    assert (longer.steps, longer.lr) == (30, 0.01)
    assert rundir.asked(run, "laptop", []) == load("laptop")


def test_without_a_config_a_run_that_was_killed_before_its_first_checkpoint_begins_with_its_own(
    run: Path, tmp_path: Path
) -> None:
    shutil.rmtree(run / "checkpoints")
    assert rundir.asked(run, None, []) == rundir.load(run)
    assert rundir.asked(tmp_path / "none", None, []) == Settings()


def test_each_of_a_few_settings_that_differ_is_named(run: Path, corpus: Path, tiny: Tiny) -> None:
    with pytest.raises(TrainError, match=r"go on with --set train\.lr=0\.01 --set train\.seed=1337, or give"):
        train(corpus, run, tiny(train__lr=0.02, train__seed=2))


def test_a_config_of_which_much_differs_is_best_left_out(run: Path, corpus: Path) -> None:
    with pytest.raises(TrainError, match=r"go on without --config, or give another --out"):
        train(corpus, run, load("laptop"))


@pytest.mark.parametrize("name", ["config.toml", "tokenizer.json", "log.jsonl"])
def test_a_kill_before_any_file_of_a_new_run_is_written_leaves_one_that_the_same_command_makes(
    name: str, corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write

    def killed(path: Path, content: str | bytes) -> None:
        if path.name == name:
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(files, "write", killed)
        train(corpus, tmp_path / "run", tiny(train__steps=1))
    assert train(corpus, tmp_path / "run", tiny(train__steps=1))["steps"] == 1


def test_a_run_that_was_killed_while_it_was_made_is_made(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    for name in (".lock", ".config.toml.tmp"):
        (tmp_path / name).write_text("[mod")
    assert train(corpus, tmp_path, tiny(train__steps=1))["steps"] == 1
