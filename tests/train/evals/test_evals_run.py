import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, pre_tokenizers
from typer.testing import CliRunner

from train import files
from train.cli import app
from train.errors import TrainError
from train.evals import generation, hub, run, subject
from train.evals.progress import Progress
from train.evals.run import Request, evaluate, results
from train.evals.tasks import TASKS, named
from train.loop import train
from train.settings import Settings

PROGRESS = Progress()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """LAMBADA, PTB and 1BW in a few lines."""
    folder = tmp_path / "data"
    for name, content in {
        "lambada/lambada_test.jsonl": '{"text": "The error is raised"}\n{"text": "A name is bound"}\n',
        "ptb/ptb.test.txt": " the <unk> was n't raised \n it 's a name \n",
        "1bw/news.en.heldout-00000-of-00050": "The error isn 't raised .\nA name .\n",
    }.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(content)
    return folder


def asked(folder: Path, data: Path, *tasks: str, **more: Any) -> Request:
    return Request(str(folder), tasks, data, data.parent / "evals", **more)


def values(found: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {(row["task"], row["metric"]): row["value"] for row in found["rows"]}


def test_tasks_are_named_in_capitals_or_not_and_once() -> None:
    assert [task.name for task in named(["LAMBADA", "WikiText-2", "lambada"])] == ["lambada", "wikitext-2"]
    assert named(["ALL"]) == named(["all"])


def test_a_result_holds_every_example_and_stands_beside_the_paper(folder: Path, data: Path) -> None:
    found = evaluate(asked(folder, data, "lambada", "ptb", "1bw"), PROGRESS)
    result = json.loads((Path(found["results"]) / "lambada.json").read_text())
    assert [example["target"] for example in result["examples"]] == ["raised", "bound"]
    assert result["paper"]["perplexity"] == {"117M": 35.13, "345M": 15.60, "762M": 10.87, "1542M": 8.63}
    first = next(row for row in found["rows"] if row["task"] == "ptb")
    assert first["metric"] == "perplexity_per_word_and_line_end_stride_16"  # of the strides, the finest
    assert first["paper"]["1542M"] == 35.76


def test_a_task_done_is_not_done_again(folder: Path, data: Path) -> None:
    first = evaluate(asked(folder, data, "lambada", "ptb"), PROGRESS)
    written = (Path(first["results"]) / "lambada.json").stat().st_mtime_ns
    again = evaluate(asked(folder, data, "lambada", "ptb"), PROGRESS)
    assert (first["reused"], again["reused"]) == ([], ["lambada", "ptb"])
    assert (Path(first["results"]) / "lambada.json").stat().st_mtime_ns == written
    assert values(first) == values(again)


def test_an_evaluation_waits_while_another_writes_to_the_same_folder(folder: Path, data: Path) -> None:
    request, ended = asked(folder, data, "ptb"), []
    other = threading.Thread(target=lambda: ended.append(evaluate(request, PROGRESS)))
    request.out.mkdir()
    with files.alone(request.out):
        other.start()
        other.join(0.5)
        assert results(request.out) == []
    other.join()
    assert ended and len(results(request.out)) == 1


@pytest.mark.parametrize("what", ["data", "strides", "definition", "half-written"])
def test_it_is_done_again_when_something_it_depends_on_is_another(
    folder: Path, data: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate(asked(folder, data, "lambada", "ptb"), PROGRESS)
    more: dict[str, Any] = {}
    if what == "data":
        (data / "ptb" / "ptb.test.txt").write_text(" another text \n")
    elif what == "strides":
        more = {"strides": (8,)}
    elif what == "definition":
        monkeypatch.setitem(TASKS, "ptb", TASKS["ptb"].__class__(**{**vars(TASKS["ptb"]), "version": 99}))
    else:
        (Path(first["results"]) / "ptb.json").write_text('{"key": ')
    assert evaluate(asked(folder, data, "lambada", "ptb", **more), PROGRESS)["reused"] == ["lambada"]


@pytest.mark.parametrize("what", ["weights", "heads", "tokenizer"])
def test_all_is_done_again_when_the_model_in_its_folder_is_another(
    folder: Path, data: Path, what: str
) -> None:
    model = shutil.copytree(folder, data.parent / "model")
    evaluate(asked(model, data, "lambada"), PROGRESS)
    if what == "weights":
        weights = load_file(model / "model.safetensors")
        save_file({name: 2 * tensor for name, tensor in weights.items()}, model / "model.safetensors")
    elif what == "heads":
        told = json.loads((model / "config.json").read_text())
        (model / "config.json").write_text(json.dumps(told | {"n_head": 1}))
    else:
        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.save(str(model / "tokenizer.json"))
    found = evaluate(asked(model, data, "lambada"), PROGRESS)
    assert (found["reused"], Path(found["results"]).name) == ([], "model")


def test_all_is_done_again_when_a_run_was_trained_further(
    corpus: Path, tiny: Callable[..., Settings], data: Path, tmp_path: Path
) -> None:
    for steps in (2, 4):
        train(corpus, tmp_path / "run", tiny(train__steps=steps, train__lr=0.01, train__min_lr=0.01))
        assert evaluate(asked(tmp_path / "run", data, "lambada"), PROGRESS)["reused"] == []


def test_a_model_that_was_moved_has_its_results_still(folder: Path, data: Path) -> None:
    first = shutil.copytree(folder, data.parent / "a" / "model")
    evaluate(asked(first, data, "lambada"), PROGRESS)
    second = shutil.copytree(folder, data.parent / "b" / "model")
    assert evaluate(asked(second, data, "lambada"), PROGRESS)["reused"] == ["lambada"]


def test_strides_change_no_result_of_a_task_without_windows(folder: Path, data: Path) -> None:
    evaluate(asked(folder, data, "lambada"), PROGRESS)
    assert evaluate(asked(folder, data, "lambada", strides=(8,)), PROGRESS)["reused"] == ["lambada"]


@pytest.mark.parametrize("strides", [(0,), (33,), (8, -1)])
def test_strides_that_a_model_has_no_windows_for_are_refused(
    folder: Path, data: Path, strides: tuple[int, ...]
) -> None:
    with pytest.raises(TrainError, match="must lie between 1 and the model's length 32"):
        run.plan(asked(folder, data, "ptb", strides=strides))
    run.plan(asked(folder, data, "ptb", strides=(1, 32)))


def test_the_results_of_what_is_no_run_go_to_evals(folder: Path, data: Path) -> None:
    assert run.request(str(folder), "ptb", data, None, "").out == Path("evals")
    assert run.request("someone/tiny", "ptb", data, None, "").out == Path("evals")


def test_a_tokenizer_without_an_end_of_text_is_refused(folder: Path, data: Path) -> None:
    model = shutil.copytree(folder, data.parent / "model")
    told = (model / "tokenizer.json").read_text().replace("<|endoftext|>", "<|end|>")
    (model / "tokenizer.json").write_text(told)
    with pytest.raises(TrainError, match=r"has no <\|endoftext\|>"):
        run.plan(asked(model, data, "ptb"))


def test_what_an_interrupted_command_had_done_is_kept(folder: Path, data: Path) -> None:
    class Interrupted(Progress):
        @contextmanager
        def task(self, name: str) -> Iterator[Any]:
            def told(_done: int, _total: int) -> None:
                if name == "ptb":
                    raise KeyboardInterrupt

            yield told

    with pytest.raises(KeyboardInterrupt):
        evaluate(asked(folder, data, "lambada", "ptb"), Interrupted())
    assert evaluate(asked(folder, data, "lambada", "ptb"), PROGRESS)["reused"] == ["lambada"]


def test_the_same_model_gives_the_same_result_twice(folder: Path, data: Path) -> None:
    first = evaluate(asked(folder, data, "lambada", "1bw"), PROGRESS)
    path = Path(first["results"]) / "1bw.json"
    before = json.loads(path.read_text())
    path.unlink()
    evaluate(asked(folder, data, "1bw"), PROGRESS)
    after = json.loads(path.read_text())
    assert {**before, "seconds": 0} == {**after, "seconds": 0}


def test_nothing_is_computed_before_every_file_is_there(folder: Path, data: Path) -> None:
    with pytest.raises(TrainError, match="has no enwik8/enwik8 or enwik8: get it from"):
        evaluate(asked(folder, data, "lambada", "enwik8"), PROGRESS)
    assert not (data.parent / "evals").exists()


def test_files_that_are_missing_are_named_together(folder: Path, data: Path) -> None:
    for attempt in (run.plan, lambda request: evaluate(request, PROGRESS)):
        with pytest.raises(TrainError, match=r"has no enwik8/enwik8 .*; those of coqa are missing, too"):
            attempt(asked(folder, data, "enwik8", "lambada", "coqa"))


def test_nothing_is_downloaded_while_a_file_is_missing_that_the_hub_has_not(
    folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_of_the_hub: list[str] = []
    monkeypatch.setattr(hub, "fetch", lambda task, _folder: asked_of_the_hub.append(task))
    with pytest.raises(TrainError, match="has no enwik8"):
        evaluate(replace(asked(folder, data, "nq", "enwik8"), download=True), PROGRESS)
    assert asked_of_the_hub == []


def test_nothing_is_computed_before_every_file_is_read(folder: Path, data: Path) -> None:
    (data / "enwik8").write_text("too short")
    with pytest.raises(TrainError, match="9 bytes, expected 100,000,000"):
        evaluate(asked(folder, data, "lambada", "enwik8"), PROGRESS)
    assert not (data.parent / "evals").exists()


@pytest.mark.parametrize(("task", "library"), [("cnn-dm", "rouge_score"), ("wmt14-fr-en", "sacrebleu")])
def test_nothing_is_computed_where_the_library_that_scores_is_not_installed(
    folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch, task: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    for name, row in {
        "cnn_dm/test.jsonl": {"article": "A.", "highlights": "B."},
        "newstest2014/newstest2014.fr-en.jsonl": {"fr": "Un.", "en": "One."},
    }.items():
        (data / name).parent.mkdir()
        (data / name).write_text(json.dumps(row))
    for attempt in (run.plan, lambda request: evaluate(request, PROGRESS)):
        with pytest.raises(TrainError, match=rf"{library} is not installed; {task} needs: pip install"):
            attempt(asked(folder, data, "lambada", task))
    assert not (data.parent / "evals").exists()


def test_a_task_done_is_shown_where_the_library_that_scored_it_is_gone(
    folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(asked(folder, data, "lambada"), PROGRESS)
    monkeypatch.setitem(generation.LIBRARIES, "lambada", "nosuchlibrary")
    assert evaluate(asked(folder, data, "lambada"), PROGRESS)["reused"] == ["lambada"]


@pytest.mark.parametrize("taken", ["evals", "evals/model"])
def test_nothing_is_computed_where_results_cannot_be_written(folder: Path, data: Path, taken: str) -> None:
    model = data.parent / taken.replace("model", folder.name)
    model.parent.mkdir(exist_ok=True)
    model.write_text("a file in their place")
    with pytest.raises(TrainError, match=r"cannot write to .*: give another --out"):
        evaluate(asked(folder, data, "lambada"), PROGRESS)


def test_a_perplexity_beyond_all_numbers_is_null(folder: Path, data: Path) -> None:
    (data / "ptb" / "ptb.test.txt").write_text("x" * 3000 + "\n")
    found = evaluate(asked(folder, data, "ptb"), PROGRESS)
    result = json.loads((Path(found["results"]) / "ptb.json").read_text(), parse_constant=pytest.fail)
    assert result["metrics"]["perplexity_per_word_stride_16"] is None
    assert result["metrics"]["perplexity_per_token_stride_16"] > 1


def test_a_run_is_evaluated_with_its_own_tokenizer(
    corpus: Path, tiny: Callable[..., Settings], data: Path, tmp_path: Path
) -> None:
    train(corpus, tmp_path / "run", tiny(train__steps=2))
    asked_for = run.request(str(tmp_path / "run"), "lambada,1bw", data, None, "")
    found = evaluate(asked_for, PROGRESS)
    assert Path(found["results"]) == tmp_path / "run" / "evals" / "run"
    assert {row["task"] for row in found["rows"]} == {"lambada", "1bw"}


def test_the_plot_has_a_panel_a_task_and_a_dot_a_model(folder: Path, data: Path) -> None:
    found = evaluate(asked(folder, data, "lambada", "ptb"), PROGRESS)
    svg = ElementTree.parse(found["plot"]).getroot()
    names = [
        text.text for text in svg.iter("{http://www.w3.org/2000/svg}text") if text.get("class") == "name"
    ]
    dots = [dot for dot in svg.iter("{http://www.w3.org/2000/svg}circle") if dot.get("class") == "dot"]
    papers = [
        dot for dot in svg.iter("{http://www.w3.org/2000/svg}circle") if dot.get("class") == "paper-dot"
    ]
    assert (names, len(dots), len(papers)) == (["lambada", "ptb"], 2 + 1, 8 + 1)  # and the legend


def test_what_is_neither_a_run_nor_a_model_is_said_to_be_neither(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"neither a run nor a Hugging Face GPT-2: it has no config\.toml"):
        subject.load(str(tmp_path))


@pytest.mark.parametrize("name", ["/not/a/directory", "../run", "runs/demo/run", "~nobody-here/run"])
def test_a_dry_run_of_a_model_that_can_be_nowhere_is_an_error(name: str, data: Path) -> None:
    said = f"^{name} does not exist; name the directory of a model, or OWNER/NAME for one of the hub$"
    with pytest.raises(TrainError, match=said):
        run.plan(asked(Path(name), data, "ptb"))


def test_a_dry_run_refuses_windows_that_the_model_has_no_room_for(folder: Path, data: Path) -> None:
    with pytest.raises(TrainError, match=r"strides \[99\] must lie between 1 and the model's length 32"):
        run.plan(asked(folder, data, "ptb", strides=(99,)))


def test_a_dry_run_of_a_run_without_a_checkpoint_is_an_error(data: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    with pytest.raises(TrainError, match="has no finished checkpoint yet"):
        run.plan(asked(tmp_path, data, "ptb"))


def test_a_dry_run_of_a_model_without_its_tokenizer_or_weights_is_an_error(folder: Path, data: Path) -> None:
    model = shutil.copytree(folder, data.parent / "model")
    for name, said in (("tokenizer.json", "is missing: put"), ("model.safetensors", "has no model.saf")):
        (model / name).unlink()
        with pytest.raises(TrainError, match=said):
            run.plan(asked(model, data, "ptb"))


def test_a_dry_run_of_a_run_without_its_tokenizer_or_weights_is_an_error(
    data: Path, corpus: Path, tiny: Callable[..., Settings], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(corpus, out, tiny(train__steps=2))
    for name, said in (("tokenizer.json", "is missing: put there"), ("model.safetensors", "is missing: rem")):
        next(out.rglob(name)).unlink()
        with pytest.raises(TrainError, match=said):
            run.plan(asked(out, data, "ptb"))


def test_a_dry_run_says_that_what_is_no_directory_would_come_from_the_hub(data: Path) -> None:
    told = run.plan(asked(Path("someone/tiny"), data, "ptb"))["model"]
    assert told == "someone/tiny, from the hub (there is no such folder here)"


def test_the_command_prints_json_and_a_mistake_is_one_line(folder: Path, data: Path, tmp_path: Path) -> None:
    common = ["eval", str(folder), "--data", str(data), "--out", str(tmp_path / "evals"), "--tasks"]
    done = CliRunner().invoke(app, [*common, "lambada", "--json", "--quiet"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"][0]["task"] == "lambada"
    planned = CliRunner().invoke(app, [*common, "ptb", "--json", "--dry-run"])
    assert json.loads(planned.stdout)["tasks"][0]["bytes"] == (data / "ptb" / "ptb.test.txt").stat().st_size
    for mistake in (["nonsense"], ["coqa"], ["ptb", "--strides", "x"], ["ptb", "--strides", "99"]):
        done = CliRunner().invoke(app, [*common, *mistake])
        assert done.exit_code == 2
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_evaluations_import_nothing_of_the_rest_of_the_toolkit(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    blocked = "webtext", "pydantic", "praw", "datasketch", "rouge_score", "sacrebleu"
    code = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import train.evals.run"
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_models_in_folders_of_one_name_keep_their_results_apart(folder: Path, data: Path) -> None:
    other = shutil.copytree(folder, data.parent / folder.name)
    weights = load_file(other / "model.safetensors")
    save_file({name: 2 * tensor for name, tensor in weights.items()}, other / "model.safetensors")
    places = [evaluate(asked(model, data, "lambada"), PROGRESS) for model in (folder, other, folder)]
    assert [Path(found["results"]).name for found in places] == ["tiny", "tiny-2", "tiny"]
    assert places[2]["reused"] == ["lambada"]
    assert values(places[0]) == values(places[2]) != values(places[1])


def test_files_of_other_programs_are_no_results(folder: Path, data: Path) -> None:
    for place in (f"evals/{folder.name}/theirs.json", "evals/other/theirs.json"):
        (data.parent / place).parent.mkdir(parents=True)
        (data.parent / place).write_text('{"source": "theirs", "metrics": {"accuracy": 1}}')
    (data.parent / "evals" / "other" / "endless.json").write_text("[" * 100_000)
    found = evaluate(asked(folder, data, "lambada"), PROGRESS)
    assert Path(found["results"]).name == folder.name


def test_a_text_is_read_whole_whatever_the_tokenizer_was_last_used_for(folder: Path, data: Path) -> None:
    cut = shutil.copytree(folder, data.parent / "cut")
    tokenizer = Tokenizer.from_file(str(cut / "tokenizer.json"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    tokenizer.save(str(cut / "tokenizer.json"))
    found = [evaluate(asked(model, data, "ptb", "lambada"), PROGRESS) for model in (folder, cut)]
    assert values(found[0]) == values(found[1])
