"""`webtext train`, `sample`, `eval` and `export`: what is asked on the command line is what is done."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from train import loop, rundir
from train.errors import TrainError
from train.evals import hub
from train.sample import generate
from train.settings import Settings
from webtext import model_commands  # noqa: F401 - its commands register themselves
from webtext.command import app


def webtext(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def webtext_json(*arguments: object) -> Any:
    done = webtext(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def run(corpus: Path, tiny: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps."""
    path = tmp_path_factory.mktemp("trained") / "run"
    loop.train(corpus, path, tiny(train__steps=2))
    return path


def test_every_option_of_sample_decides_the_texts(run: Path) -> None:
    options = ("--max-tokens", 9, "--temperature", 1.5, "--top-k", 7, "--top-p", 0.9, "--seed", 5, "--n", 2)
    texts = generate(str(run), "The", max_tokens=9, temperature=1.5, top_k=7, top_p=0.9, seed=5, n=2)
    assert webtext_json("sample", run, "--prompt", "The", *options) == {"prompt": "The", "texts": texts}
    assert webtext("sample", run, "--prompt", "The", *options).stdout == (
        f"The{texts[0]}\n\n---\n\nThe{texts[1]}\n"
    )


def test_a_single_text_follows_its_prompt_and_ends_with_a_line_end(run: Path) -> None:
    (text,) = generate(str(run), "The", max_tokens=9)
    assert webtext("sample", run, "--prompt", "The", "--max-tokens", 9).stdout == f"The{text}\n"
    assert webtext_json("sample", run, "--prompt", "The", "--max-tokens", 9)["texts"] == [text]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["train", "dry run"])
def test_a_training_starts_from_what_init_from_names(
    dry: tuple[str, ...], root: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    asked = ("train", root, "--out", tmp_path / "run", *tiny_arguments, "--init-from", tmp_path / "gpt2")
    done = webtext(*asked, *dry)
    assert done.exit_code == 2
    assert f"{tmp_path / 'gpt2'} does not exist" in done.stderr


def test_a_dry_run_of_a_training_says_what_it_would_be_and_the_training_is_that(
    root: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    asked = ("train", root, "--out", tmp_path / "run", *tiny_arguments, "--set", "train.steps=3", "--quiet")
    planned = webtext(*asked, "--dry-run", "--json")
    assert (json.loads(planned.stdout)["steps"], planned.stderr) == (3, "")
    assert not (tmp_path / "run").exists()
    done = webtext(*asked, "--json")
    assert (json.loads(done.stdout)["steps"], done.stderr) == (3, "")


def test_a_training_says_what_it_does_before_its_first_step(
    root: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    done = webtext("train", root, "--out", tmp_path / "run", *tiny_arguments, "--set", "train.steps=1")
    assert done.stderr.startswith("reading "), done.stderr


def test_a_name_longer_than_one_can_be_is_the_users_mistake(root: Path) -> None:
    name = "/" + 300 * "x"
    for asked in (
        ("sample", name),
        ("train", root, "--out", name),
        ("train", root, "--out", "x", "--config", name),
    ):
        done = webtext(*asked)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        # from Python 3.14 on such a path is one at which nothing is
        assert "File name too long: give a shorter one" in done.stderr or "does not exist" in done.stderr


def test_without_a_config_it_is_the_smallest_gpt2_that_is_trained(root: Path, tmp_path: Path) -> None:
    done = webtext("train", root, "--out", tmp_path / "run", "--set", "train.lr=-1")
    assert "config gpt2-124m with --set: train.lr must be above 0" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["train", "dry run"])
def test_of_two_ranks_one_tells_the_result(
    dry: tuple[str, ...], root: Path, tiny_arguments: list[str], tmp_path: Path, python: Callable[..., Any]
) -> None:
    ranks = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "webtext", "train")
    asked = (root, "--out", tmp_path / "run", *tiny_arguments, "--set", "train.steps=3", "--json")
    done = python(*ranks, *asked, *dry)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 3


@pytest.mark.parametrize("command", ["train", "plan"])
def test_without_a_config_a_run_goes_on_as_it_began(
    root: Path, tiny_arguments: list[str], tmp_path: Path, command: str
) -> None:
    run = tmp_path / "run"
    began = webtext("train", root, "--out", run, *tiny_arguments, "--set", "train.steps=3", "--quiet")
    assert (began.exit_code, began.stderr) == (0, "")
    flags = ("--dry-run",) if command == "plan" else ()
    done = webtext("train", root, "--out", run, "--set", "train.steps=5", "--quiet", "--json", *flags)
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["steps"] == (2 if command == "plan" else 5)
    if command == "train":
        assert rundir.load(run).model.n_embd == 16


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["train", "dry run"])
def test_a_corpus_that_has_no_tokens_yet_is_told_to_get_them(
    dry: tuple[str, ...], root: Path, tmp_path: Path
) -> None:
    (root / "tokens" / "_manifest.json").unlink()
    done = webtext("train", root, "--out", tmp_path / "run", "--config", "demo", *dry)
    assert done.exit_code == 2
    assert done.stderr == f"webtext: {root}: no tokens yet; run `webtext build-shards {root}` first\n"


