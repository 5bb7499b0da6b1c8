"""What banding promises, against datasketch's theory."""

import pytest
from datasketch.lsh import _false_negative_probability, _optimal_param

from webtext.dedup.recall import describe, mean_recall, recall_at, warning
from webtext.sections import Dedup


@pytest.mark.parametrize(("threshold", "bands", "rows"), [(0.8, 16, 8), (0.5, 10, 1), (0.7, 14, 9)])
def test_recall_is_what_datasketch_computes(threshold: float, bands: int, rows: int) -> None:
    missed = _false_negative_probability(threshold, bands, rows) / (1 - threshold)
    assert mean_recall(threshold, bands, rows) == pytest.approx(1 - missed, abs=1e-4)


def test_the_curve_rises_from_nothing_to_everything() -> None:
    assert [round(recall_at(s, 16, 8), 3) for s in (0, 0.5, 0.8, 1)] == [0, 0.061, 0.947, 1]


def test_the_default_finds_what_it_promises() -> None:
    assert warning(Dedup()) is None
    assert "94.7% of the pairs at similarity 0.8, 99.4% of those from there to 1" in describe(Dedup())


def test_a_setting_that_finds_too_little_is_warned_of_with_one_that_does_not() -> None:
    line = warning(Dedup(bands=9, rows=13))
    assert line is not None and "only 83%" in line and "dedup.bands = 12, dedup.rows = 10" in line
    assert warning(Dedup(bands=12, rows=10)) is None


def test_too_few_permutations_are_warned_of_with_a_number_that_is_enough() -> None:
    line = warning(Dedup(permutations=2, bands=1, rows=2, threshold=0.5))
    assert line is not None and "dedup.permutations = " in line


def test_datasketch_finds_the_default_no_worse_than_its_own_choice_when_recall_counts() -> None:
    bands, rows = _optimal_param(0.8, 128, 0.1, 0.9)
    assert mean_recall(0.8, 16, 8) >= mean_recall(0.8, bands, rows) - 0.01
