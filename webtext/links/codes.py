"""Reasons as numbers of a byte, as keys and batches hold them."""

from collections import Counter
from collections.abc import Iterable

from webtext.reasons import LINKS

SELECTED = 255  # the code of a row that no reason drops

REASONS = tuple(LINKS)
CODES = {reason: code for code, reason in enumerate(REASONS)}


def count_reasons(codes: Iterable[int]) -> dict[str, int]:
    """How often each reason's code stands there."""
    return {REASONS[code]: count for code, count in Counter(codes).items() if code != SELECTED}
