"""What a training tells while it runs, on a terminal and without one."""

import sys
from inspect import signature
from pathlib import Path
from unittest.mock import call, create_autospec

import pytest

from pipelines import stored_run
from train import progress
from train.progress import Lines, Live, Progress, for_terminal, line_by_line


def step(number: int, mfu: float | None = None) -> dict[str, float | None]:
    return {"step": number, "loss": 3.0, "lr": 1e-3, "tokens_per_s": 10.0, "mfu": mfu}


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(progress, "time", clock := Clock())
    return clock


def test_without_a_terminal_a_line_comes_every_ten_seconds_and_for_the_last_step(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    view = Lines()
    view.preparing("reading 9 tokens")
    view.begin("a tiny GPT-2", 0, 25)
    for number in range(1, 26):
        clock.now += 1
        view.stepped(step(number))
    reading, first, *lines = capsys.readouterr().err.splitlines()
    assert (reading, first) == ("reading 9 tokens", "a tiny GPT-2")
    assert lines == [f"step {number}/25  loss 3.000  lr 1.0e-03  10 tokens/s" for number in (10, 20, 25)]


@pytest.mark.parametrize("view", [Lines(), Live()])
def test_an_evaluation_without_a_loss_or_without_bytes_is_told_as_such(
    view: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    view.preparing("reading 9 tokens")
    view.begin("a tiny GPT-2", 0, 8)
    view.evaluated({"step": 4, "val_loss": None, "val_bits_per_byte": None})
    view.evaluated({"step": 8, "val_loss": 3.5, "val_bits_per_byte": None})
    view.end()
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert lines[0] == "reading 9 tokens"
    assert "step 4: no validation loss" in lines
    assert "step 8: validation loss 3.500" in lines


def test_the_bar_stands_where_the_run_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    places = []
    for steps in ([], [6]):
        view = Live()
        view.begin("a tiny GPT-2", 5, 8)
        for number in steps:
            view.stepped(step(number, mfu=0.5))
        view.end()
        places.append(next(word for word in capsys.readouterr().err.split() if word.endswith("/8")))
    assert places == ["5/8", "6/8"]


def test_a_long_evaluation_says_every_ten_seconds_how_far_it_is(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    view = Lines()
    view.begin("a tiny GPT-2", 0, 25)
    for done in range(0, 1025, 128):
        view.evaluating(done, 1024)
        clock.now += 4
    assert capsys.readouterr().err.splitlines()[1:] == [
        "evaluating: 384 of 1,024 windows",
        "evaluating: 768 of 1,024 windows",
    ]


def test_an_evaluation_has_a_bar_of_its_own_that_goes_when_it_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    view = Live()
    view.begin("a tiny GPT-2", 0, 8)
    for step_, windows in ((4, 64), (8, 32)):
        view.evaluating(0, windows)
        view.evaluating(16, windows)
        shown = [f"{task.description} {task.completed}/{task.total}" for task in view._bar.tasks]
        assert shown == ["training 0/8", f"evaluating 16/{windows}"]
        view.evaluated({"step": step_, "val_loss": 3.5, "val_bits_per_byte": None})
        assert [task.description for task in view._bar.tasks if task.visible] == ["training"]
    view.end()
    assert "evaluating" not in capsys.readouterr().err


def test_spikes_and_checkpoints_scroll_past_above_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    view = Live()
    view.begin("a tiny GPT-2", 0, 8)
    view.spiked({"step": 7, "loss": 8.0, "grad_norm": 1.0, "spike_z": 9.0, "skipped": False})
    view.saved(8)
    view.end()
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert "step 7: loss 8.000, 9.0 deviations above the last ones" in lines
    assert "step 8: checkpoint" in lines


def test_a_run_that_ends_before_its_bar_begins_ends_in_peace() -> None:
    Live().end()


@pytest.mark.parametrize(("terminal", "view"), [(True, Live), (False, Lines)])
def test_only_a_terminal_at_stderr_gets_a_bar(
    terminal: bool, view: type[Progress], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: not terminal)
    assert type(for_terminal()) is view


@pytest.mark.parametrize(
    ("rank", "quiet", "shown"),
    [(None, False, "timing\n"), ("0", False, "timing\n"), ("1", False, ""), ("0", True, "")],
)
def test_a_dry_run_tells_what_it_does_once_on_stderr(
    rank: str | None,
    quiet: bool,
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    line_by_line(quiet)("timing")
    assert capsys.readouterr() == ("", shown)


TOLD = [name for name in vars(Progress) if not name.startswith("_") and name != "saves_in_vain"]


@pytest.mark.parametrize("name", TOLD)
def test_what_a_training_of_an_object_store_tells_is_shown_like_any_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_run, "put", lambda _run: None)
    shown = create_autospec(Progress, instance=True)
    given = tuple(map(str, range(len(signature(getattr(Progress, name)).parameters) - 1)))
    getattr(stored_run.Putting(tmp_path, shown), name)(*given)
    assert shown.mock_calls == [getattr(call, name)(*given)]
