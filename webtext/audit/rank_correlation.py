"""How alike two orders are."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's rank correlation of paired values, equal ones sharing their mean rank; None where it is not
    defined: fewer than two pairs, or all values of one side equal."""
    if len(a) < 2:
        return None
    x, y = (_ranks(np.asarray(values, np.float64)) for values in (a, b))
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return round(float((x * y).sum()) / norm, 4) if norm else None


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: npt.NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return mean
