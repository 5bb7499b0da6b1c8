"""Counting: exact percentiles, histograms without gaps, sums by key."""

from collections import Counter
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.audit import histograms, tally
from webtext.audit.figures import share
from webtext.audit.tally import Sums, distribution, histogram

VALUES = st.lists(st.integers(-5, 200_000), min_size=1, max_size=300)


@given(VALUES)
def test_percentiles_are_those_of_the_sorted_values(values: list[int]) -> None:
    ordered = sorted(values)
    found = distribution(Counter(values))["percentiles"]
    for name, value in found.items():
        rank = int(name[1:])
        below = -(-rank * len(ordered) // 100)  # nearest rank: ⌈p n / 100⌉
        assert value == ordered[below - 1]


@given(VALUES)
def test_every_value_is_in_the_one_bucket_that_holds_it(values: list[int]) -> None:
    buckets = histogram(Counter(values))
    for bucket in buckets:
        start = -10 if bucket["from"] is None else bucket["from"]
        assert bucket["count"] == sum(start <= value < bucket["below"] for value in values)
    assert sum(bucket["count"] for bucket in buckets) == len(values)
    assert all(a["below"] == b["from"] for a, b in pairwise(buckets))


def test_nothing_has_no_percentiles() -> None:
    assert distribution(Counter({None: 4})) == {"count": 0}


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9)), max_size=20), max_size=8))
def test_sums_by_key_are_the_same_however_often_they_are_compacted(
    batches: list[list[tuple[str, int]]],
) -> None:
    expected: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "COMPACT_ROWS", 3)
        sums = Sums("key", ["count"])
        for batch in batches:
            keys = pa.array([key for key, _ in batch], pa.string())
            sums.add(pa.table({"key": keys, "count": pa.array([n for _, n in batch], pa.int64())}))
            for key, count in batch:
                expected[key] += count
    rows = sums.table().to_pylist()
    assert {row["key"]: row["count"] for row in rows} == dict(expected)


def test_equal_counts_are_ranked_by_value() -> None:
    ranked = tally.ranking(Counter({"b": 2, "a": 2, None: 2, "c": 3}))
    assert [row["value"] for row in ranked] == ["c", "a", "b", None]


def test_the_shares_of_a_ranking_are_of_all_and_not_of_its_top() -> None:
    [first] = tally.ranking({"a": 3, "b": 1}, top=1)
    assert first["share"] == share(3, 4)


def test_a_bucket_of_one_value_is_named_after_it() -> None:
    columns = histograms.as_columns({"all": histogram({1: 1, 20: 1})}, "words")
    assert (columns[0].label, columns[-1].label) == ("1 words", "16–24 words")
