"""How likely a block is part of its page's main text, by a model of symmetric trees.

`benchmarks/train_extractor.py` makes it, and RESULTS.md says on which pages.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


def probabilities(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each row of `features.features`."""
    column, above, value = _trees()
    trees, depth = column.shape
    answers = features[:, column.ravel()] > above.ravel()
    turns = answers.view(np.uint8).reshape(-1, trees, depth)
    leaf = np.zeros(turns.shape[:2], dtype=np.uint8)  # at most 8 levels
    for level in range(depth):
        leaf = leaf << 1 | turns[:, :, level]
    places = leaf + value.shape[1] * np.arange(trees)
    logit = value.ravel().take(places).sum(axis=1, dtype=np.float64)
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-logit))
    return chances


@cache
def _trees() -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """The column and threshold of each level (trees × depth), and the leaves' values (trees × 2^depth)."""
    with (files("webtext.extract") / "blocks.npz").open("rb") as file, np.load(file) as stored:
        return stored["column"], stored["above"], stored["value"]
