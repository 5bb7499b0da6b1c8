"""What a run tells while it runs, where there is no terminal."""

import re

import pytest

from webtext import progress
from webtext.progress import Progress
from webtext.tally import Tally, duration


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


def test_of_many_reasons_and_names_the_most_frequent_and_the_slowest_are_told() -> None:
    tally = Tally("pages", 0)
    tally.add(1, {f"reason{n}": n for n in range(1, 8)}, {f"host{n}": 100.0 * n for n in range(1, 6)})
    assert tally.drops() == "reason7 7, reason6 6, reason5 5, reason4 4, reason3 3"
    assert [*tally.slowest_left_s()] == ["host5", "host4", "host3"]


def test_a_name_that_keeps_nobody_waiting_is_not_among_the_slowest() -> None:
    tally = Tally("pages", 0)
    tally.add(1, {}, {"slow.example": 60.0, "quick.example": 0.0})
    assert [*tally.slowest_s()] == ["slow.example"]
    assert [*tally.ends] == ["slow.example"]


def test_the_names_that_are_remembered_do_not_grow_with_the_hosts() -> None:
    tally = Tally("pages", 0)
    for n in range(250):
        tally.add(1, {}, {f"{n}.example": 60.0})
        assert len(tally.waited_s) <= 100
    assert "249.example" in tally.slowest_s()


def test_the_time_left_follows_the_rate_where_nobody_is_slow_and_ends_with_the_rows() -> None:
    tally = Tally("pages", 30)
    tally.started -= 10
    assert tally.left_s() is None
    tally.add(10, {}, None)
    assert tally.left_s() == pytest.approx(20, rel=0.05)
    tally.add(20, {}, {"slow.example": 60.0})
    assert tally.left_s() is None


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (172_799, "48 h"),
        (172_800, "2 days"),
    ],
)
def test_a_time_is_told_in_one_unit_of_which_there_are_two_at_least(seconds: float, told: str) -> None:
    assert duration(seconds) == told
