import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.corpus import Split, TokenFile
from train.data import Batch, Loader, Order, evaluation_batches, shuffled, training_batches
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


def test_the_loader_reads_the_next_steps_while_one_is_used(stream: Split) -> None:
    order, read, read_third = Order(stream.tokens, 10, seed=7), [], threading.Event()

    def batches(step: int) -> list[Batch]:
        read.append(step)
        if step == 7:
            read_third.set()
        return list(training_batches(stream, order, step, 4, 2, Ranks()))

    loader = Loader(batches)
    found = loader.take(5)
    assert read_third.wait(timeout=60)  # nobody asked for steps 6 and 7 yet
    found += loader.take(6)
    loader.close()
    expected = [one for step in (5, 6) for one in training_batches(stream, order, step, 4, 2, Ranks())]
    for got, want in zip(found, expected, strict=True):
        assert torch.equal(torch.stack(got), torch.stack(want))
    assert read[:3] == [5, 6, 7]


def test_every_rank_evaluates_as_often_as_the_others(stream: Split) -> None:
    per_rank = [list(evaluation_batches(stream, 10, 16, Ranks(rank, 4))) for rank in range(4)]
    assert len({len(batches) for batches in per_rank}) == 1
    scored = sum(int((targets != IGNORED).sum()) for batches in per_rank for _, targets in batches)
    assert scored == stream.tokens - 1