def test_an_export_is_written_unless_it_is_a_dry_run(run: Path, tmp_path: Path) -> None:
    asked = ("export", run, tmp_path / "gpt2")
    planned = webtext_json(*asked, "--dry-run")
    assert (planned["step"], (tmp_path / "gpt2").exists()) == (2, False)
    assert webtext_json(*asked)["step"] == 2
    assert (tmp_path / "gpt2" / "model.safetensors").stat().st_size == planned["bytes"]


def test_an_evaluation_takes_its_data_strides_and_place_from_the_options(run: Path, tmp_path: Path) -> None:
    (tmp_path / "ptb.test.txt").write_text(" the lamp was lit \n" * 9)
    asked = ("eval", run, "--tasks", "ptb", "--data", tmp_path, "--out", tmp_path / "out", "--strides", "8")
    planned = webtext_json(*asked, "--dry-run")
    assert (planned["tasks"][0]["file"], (tmp_path / "out").exists()) == (
        str(tmp_path / "ptb.test.txt"),
        False,
    )
    found = webtext_json(*asked, "--quiet")
    assert found["results"] == str(tmp_path / "out" / "run")
    assert {row["metric"].partition("_stride_")[2] for row in found["rows"]} == {"8"}
    assert "must lie between 1 and the model's length 32" in webtext(*asked[:-1], 33, "--dry-run").stderr


def test_what_is_not_among_the_data_is_asked_of_the_hub_where_that_is_said(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(task: str, _: Path) -> None:
        raise TrainError(f"the hub was asked for {task}")

    monkeypatch.setattr(hub, "fetch", away)
    asked = ("eval", run, "--tasks", "nq", "--data", tmp_path, "--out", tmp_path / "out", "--quiet")
    assert "the hub was asked for nq" in webtext(*asked, "--download").stderr
    assert "get it from" in webtext(*asked).stderr


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OSError(errno.EIO, "Input/output error", "log.jsonl"), 1, "log.jsonl: Input/output error; the same"),
        (
            OSError(errno.EIO, "Input/output error"),
            1,
            "the run: Input/output error; the same command goes on",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "log.jsonl"),
            1,
            "no space left at log.jsonl: free some",
        ),
        (OSError(errno.EMFILE, "Too many open files", "log.jsonl"), 1, "raise `ulimit -n`"),
        (OSError(errno.EFBIG, "File too large", "log.jsonl"), 1, "raise `ulimit -f`"),
        (PermissionError(errno.EACCES, "Permission denied", "log.jsonl"), 2, "log.jsonl: Permission denied"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_file_and_whether_the_same_command_goes_on(
    error: OSError,
    code: int,
    told: str,
    root: Path,
    tiny_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(loop, "train", failing)
    done = webtext("train", root, "--out", tmp_path / "run", *tiny_arguments)
    assert done.exit_code == code
    assert told in done.stderr and done.stderr.count("\n") == 1
