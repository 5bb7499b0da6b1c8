"""What Ctrl-C and SIGTERM do while a run is being trained, and after it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from train import checkpoint, loop
from train.loop import train
from train.progress import Progress
from train.ranks import Ranks
from train.settings import Settings
from train.stopping import stop_request
from train.training import Training


@pytest.fixture(autouse=True)
def heard() -> Iterator[list[int]]:
    """The signals that come to whoever listened before the run."""
    found: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: found.append(number)) for number in numbers]
    yield found
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request_alone(number: signal.Signals, heard: list[int]) -> None:
    with stop_request() as stop:
        assert not stop.asked
        signal.raise_signal(number)
        assert stop.asked
    assert heard == []


def test_a_second_ctrl_c_ends_the_run_at_once_and_a_second_sigterm_does_not(heard: list[int]) -> None:
    with stop_request():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
        signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]


def test_after_the_run_signals_are_what_they_were(heard: list[int]) -> None:
    with pytest.raises(ZeroDivisionError), stop_request():
        raise ZeroDivisionError
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize(
    ("part", "does"),
    [(Progress, "preparing"), (Training, "check_compiled")],
    ids=["as tokens are read", "as the model is compiled"],
)
def test_before_the_first_step_there_is_nothing_to_save_and_a_signal_ends_the_run_at_once(
    part: type,
    does: str,
    corpus: Path,
    tiny: Callable[..., Settings],
    tmp_path: Path,
    heard: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        raise KeyboardInterrupt  # as those who listen do

    monkeypatch.setattr(part, does, stopped)
    with pytest.raises(KeyboardInterrupt):
        train(corpus, tmp_path / "run", tiny())
    assert heard == [signal.SIGTERM, signal.SIGINT]
    assert not (tmp_path / "run").exists()


def test_a_request_that_nothing_can_be_saved_for_ends_the_run_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), stop_request(lambda: True):
        signal.raise_signal(signal.SIGINT)


def test_a_signal_ends_a_rank_at_once_that_waits_for_another_to_prepare(
    corpus: Path,
    tiny: Callable[..., Settings],
    tmp_path: Path,
    heard: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Waiting(Ranks):
        def wait(self) -> None:
            signal.raise_signal(signal.SIGTERM)
            raise KeyboardInterrupt  # as those who listen do

    monkeypatch.setattr(loop, "joined", lambda: nullcontext(Waiting()))
    with pytest.raises(KeyboardInterrupt):
        train(corpus, tmp_path / "run", tiny())
    assert heard == [signal.SIGTERM]
    assert not checkpoint.finished(tmp_path / "run")
