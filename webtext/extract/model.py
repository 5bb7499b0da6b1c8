"""How likely a block is part of its page's main text, by a model of symmetric trees.

`benchmarks/train_extractor.py` makes it, and RESULTS.md says on which pages.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


def probabilities(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each row of `features.features`."""
    column, above, question, value = _trees()
    columns = np.ascontiguousarray(features.T)  # the blocks of one question lie side by side
    answers = columns.take(column, axis=0) > above
    turns = answers.view(np.uint8).take(question, axis=0)  # depth × trees × blocks
    leaf = np.zeros(turns.shape[1:], dtype=np.uint8)  # at most 8 levels
    for turn in turns:
        leaf = leaf << 1 | turn
    places = leaf + value.shape[1] * np.arange(len(value))[:, None]
    logit = value.ravel().take(places).sum(axis=0, dtype=np.float64)
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-logit))
    return chances


@cache
def _trees() -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp], NDArray[np.float32]]:
    """The column and threshold of each question, half of which several trees ask; the question of each level
    of a tree (depth × trees), and the leaves' values (trees × 2^depth)."""
    with (files("webtext.extract") / "blocks.npz").open("rb") as file, np.load(file) as stored:
        column, above, value = stored["column"].T, stored["above"].T, stored["value"]
    asked = np.stack([column.ravel(), above.ravel()], dtype=np.float64)
    questions, question = np.unique(asked, axis=1, return_inverse=True)
    columns, thresholds = questions[0].astype(np.intp), questions[1, :, None].astype(np.float32)
    return columns, thresholds, question.reshape(column.shape), value
