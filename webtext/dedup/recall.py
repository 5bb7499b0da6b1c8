"""What banding finds: a pair of similarity s becomes a candidate with probability 1 - (1 - s^rows)^bands
(Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, §3.4.2).
"""

from typing import Any

import numpy as np

from webtext.sections import Dedup

ENOUGH = 0.95
CURVE = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # similarities at which the curve is told
STEPS = 2000  # of the integral; its error is below 1e-6


def recall_at(similarity: float, bands: int, rows: int) -> float:
    """The probability that a pair of this similarity is found."""
    return float(1 - (1 - similarity**rows) ** bands)


def mean_recall(threshold: float, bands: int, rows: int) -> float:
    """The share of pairs found when similarities lie evenly between the threshold and 1."""
    middles = threshold + (1 - threshold) * (np.arange(STEPS) + 0.5) / STEPS
    return float(np.mean(1 - (1 - middles**rows) ** bands))


def better_setting(settings: Dedup) -> tuple[int, int, int]:
    """(permutations, bands, rows) that find enough at the threshold: the most rows, hence the fewest
    candidates in vain, that the permutations allow; more permutations where none do."""
    permutations = settings.permutations
    while True:
        for rows in range(permutations, 0, -1):
            if mean_recall(settings.threshold, permutations // rows, rows) >= ENOUGH:
                return permutations, permutations // rows, rows
        permutations *= 2


def banding(settings: Dedup) -> dict[str, Any] | None:
    """The chosen bands and rows, and what they find, as JSON; None where nothing is banded."""
    if "near" not in settings.methods:
        return None
    bands, rows, threshold = settings.bands, settings.rows, settings.threshold
    return {
        "bands": bands,
        "rows": rows,
        "threshold": threshold,
        "recall_at_threshold": round(recall_at(threshold, bands, rows), 4),
        "recall_above": round(mean_recall(threshold, bands, rows), 4),
        "curve": {f"{s:.1f}": round(recall_at(s, bands, rows), 4) for s in CURVE},
        "warning": warning(settings),
    }


def describe(settings: Dedup) -> str:
    """One line: the recall at and above the threshold, and the curve."""
    bands, rows = settings.bands, settings.rows
    at = recall_at(settings.threshold, bands, rows)
    above = mean_recall(settings.threshold, bands, rows)
    curve = ", ".join(f"{s:g} {recall_at(s, bands, rows):.0%}" for s in CURVE)
    return (
        f"near duplicates: {bands} bands × {rows} rows find {at:.1%} of the pairs at similarity "
        f"{settings.threshold:g}, {above:.1%} of those from there to 1 (curve: {curve})"
    )


def warning(settings: Dedup) -> str | None:
    """What is wrong with a setting that finds too few of the pairs it promises, and a better one."""
    found = mean_recall(settings.threshold, settings.bands, settings.rows)
    if found >= ENOUGH:
        return None
    permutations, bands, rows = better_setting(settings)
    more = f"dedup.permutations = {permutations}, " if permutations != settings.permutations else ""
    return (
        f"warning: {settings.bands} bands × {settings.rows} rows find only {found:.0%} of the pairs from "
        f"similarity {settings.threshold:g} on; {more}dedup.bands = {bands}, dedup.rows = {rows} find "
        f"{mean_recall(settings.threshold, bands, rows):.0%}"
    )
