import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.train.conftest import newest
from train import files, prepare, pretrained, report
from train.census import Census
from train.corpus import Corpus, find_corpus
from train.errors import Interrupted, RunFailed, TrainError
from train.loop import train
from train.progress import Progress
from train.ranks import Ranks
from train.rundir import Row, rows
from train.settings import Settings, TrainSettings
from train.settings_file import to_toml
from train.training import Training

Tiny = Callable[..., Settings]
Python = Callable[..., subprocess.CompletedProcess[str]]

STEP_FIELDS = {"step", "tokens", "loss", "grad_norm", "lr", "ms", "tokens_per_s", "mfu", "memory_gb"}
TIMES = {"ms", "tokens_per_s", "mfu", "memory_gb"}

KILLED_AT_27 = """
import os, signal, sys, torch
from pathlib import Path
from train.loop import train
from train.progress import Progress
from train.settings_file import load

class Killed(Progress):
    def stepped(self, row):
        if row["step"] == 27:
            os.kill(os.getpid(), signal.SIGKILL)

torch.set_num_threads(1)
train(Path(sys.argv[1]), Path(sys.argv[2]), load(sys.argv[3]), Killed())
"""

KILLED_RANK = """
import os, signal
from train.cli import main
from train.training import Training

update = Training.update

def killed(self):
    if self.step == 27 and self.ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return update(self)

Training.update = killed
main()
"""

TWO_RANKS = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "train", "train")


class At(Progress):
    """Does something when a step has been logged."""

    def __init__(self, step: int, action: Callable[[], Any]) -> None:
        self.step, self.action = step, action

    def stepped(self, row: Row) -> None:
        if row["step"] == self.step:
            self.action()


