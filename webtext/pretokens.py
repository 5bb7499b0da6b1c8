"""GPT-2's split pattern (openai/gpt-2, encoder.py): byte-pair encoding merges nothing across its pieces.

To count them none need be cut out: a piece is a run of letters, of numbers, of white space or of other signs,
but for spaces, which go with what follows, and for contractions.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import regex  # type: ignore[import-untyped]

PRETOKENS = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
# A contraction with the whole of a run of letters: its two runs are one piece. An apostrophe behind a space
# or another sign begins none. It comes first in the pattern, so that the search is for it.
_CONTRACTION = regex.compile(r"'(?<=(?:^|[\p{L}\p{N}]|[^\S ])')(?:[sdmt]|ll|ve|re)(?!\p{L})")
_SPACE = 3
_RUNS = {1: r"\p{L}+", 2: r"\p{N}+", _SPACE: r"\s+"}  # by the kind of their characters, 0 of all others
_CODE_POINTS = 0x110000


def count(text: str) -> int:
    """`len(PRETOKENS.findall(text))` in a tenth of its time."""
    chars = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds().take(chars)
    ends = np.flatnonzero(kinds[1:] != kinds[:-1])  # of all runs but the last
    spaces = ends[kinds[ends] == _SPACE]
    # The last character of such a run stands apart from those before it, and a space goes with what follows.
    apart = int(np.count_nonzero(kinds[spaces[spaces > 0] - 1] == _SPACE))
    joined = int(np.count_nonzero(chars[spaces] == ord(" ")))
    return bool(text) + len(ends) + apart - joined - len(_CONTRACTION.findall(text))


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Of each code point, by the same library as the pattern."""
    kinds = np.zeros(_CODE_POINTS, np.uint8)
    every = "".join(map(chr, range(_CODE_POINTS)))
    for kind, pattern in _RUNS.items():
        for run in regex.finditer(pattern, every):
            kinds[run.start() : run.end()] = kind
    return kinds
