"""Measures of a text's form: Gopher's (Rae et al. 2021, table A1) and C4's (Raffel et al. 2020, §2.2).

Words are what white space divides; shares of characters count those of words, without the spaces between.
"""

import re
from collections import Counter
from collections.abc import Sequence

from webtext.extract.ngrams import repeated_chars

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
BULLETS = ("•", "●", "○", "■", "▪", "‣", "·", "-", "*", "–")
ELLIPSES = ("...", "…")
TERMINAL = (".", "!", "?", '."', '!"', '?"', ".”", "!”", "?”", ".’", ".)", "…")
TOP_NGRAMS = (2, 3, 4)
REPEATED_NGRAMS = (5, 6, 7, 8, 9, 10)
DECIMALS = 4

_SENTENCE_END = re.compile(r"[.!?。！？](?=[\s\"'”’)\]]|$)")


def measure(text: str, words: list[str]) -> dict[str, float]:
    """Every measure of this file as a column; `words` is `text.split()`. Without words all are 0."""
    many = max(1, len(words))
    chars = sum(map(len, words))
    kinds = Counter(words)
    lines = [line for raw in text.split("\n") if (line := raw.strip())]
    symbols = max(text.count("#"), text.count("...") + text.count("…"))
    shares = {
        "word_chars": chars / many,
        "symbols": symbols / many,
        "alphabetic_words": sum(times for word, times in kinds.items() if _has_letter(word)) / many,
        "bullet_lines": _share([line.startswith(BULLETS) for line in lines]),
        "ellipsis_lines": _share([line.endswith(ELLIPSES) for line in lines]),
        "open_lines": _share([not line.endswith(TERMINAL) for line in lines]),
        **_repeated("line", lines),
        **_repeated("paragraph", [part for raw in text.split("\n\n") if (part := raw.strip())]),
        **_ngrams(words, chars),
    }
    return {name: round(share, DECIMALS) for name, share in shares.items()} | {
        "stop_words": sum(word in kinds or word.capitalize() in kinds for word in STOP_WORDS),
        "sentences": len(_SENTENCE_END.findall(text)),
        "curly_brackets": text.count("{") + text.count("}"),
        "lorem_ipsum": text.lower().count("lorem ipsum"),
    }


def _has_letter(word: str) -> bool:
    return word[0].isalpha() or any(map(str.isalpha, word))  # the first is one as a rule


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


def _ngrams(words: list[str], chars: int) -> dict[str, float]:
    """Of 2- to 4-grams the share of characters in the most frequent one that occurs twice; of longer ones the
    share in any that occurs twice."""
    repeated = repeated_chars(words, TOP_NGRAMS[-1], REPEATED_NGRAMS[-1])
    names = (*(f"top_{n}grams" for n in TOP_NGRAMS), *(f"repeated_{n}grams" for n in REPEATED_NGRAMS))
    return {name: min(1.0, number / max(1, chars)) for name, number in zip(names, repeated, strict=True)}
