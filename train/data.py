"""Which tokens a step sees: a function of (seed, step), whatever the ranks, micro-batches and restarts.

The training stream is cut into windows of n_positions tokens, and each epoch takes every window once, in an
order of its own and cut at an offset of its own, so that no token always stands at a window's border.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.corpus import Split
from train.errors import TrainError
from train.model import IGNORED
from train.ranks import Ranks

Batch = tuple[Tensor, Tensor]
"""Token ids and their targets, each (sequences, n_positions) int64."""

ROUNDS = 4  # of the Feistel network that permutes windows
EVALUATED_WINDOWS = 1024  # at most
STEPS_AHEAD = 2  # whose batches are read while the device computes


class Order:
    """The order in which a split's windows are read, computed anew for any position of it."""

    def __init__(self, tokens: int, length: int, seed: int) -> None:
        self.length, self.seed = length, seed
        self.windows = (tokens - length) // length  # an epoch; the rest leaves room for the offset
        if self.windows < 1:
            raise TrainError(
                f"{tokens:,} training tokens are too few for model.n_positions = {length}: "
                f"at least {2 * length:,} are needed"
            )

    def starts(self, first: int, count: int) -> NDArray[np.int64]:
        """Where in the stream sequences [first, first + count) of the whole training begin."""
        epochs, positions = np.divmod(np.arange(first, first + count, dtype=np.int64), self.windows)
        starts = np.empty(count, dtype=np.int64)
        for epoch in np.unique(epochs):
            mine = epochs == epoch
            key = _mix(np.array([self.seed, int(epoch)], dtype=np.uint64)).sum(dtype=np.uint64)
            offset = int(_mix(key[None])[0] % np.uint64(self.length))
            starts[mine] = shuffled(positions[mine], self.windows, int(key)) * self.length + offset
        return starts


def training_batches(
    split: Split, order: Order, step: int, batch_size: int, micro_batch_size: int, ranks: Ranks
) -> Iterator[Batch]:
    """This rank's micro-batches, equally large, of the step that follows `step` finished ones."""
    share = batch_size // ranks.size
    first = step * batch_size + ranks.rank * share
    for at in range(0, share, micro_batch_size):
        window = np.empty((micro_batch_size, order.length + 1), dtype=np.int64)
        for row, start in enumerate(order.starts(first + at, micro_batch_size)):
            window[row] = split.read(int(start), order.length + 1)
        ids = torch.from_numpy(window)
        yield ids[:, :-1], ids[:, 1:]


def evaluation_windows(tokens: int, length: int) -> list[tuple[int, int]]:
    """(start, count) of windows of `length` tokens and the one behind them: the whole split if it is small
    enough, else EVALUATED_WINDOWS spread evenly over it. None of fewer than two tokens."""
    windows = -(-(tokens - 1) // length)
    chosen = np.unique(np.linspace(0, windows - 1, max(0, min(windows, EVALUATED_WINDOWS))).astype(np.int64))
    return [(start, min(length + 1, tokens - start)) for start in (chosen * length).tolist()]


def evaluation_batches(split: Split, length: int, batch_size: int, ranks: Ranks) -> Iterator[Batch]:
    """This rank's share of the windows that judge the model. Rows and tokens that fill up a batch are
    IGNORED."""
    spans = evaluation_windows(split.tokens, length)
    for shared in range(0, len(spans), ranks.size * batch_size):  # as many batches for every rank
        at = shared + ranks.rank * batch_size
        ids = torch.zeros(batch_size, length, dtype=torch.int64)
        targets = torch.full_like(ids, IGNORED)
        for row, span in enumerate(spans[at : at + batch_size]):
            tokens = torch.from_numpy(split.read(*span))
            ids[row, : len(tokens) - 1] = tokens[:-1]
            targets[row, : len(tokens) - 1] = tokens[1:]
        yield ids, targets


class Loader:
    """A rank's micro-batches by step, read ahead by a thread while the device computes."""

    def __init__(self, read: Callable[[int], list[Batch]]) -> None:
        """`read` gives the micro-batches of the step that follows so many finished ones."""
        self._read, self._ahead = read, dict[int, Future[list[Batch]]]()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loader")

    def take(self, step: int) -> list[Batch]:
        """The micro-batches of one step; those of the next ones are read meanwhile."""
        for later in range(step, step + 1 + STEPS_AHEAD):
            if later not in self._ahead:
                self._ahead[later] = self._thread.submit(self._read, later)
        return self._ahead.pop(step).result()

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(cancel_futures=True)


def shuffled(positions: NDArray[np.int64], size: int, key: int) -> NDArray[np.int64]:
    """Where a key's permutation of range(size) sends each position, without holding the permutation.

    A Feistel network over the next even power of two; what falls outside the range goes round again
    (cycle walking: Black & Rogaway 2002, §3). The same on every machine and numpy.
    """
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    keys = _mix(np.uint64(key) + np.arange(1, ROUNDS + 1, dtype=np.uint64))
    values = positions.astype(np.uint64)
    outside = np.ones(len(values), dtype=bool)
    while outside.any():
        left, right = values[outside] >> half, values[outside] & mask
        for round_key in keys:
            left, right = right, left ^ (_mix(right ^ round_key) & mask)
        values[outside] = (left << half) | right
        outside = values >= np.uint64(size)
    return values.astype(np.int64)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