@pytest.fixture(scope="module")
def straight(corpus: Path, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 steps that nothing disturbed."""
    run = tmp_path_factory.mktemp("straight") / "run"
    train(corpus, run, tiny())
    return run


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def steps(run: Path) -> list[Row]:
    """The log without what may differ between two runs of the same training."""
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows(run)]


@pytest.mark.slow
def test_compiled_for_two_threads_it_comes_to_the_same_bytes_again(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    asked = tiny(train__compile="true", train__batch_size=16, train__micro_batch_size=16, model__n_embd=64)
    torch.set_num_threads(2)
    try:
        for run in ("one", "two"):
            train(corpus, tmp_path / run, asked)
    finally:
        torch.set_num_threads(1)
    assert steps(tmp_path / "one") == steps(tmp_path / "two")


def weights(run: Path, step: int) -> bytes:
    return (run / "checkpoints" / f"step-{step:08}" / "model.safetensors").read_bytes()


def test_every_step_and_every_evaluation_has_its_row(straight: Path) -> None:
    found = list(rows(straight))
    trained = [row for row in found if "loss" in row]
    assert [row["step"] for row in trained] == list(range(1, 41))
    assert [row["step"] for row in found if "val_loss" in row] == [10, 20, 30, 40]
    assert {frozenset(row) for row in found} == {
        frozenset(STEP_FIELDS),
        frozenset({"step", "val_loss", "val_bits_per_byte"}),
    }
    assert trained[-1]["tokens"] == 40 * 4 * 32
    assert trained[-1]["lr"] == pytest.approx(0.001)
    assert trained[-1]["mfu"] is None  # no peak is known of a CPU
    assert trained[-1]["memory_gb"] > 0.05  # torch alone takes more


def test_the_log_is_on_the_disk_before_the_checkpoint_that_it_leads_to(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, sync = tmp_path / "run", files.sync
    events = list[tuple[str, int]]()

    def watched(path: Path) -> None:
        logged = list(rows(run))
        events.append((path.name, logged[-1]["step"] if logged else 0))
        sync(path)

    monkeypatch.setattr(files, "sync", watched)
    train(corpus, run, tiny(train__steps=4, train__save_every=2))
    for step in (2, 4):
        ready = events.index((f".step-{step:08}.tmp", step))
        assert ("log.jsonl", step) in events[:ready]


def test_the_loss_falls_below_what_frequencies_alone_allow(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    found = train(corpus, tmp_path / "run", tiny(train__steps=240, train__eval_every=240))
    assert found["val_loss"] < found["unigram_entropy"]
    losses = [row["loss"] for row in rows(tmp_path / "run") if "loss" in row]
    assert sum(losses[-20:]) / 20 < found["unigram_entropy"]


def test_the_run_directory_holds_what_it_promises(straight: Path) -> None:
    assert {path.name for path in straight.iterdir()} == {
        *("config.toml", "tokenizer.json", "log.jsonl", "loss.svg", "report.html", "checkpoints", ".lock")
    }
    assert sorted(path.name for path in (straight / "checkpoints").iterdir()) == [
        *("step-00000020", "step-00000040")
    ]
    assert {path.name for path in (straight / "checkpoints" / "step-00000040").iterdir()} == {
        *("model.safetensors", "optimizer-0.safetensors", "state.json", "DONE")
    }


def test_a_checkpoint_says_how_far_into_the_data_it_is(straight: Path) -> None:
    state = newest(straight).state
    assert state["tokens"] == 40 * 4 * 32
    assert state["data"]["sequences"] == 40 * 4
    assert state["data"]["epoch"] == pytest.approx(state["tokens"] / state["data"]["tokens"], rel=0.01)


def test_the_report_needs_no_other_file_and_shows_the_reference(straight: Path) -> None:
    page = (straight / "report.html").read_text()
    assert "unigram entropy" in page and "<svg" in page
    assert "<script" not in page and "href=" not in page and "src=" not in page
    assert (straight / "loss.svg").read_text().startswith("<svg")


def test_the_report_is_up_to_date_after_an_evaluation_without_a_checkpoint(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    run, pages = tmp_path / "run", list[str]()
    asked = tiny(train__steps=11, train__save_every=1000)
    train(corpus, run, asked, At(11, lambda: pages.append((run / "report.html").read_text())))
    assert "10 of 11" in pages[0] and "<td>10</td>" in pages[0] and "M parameters on CPU" in pages[0]


def test_a_report_of_many_evaluations_says_that_it_shows_the_last(straight: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(straight, run)
    assert "<h2>Evaluations</h2>" in (run / "report.html").read_text()
    with (run / "log.jsonl").open("a") as log:
        for step in range(41, 81):
            log.write(json.dumps({"step": step, "val_loss": 2.0, "val_bits_per_byte": 1.0}) + "\n")
    report.write(run)
    page = (run / "report.html").read_text()
    assert "<h2>Evaluations, the last 20 of 44</h2>" in page
    assert "<td>61</td>" in page and "<td>60</td>" not in page


def test_the_report_of_a_run_that_failed_is_up_to_date(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(RunFailed):
        train(corpus, run, tiny(train__lr=1e30, train__warmup_steps=0))
    reached = next(row["step"] for row in reversed(list(rows(run))))
    assert f"{reached} of 40" in (run / "report.html").read_text()
    assert (run / "loss.svg").exists()


def test_the_same_settings_and_tokens_give_the_same_bytes(
    straight: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    train(corpus, tmp_path / "again", tiny())
    assert weights(tmp_path / "again", 40) == weights(straight, 40)
    assert steps(tmp_path / "again") == steps(straight)


def test_a_run_killed_after_its_checkpoint_goes_on_to_the_same_bytes(
    straight: Path, corpus: Path, tiny: Tiny, python: Python, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (tmp_path / "config.toml").write_text(to_toml(tiny()))
    assert python("-c", KILLED_AT_27, corpus, run, tmp_path / "config.toml").returncode == -signal.SIGKILL
    assert list(rows(run))[-1]["step"] == 27  # but no checkpoint holds steps 21 to 27
    train(corpus, run, tiny())
    assert weights(run, 40) == weights(straight, 40)
    assert steps(run) == steps(straight)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_same_command_goes_on(
    number: int, straight: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted, match="interrupted after step 8, saved; the same command goes on"):
        train(corpus, tmp_path / "run", tiny(), At(7, lambda: os.kill(os.getpid(), number)))
    assert (tmp_path / "run" / "checkpoints" / "step-00000008" / "DONE").exists()  # 7 was being logged
    train(corpus, tmp_path / "run", tiny())
    assert weights(tmp_path / "run", 40) == weights(straight, 40)
    assert steps(tmp_path / "run") == steps(straight)


def test_a_finished_run_is_left_as_it_is(straight: Path, corpus: Path, tiny: Tiny) -> None:
    before = (straight / "log.jsonl").read_bytes(), weights(straight, 40)
    assert train(corpus, straight, tiny())["steps"] == 40
    assert ((straight / "log.jsonl").read_bytes(), weights(straight, 40)) == before


def test_what_a_kill_left_beside_the_last_checkpoint_goes_with_the_next_start(
    straight: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    checkpoints = shutil.copytree(straight, tmp_path / "run") / "checkpoints"
    shutil.copytree(checkpoints / "step-00000040", checkpoints / ".step-00000030.tmp")
    train(corpus, tmp_path / "run", tiny(train__keep_last=1, train__keep_best=0))
    assert [path.name for path in checkpoints.iterdir()] == ["step-00000040"]


def test_a_run_may_go_on_for_more_steps_with_fewer_checkpoints_and_another_kernel(
    straight: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    shutil.copytree(straight, tmp_path / "run")
    found = train(
        corpus, tmp_path / "run", tiny(train__steps=50, train__keep_last=1, train__attention="math")
    )
    assert found["steps"] == 50
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000050"]


def test_other_settings_on_a_run_are_an_error_that_names_the_key(
    straight: Path, corpus: Path, tiny: Tiny
) -> None:
    with pytest.raises(TrainError, match=r"has train\.lr = 0\.01, this command asks for 0\.02"):
        train(corpus, straight, tiny(train__lr=0.02))


def test_other_tokens_on_a_run_are_an_error(straight: Path, corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    tokens, run = tmp_path / "tokens", shutil.copytree(straight, tmp_path / "run")
    shutil.copytree(corpus, tokens)
    index = json.loads((tokens / "index.json").read_text())
    del index["splits"]["train"]["files"][1]
    (tokens / "index.json").write_text(json.dumps(index))
    with pytest.raises(TrainError, match="was trained on other tokens"):
        train(tokens, run, tiny())


def test_a_folder_of_something_else_is_not_taken_for_a_run(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(TrainError, match=r"holds other files and no config\.toml"):
        train(corpus, tmp_path, tiny())


def test_a_log_that_a_power_cut_damaged_is_mended_as_far_as_steps_are_made_again(
    straight: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    run = at_step_20(straight, tmp_path)
    log = (run / "log.jsonl").read_bytes().splitlines(keepends=True)
    log[4], log[35], log[36] = b"[5]\n", bytes(4096) + b"\n", b'{"step": 34, "lo\n'
    (run / "log.jsonl").write_bytes(b"".join(log) + b'{"step": 40, ')
    train(corpus, run, tiny())
    assert steps(run) == steps(straight)[:4] + steps(straight)[5:]


@pytest.mark.parametrize("make", [Path.touch, lambda run: run.symlink_to("gone")], ids=["file", "link"])
def test_what_is_no_directory_is_refused_as_a_run(
    corpus: Path, tiny: Tiny, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "run")
    with pytest.raises(TrainError, match="run is no directory; give one for the run"):
        train(corpus, tmp_path / "run", tiny())


def test_two_trainings_do_not_write_one_run(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    def second() -> None:
        with pytest.raises(TrainError, match="another training is writing"):
            train(corpus, tmp_path / "run", tiny())

    train(corpus, tmp_path / "run", tiny(), At(3, second))


def test_training_works_outside_the_main_thread(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    thread = threading.Thread(target=train, args=(corpus, tmp_path / "run", tiny(train__steps=2)))
    thread.start()
    thread.join()
    assert (tmp_path / "run" / "checkpoints" / "step-00000002" / "DONE").exists()


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_saved(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(RunFailed, match="start another run with a lower"):
        train(corpus, tmp_path / "run", tiny(train__lr=1e30, train__warmup_steps=0))
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []
    assert "NaN" not in (tmp_path / "run" / "log.jsonl").read_text()


def test_a_validation_loss_that_is_no_number_is_none(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    asked = tiny(train__lr=1e38, train__warmup_steps=0, train__eval_every=1, train__save_every=1)
    with pytest.raises(RunFailed):
        train(corpus, tmp_path / "run", asked)
    assert next(row for row in rows(tmp_path / "run") if "val_loss" in row)["val_loss"] is None
    assert newest(tmp_path / "run").state["val_loss"] is None


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GiB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:128] DefaultCPUAllocator: can't allocate memory"),
        torch.AcceleratorError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_a_micro_batch_that_memory_does_not_hold_is_an_error_that_names_a_smaller_one(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def update(_: Training) -> None:
        raise error

    monkeypatch.setattr(Training, "update", update)
    with pytest.raises(TrainError, match=r"micro_batch_size = 2 at a time: --set train\.micro_batch_size=1"):
        train(corpus, tmp_path / "run", tiny())


def test_where_memory_does_not_hold_one_sequence_shards_or_a_smaller_model_are_named() -> None:
    told = r"micro_batch_size = 1 at a time: --set train\.shard=true on several GPUs, or take a smaller model"
    with pytest.raises(TrainError, match=told), prepare.memory_told(TrainSettings(micro_batch_size=1)):
        raise MemoryError


def test_a_micro_batch_that_no_memory_holds_is_told_before_its_tokens_are_read(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    asked = tiny(train__batch_size=10**13, train__micro_batch_size=10**13)
    with pytest.raises(TrainError, match=r"micro_batch_size = 10,000,000,000,000 at a time"):
        train(corpus, tmp_path / "run", asked)


def test_a_vocabulary_that_no_memory_holds_is_told(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(_: Corpus) -> Census:
        raise MemoryError

    monkeypatch.setattr("train.prepare.take_census", count)  # 4 billion counts fit into some machines
    with pytest.raises(TrainError, match="memory does not hold the model"):
        train(corpus, tmp_path / "run", tiny())
    assert not (tmp_path / "run").exists()


def test_a_model_that_the_machine_cannot_hold_is_told_before_it_is_made(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.training.GPT2", None)  # on Linux a process of too much memory is killed
    with pytest.raises(TrainError, match=r"a model of 5,033,[\d,]+ weights: .* takes 60,3"):
        train(corpus, tmp_path / "run", tiny(model__n_layer=10**5, model__n_embd=2048, model__n_head=16))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_without_a_compiler_the_way_to_train_without_one_is_told(
    corpus: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    environment = {"PATH": str(tmp_path / "bin"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    arguments = ["-m", "train", "train", str(corpus), "--out", str(tmp_path / "run"), *tiny_arguments]
    command = [sys.executable, *arguments, "--set", "train.compile=true"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "No working C++ compiler" in line and line.endswith("--set train.compile=false")
    assert "Traceback" not in done.stderr


def test_the_shard_of_one_process_is_the_whole_model(
    straight: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    run = at_step_20(straight, tmp_path)
    train(corpus, run, tiny(train__shard="true"))
    assert weights(run, 40) == weights(straight, 40)


def test_the_micro_batch_changes_the_first_step_by_rounding_only(corpus: Path, tiny: Tiny) -> None:
    found = []
    for micro in (1, 4):
        settings = tiny(train__micro_batch_size=micro, model__vocab_size=300)
        training = Training(settings, find_corpus(corpus, settings.data, 300), Ranks())
        found.append(
            (training.update()[1], training.model.get_parameter("transformer.h.0.attn.c_attn.weight"))
        )
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=0)


def test_a_gradient_is_cut_to_the_norm_that_is_asked_for(corpus: Path, tiny: Tiny) -> None:
    settings = tiny(train__grad_clip=0.25, train__beta1=0.5, model__vocab_size=300)
    training = Training(settings, find_corpus(corpus, settings.data, 300), Ranks())
    _, (_, norm, *_) = training.update()
    assert norm > 0.5
    moments = [state["exp_avg"] for one in training.optimizers for state in one.state.values()]
    assert torch.stack([each.norm() for each in moments]).norm() == pytest.approx(0.5 * 0.25, rel=1e-3)


def test_without_index_and_tokenizer_token_files_train_without_bits_per_byte(
    corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    for name in ("train", "validation"):
        shutil.copy(corpus / f"{name}-00000.bin", tmp_path / f"{name}.bin")
    files = {f"data__{name}": tmp_path / f"{name}.bin" for name in ("train", "validation")}
    found = train(tmp_path, tmp_path / "run", tiny(train__steps=2, model__vocab_size=300, **files))
    assert found["val_loss"] > 0
    assert found["val_bits_per_byte"] is None


@pytest.mark.parametrize(("tokens", "judged"), [(0, False), (1, False), (2, True)])
def test_validation_tokens_of_which_none_follows_another_have_no_loss(
    corpus: Path, tiny: Tiny, tmp_path: Path, tokens: int, judged: bool
) -> None:
    (tmp_path / "few.bin").write_bytes(bytes(2 * tokens))
    found = train(corpus, tmp_path / "run", tiny(train__steps=1, data__validation=tmp_path / "few.bin"))
    assert (found["val_loss"] is not None) is judged


@pytest.mark.slow
def test_skipped_steps_are_skipped_again_after_a_resume(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    # At a rate of almost nothing losses are noise, and many of them lie a little above the mean.
    settings = tiny(
        train__steps=60, train__lr=1e-6, train__min_lr=0, train__on_spike="skip", train__spike_z=0.05
    )
    train(corpus, tmp_path / "straight", settings)
    skipped = [row["step"] for row in rows(tmp_path / "straight") if row.get("skipped")]
    assert any(step <= 47 for step in skipped) and any(step > 47 for step in skipped)
    with pytest.raises(Interrupted):
        train(corpus, tmp_path / "run", settings, At(47, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    train(corpus, tmp_path / "run", settings)
    assert steps(tmp_path / "run") == steps(tmp_path / "straight")
    assert weights(tmp_path / "run", 60) == weights(tmp_path / "straight", 60)


class Heard(Progress):
    """Keeps what is told before the first step."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def preparing(self, what: str) -> None:
        self.lines.append(what)

    def begin(self, about: str, step: int, steps: int) -> None:
        self.lines.append("; ".join(map(str, (about[:5], step, steps))))


@pytest.mark.parametrize("compiles", [True, False])
def test_what_takes_long_before_the_first_step_is_told_as_it_begins(
    compiles: bool, corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", lambda model: model)
    settings, heard = tiny(train__steps=1, train__compile=str(compiles).lower()), Heard()
    train(corpus, tmp_path / "run", settings, heard)
    reading, *compiling, begun = heard.lines
    assert reading.startswith("reading ") and reading.endswith(" tokens") and begun == "model; 0; 1"
    assert [line.startswith("compiling for CPU") for line in compiling] == [True] * compiles
    train(corpus, tmp_path / "run", settings, again := Heard())
    assert again.lines == [reading, "model; 1; 1"]  # it is finished


def test_an_evaluation_tells_how_many_windows_are_done(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    told: list[tuple[int, int] | str] = []

    class Listener(Progress):
        def evaluating(self, done: int, windows: int) -> None:
            told.append((done, windows))

        def evaluated(self, row: dict[str, Any]) -> None:
            told.append(f"step {row['step']}")

    settings = tiny(train__steps=1, train__micro_batch_size=4, train__batch_size=4)
    train(corpus, tmp_path / "run", settings, Listener())
    windows = int(told[0][1])  # by the Python whose documentation it is; the last batch may not be full
    assert told == [(done, windows) for done in (*range(0, windows, 4), windows)] + ["step 1"]


def test_the_resolved_settings_are_told_at_the_start(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    told: list[str] = []

    class Listener(Progress):
        def begin(self, *about: Any) -> None:
            told.append(about[0])

    train(corpus, tmp_path / "run", tiny(train__steps=1), Listener())
    assert tomllib.loads("\n".join(told[0].splitlines()[:3])) == tomllib.loads(
        (tmp_path / "run" / "config.toml").read_text()
    )


def test_the_free_space_of_a_large_disk_is_told_in_gigabytes(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Listener(Progress):
        def begin(self, *about: Any) -> None:
            told.append(about[0])

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2_345_678_000_000))
    train(corpus, tmp_path / "run", tiny(train__steps=1), Listener())
    assert "; 2,346 GB are free\n" in told[0] + "\n"


def at_step_20(straight: Path, tmp_path: Path) -> Path:
    """The straight run as it was after 20 steps."""
    run = shutil.copytree(straight, tmp_path / "run")
    shutil.rmtree(run / "checkpoints" / "step-00000040")
    return run


def assert_same_losses(run: Path, straight: Path) -> None:
    for key in ("loss", "val_loss"):
        found, wanted = ([row[key] for row in steps(one) if key in row] for one in (run, straight))
        assert found == pytest.approx(wanted, abs=1e-3)


@pytest.mark.slow
def test_two_ranks_go_on_where_one_stopped(
    straight: Path, corpus: Path, tiny_arguments: list[str], python: Python, tmp_path: Path
) -> None:
    run = at_step_20(straight, tmp_path)
    done = python(*TWO_RANKS, corpus, "--out", run, *tiny_arguments)
    assert done.returncode == 0, done.stderr
    assert_same_losses(run, straight)
    assert len(newest(run).state["rng"]) == 2


@pytest.mark.slow
def test_two_nodes_with_shards_train_as_one_process_does(
    straight: Path, corpus: Path, tiny_arguments: list[str], python: Python, tmp_path: Path
) -> None:
    run, sharded = tmp_path / "run", ("--set", "train.shard=true")
    nodes = ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d"]
    nodes += [f"--rdzv-endpoint=127.0.0.1:{free_port()}", "--rdzv-id=test", "-m", "train", "train"]
    with ThreadPoolExecutor(2) as machines:
        started = [
            machines.submit(python, *nodes, corpus, "--out", run, *tiny_arguments, *sharded) for _ in range(2)
        ]
        for done in (future.result() for future in started):
            assert done.returncode == 0, done.stderr
    assert_same_losses(run, straight)
    assert len(newest(run).state["rng"]) == 2


@pytest.mark.slow
def test_muon_moves_shards_as_it_moves_whole_matrices(
    corpus: Path, tiny: Tiny, tiny_arguments: list[str], python: Python, tmp_path: Path
) -> None:
    whole, run, muon = tmp_path / "whole", tmp_path / "run", tiny(train__optimizer="muon")
    train(corpus, whole, muon)
    wanted = ("--set", "train.optimizer=muon", "--set", "train.shard=true")
    done = python(*TWO_RANKS, corpus, "--out", run, *tiny_arguments, *wanted)
    assert done.returncode == 0, done.stderr
    assert_same_losses(run, whole)
    shutil.rmtree(run / "checkpoints" / "step-00000040")
    train(corpus, run, muon)  # one rank goes on from step 20 with the moments of both
    assert_same_losses(run, whole)


@pytest.mark.slow
def test_a_signal_to_the_launcher_saves_the_step_that_two_ranks_are_in(
    corpus: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    run, large = tmp_path / "run", ("train.steps", "train.eval_every", "train.save_every")
    wanted = ("train.log_every=500", *(f"{one}=100000" for one in large))
    sets = [part for one in wanted for part in ("--set", one)]
    command = [sys.executable, *TWO_RANKS, str(corpus), "--out", str(run), *tiny_arguments, *sets]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as launcher:
        while not list(rows(run)):
            time.sleep(0.05)
        launcher.terminate()
    assert 500 < newest(run).step < 1000


@pytest.mark.slow
def test_a_rank_whose_other_is_killed_ends_with_a_line(
    corpus: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    run, killed = tmp_path / "run", tmp_path / "killed.py"
    killed.write_text(KILLED_RANK)
    command = [sys.executable, *TWO_RANKS[:-3], str(killed), "train", str(corpus), "--out", str(run)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, *tiny_arguments, "--quiet"], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "the run failed: rank 0 has lost another" in done.stderr
    assert "[rank0]" not in done.stderr  # how torchrun marks a rank's traceback
    assert newest(run).step == 20


@pytest.mark.slow
def test_compiled_shards_start_as_one_process_does(
    straight: Path, corpus: Path, tiny_arguments: list[str], python: Python, tmp_path: Path
) -> None:
    wanted = ("train.shard=true", "train.compile=true", "train.steps=10", "train.micro_batch_size=1")
    sets = [part for one in wanted for part in ("--set", one)]
    done = python(*TWO_RANKS, corpus, "--out", tmp_path / "run", *tiny_arguments, *sets)
    assert done.returncode == 0, done.stderr
    found, losses = (
        [row["loss"] for row in steps(one) if "loss" in row] for one in (tmp_path / "run", straight)
    )
    # the schedule of 10 steps is another one after the warm-up of 5
    assert found[:6] == pytest.approx(losses[:6], abs=1e-3)


@pytest.mark.slow
def test_two_ranks_with_shards_find_the_loss_scale_of_one(
    corpus: Path, tiny: Tiny, tiny_arguments: list[str], python: Python, tmp_path: Path
) -> None:
    train(corpus, tmp_path / "one", tiny(train__dtype="float16", train__steps=10))
    sets = ["--set", "train.dtype=float16", "--set", "train.steps=10", "--set", "train.shard=true"]
    done = python(*TWO_RANKS, corpus, "--out", tmp_path / "two", *tiny_arguments, *sets)
    assert done.returncode == 0, done.stderr
    one, two = (newest(tmp_path / run).state["loss_scale"] for run in ("one", "two"))
    assert one == two == [65_536, 10]
    losses = [[row["loss"] for row in steps(tmp_path / run) if "loss" in row] for run in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], abs=0.01)


@pytest.mark.slow
def test_one_rank_goes_on_where_two_with_shards_stopped(
    straight: Path, corpus: Path, tiny: Tiny, tiny_arguments: list[str], python: Python, tmp_path: Path
) -> None:
    run = at_step_20(straight, tmp_path)
    sharded = ["--set", "train.shard=true", "--set", "train.steps=30"]
    done = python(*TWO_RANKS, corpus, "--out", run, *tiny_arguments, *sharded)
    assert done.returncode == 0, done.stderr
    saved = newest(run)
    assert sorted(path.name for path in saved.path.glob("*.safetensors")) == [
        *("model.safetensors", "optimizer-0.safetensors", "optimizer-1.safetensors")
    ]
    assert saved.state["sha256"].keys() == {path.name for path in saved.path.glob("*.safetensors")}
    shapes = {name: tensor.shape for name, tensor in load_file(saved.path / "model.safetensors").items()}
    model = pretrained.load(str(straight)).model
    assert shapes == {name: tensor.shape for name, tensor in model.state_dict().items()}
    train(corpus, run, tiny())
    assert len(list(rows(run))) == len(list(rows(straight)))


@pytest.mark.parametrize(("steps", "told"), [(3, True), (5, False)])
def test_a_warm_up_longer_than_the_run_is_told(
    corpus: Path, tmp_path: Path, tiny: Tiny, steps: int, told: bool
) -> None:
    heard: list[str] = []

    class Heard(Progress):
        def begin(self, about: str, step: int, steps: int) -> None:
            heard.append(f"{about}, from {step} to {steps}")

    train(corpus, tmp_path / "run", tiny(train__steps=steps), Heard())
    assert ("train.warmup_steps = 5 of 3 steps: lr never comes to" in heard[0]) is told
