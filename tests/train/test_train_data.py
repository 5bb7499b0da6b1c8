from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.corpus import Split, TokenFile
from train.data import Order, evaluation_batches, shuffled, training_batches
from train.errors import TrainError
from train.model import IGNORED
from train.ranks import Ranks


@pytest.fixture
def stream(tmp_path: Path) -> Split:
    """The tokens 0, 1, 2, … 999 over three files, so that a token says where it stands."""
    ends = [0, 333, 340, 1000]
    for at in range(3):
        np.arange(ends[at], ends[at + 1], dtype="<u2").tofile(tmp_path / f"{at}.bin")
    files = (TokenFile(tmp_path / f"{at}.bin", "<u2", ends[at + 1] - ends[at], None, None) for at in range(3))
    return Split(tuple(files))


def sequences(stream: Split, step: int, micro: int, ranks: int) -> torch.Tensor:
    order = Order(stream.tokens, 10, seed=7)
    parts = [
        ids
        for rank in range(ranks)
        for ids, _ in training_batches(stream, order, step, 12, micro, Ranks(rank, ranks))
    ]
    return torch.cat(parts)


@given(st.integers(1, 5000), st.integers(0, 2**64 - 1))
def test_a_shuffle_is_a_permutation(size: int, key: int) -> None:
    assert sorted(shuffled(np.arange(size), size, key)) == list(range(size))


def test_a_shuffle_leaves_few_neighbours_together() -> None:
    places = shuffled(np.arange(10_000), 10_000, 3)
    assert (np.abs(np.diff(places)) == 1).mean() < 0.01


@pytest.mark.parametrize(("micro", "ranks"), [(1, 1), (3, 1), (12, 1), (2, 2), (6, 2), (1, 3)])
def test_a_step_reads_the_same_sequences_for_any_micro_batch_and_ranks(
    stream: Split, micro: int, ranks: int
) -> None:
    for step in (0, 5, 40):
        assert torch.equal(sequences(stream, step, micro, ranks), sequences(stream, step, 4, 1))


def test_targets_are_the_next_tokens_also_across_files(stream: Split) -> None:
    for step in range(20):
        for ids, targets in training_batches(stream, Order(1000, 10, 7), step, 12, 4, Ranks()):
            assert torch.equal(targets, ids + 1)


def test_an_epoch_takes_every_window_once_and_the_next_in_another_order() -> None:
    order = Order(1000, 10, seed=7)
    first, second = order.starts(0, order.windows), order.starts(order.windows, order.windows)
    for starts in (first, second):
        assert len(set(starts)) == 99
        assert len(set(starts % 10)) == 1
        assert starts.min() >= 0 and starts.max() + 10 < 1000
    assert list(first) != list(second)


def test_the_order_is_that_of_the_seed() -> None:
    assert list(Order(1000, 10, 7).starts(40, 5)) == list(Order(1000, 10, 7).starts(38, 7)[2:])
    assert list(Order(1000, 10, 7).starts(0, 9)) != list(Order(1000, 10, 8).starts(0, 9))


def test_too_few_tokens_for_the_context_is_a_clear_error() -> None:
    with pytest.raises(TrainError, match=r"19 training tokens are too few for model.n_positions = 10"):
        Order(19, 10, 0)


@pytest.mark.parametrize("ranks", [1, 2])
def test_evaluation_predicts_every_token_but_the_first_once(stream: Split, ranks: int) -> None:
    batches = [
        batch for rank in range(ranks) for batch in evaluation_batches(stream, 64, 4, Ranks(rank, ranks))
    ]
    targets = torch.cat([targets.flatten() for _, targets in batches])
    assert sorted(targets[targets != IGNORED].tolist()) == list(range(1, 1000))
    assert {tuple(ids.shape) for ids, _ in batches} == {(4, 64)}
