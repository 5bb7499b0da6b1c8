"""Measures of a text's form: Gopher's (Rae et al. 2021, table A1) and C4's (Raffel et al. 2020, §2.2).

Words are what white space divides; shares of characters count those of words, without the spaces between.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
BULLETS = ("•", "●", "○", "■", "▪", "‣", "·", "-", "*", "–")
ELLIPSES = ("...", "…")
TERMINAL = (".", "!", "?", '."', '!"', '?"', ".”", "!”", "?”", ".’", ".)", "…")
TOP_NGRAMS = (2, 3, 4)
REPEATED_NGRAMS = (5, 6, 7, 8, 9, 10)
DECIMALS = 4

_SENTENCE_END = re.compile(r"[.!?。！？](?=[\s\"'”’)\]]|$)")
_LETTER = re.compile(r"[^\W\d_]")
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that the hash of an n-gram depends on each of its words

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def measure(text: str, words: Sequence[str]) -> dict[str, float]:
    """Every measure of this file as a column; `words` is `text.split()`. Without words all are 0."""
    many = max(1, len(words))
    kinds = Counter(words)
    lines = [line for raw in text.split("\n") if (line := raw.strip())]
    symbols = max(text.count("#"), text.count("...") + text.count("…"))
    shares = {
        "word_chars": sum(map(len, words)) / many,
        "symbols": symbols / many,
        "alphabetic_words": sum(
            times for word, times in kinds.items() if word.isalpha() or _LETTER.search(word)
        )
        / many,
        "bullet_lines": _share([line.startswith(BULLETS) for line in lines]),
        "ellipsis_lines": _share([line.endswith(ELLIPSES) for line in lines]),
        "open_lines": _share([not line.endswith(TERMINAL) for line in lines]),
        **_repeated("line", lines),
        **_repeated("paragraph", [part for raw in text.split("\n\n") if (part := raw.strip())]),
        **_ngrams(words, kinds),
    }
    return {name: round(share, DECIMALS) for name, share in shares.items()} | {
        "stop_words": sum(word in kinds or word.capitalize() in kinds for word in STOP_WORDS),
        "sentences": len(_SENTENCE_END.findall(text)),
        "curly_brackets": text.count("{") + text.count("}"),
        "lorem_ipsum": text.lower().count("lorem ipsum"),
    }


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / max(1, len(flags))


def _repeated(name: str, parts: Sequence[str]) -> dict[str, float]:
    """The share of parts, and of their characters, that an earlier part repeats."""
    repeated = [(part, number - 1) for part, number in Counter(parts).items() if number > 1]
    return {
        f"repeated_{name}s": sum(number for _, number in repeated) / max(1, len(parts)),
        f"repeated_{name}_chars": sum(len(part) * number for part, number in repeated)
        / max(1, sum(map(len, parts))),
    }


def _ngrams(words: Sequence[str], kinds: Iterable[str]) -> dict[str, float]:
    """Of 2- to 4-grams the share of characters in the most frequent one that occurs twice; of longer ones the
    share in any that occurs twice, no character counted more than once."""
    found = {f"top_{n}grams": 0.0 for n in TOP_NGRAMS} | {f"repeated_{n}grams": 0.0 for n in REPEATED_NGRAMS}
    numbers = dict(zip(kinds, count(1), strict=False))
    ids = np.fromiter(map(numbers.__getitem__, words), np.uint64, len(words))
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    up_to = np.concatenate([[0], np.cumsum(lengths)])  # characters before each word
    total = max(1, int(up_to[-1]))
    place_bits = np.uint64(len(words).bit_length())
    places = np.arange(len(words))
    grams = ids * _BASE
    for n in range(2, REPEATED_NGRAMS[-1] + 1):
        fits = int(np.searchsorted(places, len(words) - n, "right"))
        places, grams = places[:fits], grams[:fits]
        if not fits:
            break
        grams = (grams + ids[places + (n - 1)]) * _BASE
        # An n-gram's hash above its place: sorted, equal ones are neighbours, in the order of the text.
        keys = np.sort(grams >> place_bits << place_bits | places.astype(np.uint64))
        hashes = keys >> place_bits
        same = hashes[1:] == hashes[:-1]
        if not same.any():
            break  # nor does any longer one occur twice
        order = (keys & (np.uint64(1) << place_bits) - np.uint64(1)).astype(np.int64)
        twice = np.zeros(len(words), bool)
        twice[order[1:][same]] = twice[order[:-1][same]] = True
        if n in TOP_NGRAMS:
            found[f"top_{n}grams"] = min(1.0, _most_frequent(order, same, up_to, n) / total)
        else:
            found[f"repeated_{n}grams"] = _covered(np.flatnonzero(twice), lengths, n) / total
        going_on = twice[places]  # a longer one that occurs twice begins with this one
        places, grams = places[going_on], grams[going_on]
    return found


def _most_frequent(order: Ints, same: Flags, up_to: Ints, n: int) -> int:
    """Characters in all occurrences of the n-gram that occurs most often, the longest of several."""
    last = np.append(np.flatnonzero(~same), len(same))  # of each n-gram's occurrences
    times = last.copy()
    times[1:] -= last[:-1]
    times[0] += 1
    most = int(times.max())
    top = order[last[times == most]]
    return most * int((up_to[top + n] - up_to[top]).max())


def _covered(starts: Ints, lengths: Ints, n: int) -> int:
    """Characters of the words that are part of an n-gram that begins at one of the places."""
    covered = np.zeros(len(lengths), bool)
    covered[starts[:, None] + np.arange(n)] = True
    return int(lengths[covered].sum())
