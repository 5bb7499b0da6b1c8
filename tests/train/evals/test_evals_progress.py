"""What an evaluation tells while it runs, on a terminal and without one."""

import re
import sys

import pytest

from train.evals import progress
from train.evals.progress import Lines, Live, Progress, for_terminal


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_without_a_terminal_a_line_comes_every_ten_seconds_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "time", clock := Clock())
    with Lines().task("lambada") as told:
        for done in range(1, 26):
            clock.now += 1
            told(done, 5000)
    assert capsys.readouterr() == ("", "lambada: 10/5,000\nlambada: 20/5,000\nlambada: done in 25.0 s\n")


def test_a_task_that_fails_is_not_called_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), Lines().task("lambada"):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""


def test_the_bar_names_the_task_as_it_is_called_and_says_how_much_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with Live().task("a[bold]:zap:.bin") as told:
        told(3, 40)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.search(r"a\[bold\]:zap:\.bin .* 3/40 ", shown.err)


@pytest.mark.parametrize(
    ("terminal", "quiet", "view"), [(True, False, Live), (False, False, Lines), (True, True, Progress)]
)
def test_only_a_terminal_at_stderr_gets_a_bar_and_nothing_does_that_wants_quiet(
    terminal: bool, quiet: bool, view: type[Progress], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: not terminal)
    assert type(for_terminal(quiet)) is view
