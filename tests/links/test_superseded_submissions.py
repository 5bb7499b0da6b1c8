"""Of a submission that was retrieved several times the latest retrieval counts."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from webtext.links.codes import SELECTED
from webtext.links.superseding import (
    code_of,
    id_buckets,
    make_keys,
    rows_of,
    selected_by_bucket,
    source_of,
    superseded,
    with_source,
)


def keys_of(rows: Sequence[tuple[object, int]], source: int = 0) -> np.ndarray:
    ids, times = [row[0] for row in rows], [row[1] for row in rows]
    return with_source(
        make_keys([np.arange(len(rows))], ids, times, [SELECTED] * len(rows), [7] * len(rows)), source
    )


def losers(*sources: Sequence[tuple[object, int]]) -> list[tuple[int, int]]:
    """(source, row) of those that lost."""
    places = superseded(np.concatenate([keys_of(rows, n) for n, rows in enumerate(sources)]))
    selected = selected_by_bucket(places)
    return [(n, row) for n in range(len(sources)) for row in rows_of(selected, n, 7, 8).tolist()]


def test_the_later_retrieval_wins_in_whatever_order_they_come() -> None:
    assert losers([("a", 1), ("b", 1), ("a", 2)]) == [(0, 0)]
    assert losers([("a", 2), ("b", 1), ("a", 1)]) == [(0, 2)]
    assert losers([("a", 5)], [("a", 3)], [("a", 4)]) == [(1, 0), (2, 0)]


def test_at_one_time_the_later_in_the_sources_wins() -> None:
    assert losers([("a", 1), ("a", 1)], [("b", 1), ("a", 1)]) == [(0, 0), (0, 1)]


def test_rows_without_an_id_supersede_nothing() -> None:
    assert losers([(None, 1), (None, 2), ("", 1), ("", 2), ([], 1)]) == []


def test_an_id_is_one_however_it_is_written_and_others_are_others() -> None:
    assert losers([("t3_abc", 1), ("abc", 2)]) == [(0, 0)]
    assert losers([(204, 1), ("204", 2)]) == [(0, 0)]
    others = ["abc", "0abc", "ABC", "a_bc", "ab c", "a" * 40, "b" * 40, "ａ", "a", "-a", "+a", "1_0", "10"]
    assert losers([(each, 1) for each in others]) == []


def test_a_key_remembers_its_row_to_the_last_bit() -> None:
    keys = with_source(
        make_keys(
            [np.arange(2**32 - 3, 2**32)], ["a", "b", "c"], [1] * 3, [SELECTED, 3, SELECTED], [0, 9, 255]
        ),
        32_767,
    )
    places = keys[:, 2]
    assert source_of(places).tolist() == [32_767] * 3
    assert code_of(places).tolist() == [SELECTED, 3, SELECTED]
    selected = selected_by_bucket(places)
    assert rows_of(selected, 32_767, 0, 1).tolist() == [2**32 - 3]
    assert rows_of(selected, 32_767, 0, 256).tolist() == [2**32 - 3, 2**32 - 1]
    assert rows_of(selected, 32_766, 0, 256).tolist() == []


ids = st.one_of(st.sampled_from(["a", "b", "c", "zz", "1y2p0ij32e8e7", "Z", None]), st.text(max_size=3))


@given(st.lists(st.lists(st.tuples(ids, st.integers(0, 3)), max_size=12), min_size=1, max_size=3))
def test_it_agrees_with_a_dictionary(sources: list[list[tuple[str | None, int]]]) -> None:
    best: dict[str, tuple[int, int, int]] = {}
    rows = [(id, time, n, row) for n, some in enumerate(sources) for row, (id, time) in enumerate(some)]
    named = [(id.strip().removeprefix("t3_"), time, n, row) for id, time, n, row in rows if id]
    for id, time, source, row in named:
        best[id] = max(best.get(id, (-1, -1, -1)), (time, source, row))
    expected = sorted(
        (source, row) for id, time, source, row in named if id and best[id] != (time, source, row)
    )
    assert losers(*sources) == expected


@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, unique=True))
def test_keys_of_one_id_meet_in_one_bucket(names: list[str]) -> None:
    once, twice = keys_of([(name, 1) for name in names]), keys_of([(name, 9) for name in names])
    assert id_buckets(once).tolist() == id_buckets(twice).tolist()
