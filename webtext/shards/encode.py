"""Texts to ids: ordinary tokens only, whatever a text contains."""

import os
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from webtext.shards.tokenizer import end_of_text

Ids = npt.NDArray[np.uint32]

BATCH_CHARS = 1 << 20  # the library keeps some 100 bytes per token of a batch


class Encoder:
    """A vocabulary at work in one process, on one thread: engines run a process per core."""

    def __init__(self, tokenizer_json: str) -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.encode_special_tokens = True  # `<|endoftext|>` in a document is text
        self.eot = end_of_text(self._tokenizer)

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text, without end-of-text."""
        return [
            np.array(encoding.ids, np.uint32)
            for batch in _batches(texts)
            for encoding in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        ]


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    chars = 0
    for text in texts:
        batch.append(text)
        chars += len(text)
        if chars >= BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
