"""What a run tells while it runs, where there is no terminal."""

import re

import pytest

from webtext import progress
from webtext.progress import Progress


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Progress:
    monkeypatch.setattr(progress, "LINE_EVERY_S", -1.0)
    return Progress()


def test_a_line_has_rate_time_left_and_losses_by_reason(
    told: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    with told.bar("pages", 100) as report:
        report(40, {"dns": 3})
    line = capsys.readouterr().err.splitlines()[0]
    assert re.fullmatch(r"pages: 40 of 100, [\d,]+/s, 0 s left \(dns 3\)", line)


def test_the_time_left_is_that_of_the_slowest(told: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    with told.bar("pages", 100) as report:
        report(90, {}, {"slow.example": 7200.0, "quick.example": 300.0, "done.example": 5.0})
        report(1, {}, {"slow.example": 0.0})
    first, second, _ = capsys.readouterr().err.splitlines()
    assert first.endswith(", 120 min left; slowest: slow.example 120 min, quick.example 5 min")
    assert second.endswith(", 5 min left; slowest: quick.example 5 min")
