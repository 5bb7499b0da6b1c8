"""Texts to ids: ordinary tokens only, whatever a text contains.

`tokenizers` says what the ids are. gigatoken gives the same ones some thirty times as fast; it is young, so
it is used only after it agreed with `tokenizers` on the texts at hand.
"""

import json
import os
import unicodedata
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from webtext.batching import batches
from webtext.shards.tokenizer import PROBE, end_of_text

Ids = npt.NDArray[np.uint32]

NEW_LETTERS = "\u088f's \ua7ce's"  # of Unicode 17: right while Python's own tables are older
BATCH_CHARS = 1 << 20  # the library keeps some 100 bytes per token of a batch


class Encoder(Protocol):
    """A vocabulary at work in one process, on one thread: engines run a process per core."""

    eot: int

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text, without end-of-text."""
        ...


class Reference:
    """The encoder that defines the ids: `tokenizers`."""

    def __init__(self, tokenizer_json: str) -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.encode_special_tokens = True  # `<|endoftext|>` in a document is text
        self.eot = end_of_text(self._tokenizer)

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [
            np.array(encoding.ids, np.uint32)
            for batch in batches(texts, BATCH_CHARS)
            for encoding in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        ]


class Fast:
    """gigatoken, and `Reference` for texts with a character that this Python's Unicode does not know: to
    gigatoken the letters of Unicode 17 are letters, to `tokenizers` not yet.

    Raises ImportError where it is not installed, and what it likes for a vocabulary that is beyond it.
    """

    def __init__(self, tokenizer_json: str) -> None:
        import gigatoken

        vocabulary = json.loads(tokenizer_json)
        if not all(token["special"] for token in vocabulary["added_tokens"]):
            raise ValueError("it has added tokens that are not special")
        self._reference = Reference(tokenizer_json)
        self.eot = self._reference.eot
        vocabulary["added_tokens"] = []  # it would find `<|endoftext|>` in a document
        self._tokenizer = gigatoken.Tokenizer.from_json(json.dumps(vocabulary))

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [
            self._tokenizer.encode(text) if _is_known(text) else self._reference.encode([text])[0]
            for text in texts
        ]


def why_not_fast(tokenizer_json: str, sample: Sequence[str]) -> str:
    """Why `Fast` cannot be used with this vocabulary, in one clause; empty if it gave the ids of `Reference`
    for a probe of odd characters and for every text of the sample."""
    try:
        fast = Fast(tokenizer_json)
        texts = [PROBE, NEW_LETTERS, *sample]
        same = map(np.array_equal, fast.encode(texts), Reference(tokenizer_json).encode(texts))
        return "" if all(same) else "gigatoken gave other ids for some of the texts"
    except ImportError:
        return "gigatoken is not installed"
    except Exception as error:  # a vocabulary beyond it; the library raises what it likes
        reason = str(error).partition("\n")[0]  # without the place in its source that follows
        return f"gigatoken cannot use this vocabulary ({reason})"


def _is_known(text: str) -> bool:
    """Whether all characters are assigned. Nearly every text is printable but for its line ends."""
    if text.isascii() or text.replace("\n", " ").isprintable():
        return True
    return all(unicodedata.category(character) != "Cn" for character in set(text))
