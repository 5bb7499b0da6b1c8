"""Which pairs a band's buckets give, and how many."""

import numpy as np

from webtext.dedup.candidates import ANCHORS, candidate_pairs, split


def pairs(hashes: list[int], ranks: list[int] | None = None) -> list[tuple[int, int]]:
    numbers = range(len(hashes)) if ranks is None else ranks
    keys = candidate_pairs(np.array(hashes, np.uint64), np.array(list(numbers), np.uint32))
    later, earlier = split(np.concatenate([np.empty(0, np.uint64), *keys]))
    return list(zip(earlier.tolist(), later.tolist(), strict=True))


def test_a_small_bucket_gives_all_its_pairs_and_each_once() -> None:
    assert pairs([7, 1, 7, 2, 7]) == [(0, 2), (0, 4), (2, 4)]


def test_the_order_of_rows_does_not_matter() -> None:
    assert pairs([7, 7, 1, 7, 2], [4, 0, 1, 2, 3]) == [(0, 2), (0, 4), (2, 4)]


def test_no_bucket_gives_no_pair() -> None:
    assert pairs([]) == [] and pairs([1, 2, 3]) == []


def test_a_large_bucket_gives_a_constant_number_of_pairs_a_document() -> None:
    found = pairs([9] * 10_000)
    assert len(found) < 10_000 * (ANCHORS + 1)
    assert {later for earlier, later in found if earlier == 0} == set(range(1, 10_000))
    assert all((later - 1, later) in set(found[-50:]) for later in (9_998, 9_999))


def test_beyond_the_anchors_a_document_is_paired_with_them_and_with_the_one_before_it() -> None:
    count = ANCHORS + 3
    expected = {(earlier, later) for later in range(count) for earlier in range(min(later, ANCHORS))}
    expected |= {(later - 1, later) for later in range(1, count)}
    found = pairs([9] * count)
    assert set(found) == expected and len(found) == len(expected)
