"""Shingle sets and their MinHash, against plain Python and datasketch."""

import random
import time
from itertools import chain, pairwise
from typing import Any

import datasketch
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.dedup.candidates import join
from webtext.dedup.minhash import band_hashes, signatures
from webtext.dedup.shingles import distinct, shingle_hashes, shingle_hashes_by_numpy
from webtext.dedup.signatures import shingle_sets
from webtext.dedup.verify import Evidence, agreement, jaccard, similarities


@pytest.fixture(scope="module")
def compiled() -> Any:
    return pytest.importorskip(
        "webtext.dedup._shingles", reason="the hashes were not compiled", exc_type=ImportError
    )


texts = st.lists(st.lists(st.text("ab", min_size=1, max_size=40), max_size=12), max_size=8)


def tuples(words: list[str], n: int) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))} if words else set()


@given(texts, st.integers(1, 6))
def test_hashes_are_those_of_the_word_runs(documents: list[list[str]], n: int) -> None:
    sets = shingle_sets([" ".join(words).encode() for words in documents], n)
    ids: dict[tuple[str, ...], int] = {}
    for words, hashes in zip(documents, sets, strict=True):
        expected = tuples(words, n)
        assert len(hashes) == len(expected)
        hashed = shingle_hashes([" ".join(words).encode()], n)[0].tolist()
        for position, value in enumerate(hashed):
            assert ids.setdefault(tuple(words[position : position + n]), value) == value
    assert len(set(ids.values())) == len(ids)


@given(texts)
def test_a_text_has_the_same_shingles_in_any_company(documents: list[list[str]]) -> None:
    normalised = [" ".join(words).encode() for words in documents]
    hashes, offsets = shingle_hashes(normalised, 5)
    alone = [shingle_hashes([text], 5)[0].tolist() for text in normalised]
    assert [hashes[a:b].tolist() for a, b in pairwise(offsets.tolist())] == alone


@given(st.lists(st.lists(st.integers(0, 5) | st.integers(0, 2**64 - 1), max_size=8), max_size=6))
def test_distinct_hashes_are_each_texts_own_sorted(hashed: list[list[int]]) -> None:
    offsets = np.cumsum([0, *map(len, hashed)])
    hashes, ends = distinct(np.array([*chain(*hashed)], np.uint64), offsets)
    assert [hashes[a:b].tolist() for a, b in pairwise(ends.tolist())] == [
        sorted(set(text)) for text in hashed
    ]


words_of_any_length = st.lists(st.binary(max_size=60).map(lambda word: word.replace(b" ", b"")).filter(bool))


@pytest.mark.usefixtures("compiled")
@given(st.lists(words_of_any_length.map(b" ".join), max_size=6), st.integers(1, 9))
def test_compiled_hashes_are_those_of_numpy(normalised: list[bytes], n: int) -> None:
    for one, other in zip(shingle_hashes(normalised, n), shingle_hashes_by_numpy(normalised, n), strict=True):
        assert one.tolist() == other.tolist()


@pytest.mark.parametrize(("factors", "hashes", "offsets"), [(0, 24, 16), (8, 16, 16), (8, 24, 8)])
def test_buffers_that_are_too_small_are_refused(
    compiled: Any, factors: int, hashes: int, offsets: int
) -> None:
    with pytest.raises(ValueError, match=r"room|factor"):
        compiled.shingle_hashes([b"one two three"], *map(bytearray, (factors, hashes, offsets)))


def test_a_text_shorter_than_a_shingle_has_one_and_an_empty_text_none() -> None:
    _, offsets = shingle_hashes([b"one two", b"", b"one", b"a b c d e", b"a b c d e f"], 5)
    assert np.diff(offsets).tolist() == [1, 0, 1, 1, 2]


def test_the_order_of_words_counts() -> None:
    (one,), (other,) = (shingle_hashes([text], 5)[0] for text in (b"dog bites man", b"man bites dog"))
    assert one != other


def pair(generator: random.Random, shared: int, alone: int) -> tuple[bytes, bytes, float]:
    """Two texts of distinct words, and the Jaccard similarity of their single words."""
    words = [f"w{number}" for number in generator.sample(range(10**9), shared + 2 * alone)]
    one, other = words[: shared + alone], words[:shared] + words[shared + alone :]
    return " ".join(one).encode(), " ".join(other).encode(), shared / (shared + 2 * alone)


@pytest.mark.parametrize(("shared", "alone"), [(400, 50), (300, 150), (20, 4), (3000, 300)])
def test_estimates_err_no_more_than_theory_and_datasketch(shared: int, alone: int) -> None:
    generator = random.Random(7)
    ours, theirs = [], []
    for _ in range(60):
        *normalised, exact = pair(generator, shared, alone)
        assert jaccard(*shingle_sets(normalised, 1)) == exact
        hashes, offsets = shingle_hashes(normalised, 1)
        signed = signatures(hashes, offsets, 128)
        ours.append(agreement(signed[0], signed[1]) - exact)
        sketches = [datasketch.MinHash(128, hashfunc=int) for _ in normalised]
        for sketch, begin, end in zip(sketches, offsets[:-1], offsets[1:], strict=True):
            sketch.update_batch((hashes[begin:end] & np.uint64(0xFFFFFFFF)).tolist())
        theirs.append(sketches[0].jaccard(sketches[1]) - exact)
    theory = (exact * (1 - exact) / 128) ** 0.5
    assert np.sqrt(np.mean(np.square(ours))) < 1.35 * theory
    assert np.sqrt(np.mean(np.square(theirs))) < 1.35 * theory
    assert abs(np.mean(ours)) < 4 * theory / 60**0.5


def test_bands_agree_where_their_rows_do() -> None:
    signed = np.arange(24, dtype=np.uint32).reshape(2, 12)
    signed[1, 3:6] = signed[0, 3:6]
    one, other = band_hashes(signed, bands=3, rows=3)
    assert (one == other).tolist() == [False, True, False]


def test_signatures_never_change() -> None:
    """They are stored; another library version that signs differently must be noticed."""
    hashes, offsets = shingle_hashes([b"the quick brown fox jumps over the lazy dog"], 5)
    assert hashes[:2].tolist() == [12987927822495034960, 16301984627777060373]
    signed = signatures(hashes, offsets, 128)
    assert signed[0, :4].tolist() == [3439217108, 3432600230, 3276088555, 3705110770]
    assert band_hashes(signed, 16, 8)[0, :1].tolist() == [14922529500828806384]


@pytest.mark.parametrize("text", [b"a" * 1_000_000, b"ab " * 300_000, b"a" * 40 + b" " + b"b" * 999_000])
def test_a_million_odd_bytes_take_no_time(text: bytes) -> None:
    started = time.process_time()
    hashes, offsets = shingle_hashes([text.strip()], 5)
    signatures(hashes, offsets, 128)
    assert time.process_time() - started < 2


def test_a_pair_that_just_reaches_the_threshold_is_measured_and_one_of_more_different_sizes_is_not() -> None:
    sets: list[Evidence] = [np.arange(size, dtype=np.uint64) for size in (5, 4, 3)]
    keys = join(np.array([1, 2], np.uint32), np.array([0, 0], np.uint32))
    assert similarities(keys, sets.__getitem__, "exact", 0.8).tolist() == [0.8, 0.0]
