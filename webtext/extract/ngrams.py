"""The n-grams of words that a text repeats (Gopher: Rae et al. 2021, table A1), in characters.

Compiled code (`_ngrams.c`) gives the same numbers as Python, in a sixth of the time, where it was built.
"""

from collections import Counter
from itertools import accumulate

try:
    from webtext.extract import _ngrams as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]


def repeated_chars(words: list[str], top: int, longest: int) -> list[int]:
    """For n = 2 to `longest` the characters of words in repeated n-grams.

    Up to n = `top` in all occurrences of the n-gram that occurs most often, the longest of several; a
    character counts in each of them. Of longer ones in any that occurs twice, and a character counts once.
    """
    if compiled is None:
        return repeated_chars_by_python(words, top, longest)
    return compiled.repeated_chars(words, top, longest)


def repeated_chars_by_python(words: list[str], top: int, longest: int) -> list[int]:
    """The same, without a compiler."""
    up_to = [0, *accumulate(map(len, words))]  # characters before each word
    places = list(range(len(words)))
    found = []
    for n in range(2, longest + 1):
        # One that occurs twice begins with a shorter one that does.
        grams = {place: tuple(words[place : place + n]) for place in places if place + n <= len(words)}
        times = Counter(grams.values())
        places = [place for place, gram in grams.items() if times[gram] > 1]
        if n <= top:
            most = max((times[grams[place]] for place in places), default=0)
            tops = [place for place in places if times[grams[place]] == most]
            found.append(most * max((up_to[place + n] - up_to[place] for place in tops), default=0))
        else:
            ends = [0, *(place + n for place in places)]
            begins = [max(place, end) for place, end in zip(places, ends, strict=False)]
            found.append(sum(up_to[end] - up_to[begin] for begin, end in zip(begins, ends[1:], strict=True)))
    return found
