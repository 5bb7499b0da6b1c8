"""Placeholders: what servers, consent managers and traders of domains show in the place of a page.

The measure is the same for each kind: how many of its phrases (data/phrases) a text has, per 100 words. A
page of nothing else has several in a few words; a text that mentions one has hundreds of words around it.
"""

from functools import cache
from importlib import resources

KINDS = ("soft_404", "cookie_wall", "login_wall", "parked", "script_required")
# A longer text is a page, whatever it says. No measure is taken of it.
MOST_WORDS = 500
DECIMALS = 2

_APOSTROPHES = str.maketrans("’‘“”", "''\"\"")


def measure(title: str | None, text: str, words: int) -> dict[str, float]:
    """The different phrases of each kind in title and text, per 100 words."""
    if words > MOST_WORDS:
        return dict.fromkeys(KINDS, 0.0)
    flat = " ".join(f"{title or ''} \n {text}".lower().translate(_APOSTROPHES).split())
    per_100_words = 100 / max(1, words)
    return {
        kind: round(sum(phrase in flat for phrase in _phrases(kind)) * per_100_words, DECIMALS)
        for kind in KINDS
    }


@cache
def _phrases(kind: str) -> tuple[str, ...]:
    lines = (resources.files("data") / "phrases" / f"{kind}.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if line.strip() and not line.startswith("#"))
