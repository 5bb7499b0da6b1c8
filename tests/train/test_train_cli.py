import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from train.cli import app
from webtext.cli import main

Python = Callable[..., subprocess.CompletedProcess[str]]


def test_train_then_sample_print_json(corpus: Path, tiny_arguments: list[str], tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    arguments = ["train", str(corpus), "--out", run, *tiny_arguments, "--set", "train.steps=3", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["steps"] == 3
    assert Path(found["checkpoint"], "DONE").exists()
    done = CliRunner().invoke(app, ["sample", run, "--prompt", "The", "--n", "2", "--quiet", "--json"])
    assert len(json.loads(done.stdout)["texts"]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["smple", "run"], "No such command 'smple'. Did you mean 'sample'?; `{} --help` tells more"),
        (["sample"], "Missing argument 'model'; `{} sample --help` tells more"),
        (["export", "run", "--format", "hf"], "No such option: --format; `{} export --help` tells more"),
    ],
)
def test_a_mistake_in_the_options_is_one_line(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, arguments, prog_name="python -m train")
    assert (done.exit_code, done.stderr) == (2, f"error: {told.format('python -m train')}\n")


@pytest.mark.slow
@pytest.mark.parametrize("program", ["train", "webtext"])
def test_a_sample_that_nobody_reads_to_its_end_ends_without_a_word(
    corpus: Path, tiny_arguments: list[str], tmp_path: Path, program: str
) -> None:
    run = str(tmp_path / "run")
    arguments = ["train", str(corpus), "--out", run, *tiny_arguments, "--set", "train.steps=1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", program, "sample", run, "--max-tokens", "20"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=280)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_export_may_be_asked_what_it_would_write(
    corpus: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    run, out = tmp_path / "run", tmp_path / "exported"
    arguments = [
        "train",
        str(corpus),
        "--out",
        str(run),
        *tiny_arguments,
        "--set",
        "train.steps=1",
        "--quiet",
    ]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    done = CliRunner().invoke(app, ["export", str(run), str(out), "--dry-run", "--json", "--quiet"])
    found = json.loads(done.stdout)
    assert (found["step"], done.stderr) == (1, "") and not out.exists()
    CliRunner().invoke(app, ["export", str(run), str(out)])
    assert found["bytes"] == (out / "model.safetensors").stat().st_size


def test_help_has_an_example() -> None:
    assert "python -m train train" in CliRunner().invoke(app, ["--help"]).stdout


def test_a_mistake_is_one_line_and_exit_code_2(corpus: Path, tmp_path: Path) -> None:
    for arguments in (
        ["train", str(corpus), "--out", str(tmp_path / "run"), "--set", "model.n_layers=2"],
        ["train", str(tmp_path / "absent"), "--out", str(tmp_path / "run")],
        ["train", str(corpus), "--out", "s3://bucket/run"],
        ["train", str(corpus), "--out", str(corpus / "index.json" / "below a file")],
        ["sample", str(tmp_path / "absent")],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("program", ["train", "webtext"])
@pytest.mark.parametrize("library", ["torch", "safetensors"])
def test_a_library_that_is_not_installed_is_one_line_and_exit_code_2(
    python: Python, tmp_path: Path, program: str, library: str
) -> None:
    without = f"import sys; sys.modules[{library!r}] = None; from {program}.cli import main; main()"
    done = python("-c", without, "sample", tmp_path)
    assert done.returncode == 2
    assert f"{library} is not installed; training needs" in done.stderr and done.stderr.count("\n") == 1


def test_a_training_that_diverged_is_not_told_to_go_on_with_the_same_command(
    root: Path,
    tiny_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wild = ["--set", "train.steps=9", "--set", "train.lr=1e30", "--set", "train.warmup_steps=0", "--quiet"]
    command = ["webtext", "train", str(root), "--out", str(tmp_path / "run"), *tiny_arguments, *wild]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert "with a lower train.lr" in told and "the same command" not in told


def test_a_folder_in_the_place_of_a_runs_log_is_to_be_moved_away(
    root: Path,
    tiny_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    (run / "log.jsonl").mkdir(parents=True)
    (run / "config.toml").touch()
    command = ["webtext", "train", str(root), "--out", str(run), *tiny_arguments, "--quiet"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"webtext: {run / 'log.jsonl'}: Is a directory: move it away\n"


@pytest.mark.slow
def test_sigterm_saves_and_exits_130(corpus: Path, tiny_arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "train", "train", str(corpus), "--out", str(tmp_path / "run")]
    child = subprocess.Popen(
        [*command, *tiny_arguments, "--set", "train.steps=100000"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "run" / "log.jsonl"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "saved; the same command goes on from there" in errors
    last = json.loads(log.read_text().splitlines()[-1])
    assert (tmp_path / "run" / "checkpoints" / f"step-{last['step']:08}" / "DONE").exists()


def test_a_fact_that_is_not_known_is_left_blank(
    corpus: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    command = ["train", str(corpus), "--out", str(tmp_path / "run"), *tiny_arguments, "--dry-run"]
    shown = [line.strip() for line in CliRunner().invoke(app, command).stdout.splitlines()]
    assert "mfu" in shown  # of a CPU
