"""One reading of all tokens before the first step: whether they are what their index says, and what is in
them."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from train.corpus import Corpus, Split, TokenFile
from train.errors import TrainError
from train.tokenizer import bytes_of_ids
from train.tokenizer import load as load_tokenizer

CHUNK_TOKENS = 1 << 22


@dataclass(frozen=True)
class Census:
    """What one reading of the tokens found: of those to train on, their hash over all files and how often
    each occurs; of those to validate on, how many bytes of text they stand for."""

    sha256: str
    unigram_entropy: float
    """Nats per token of the plain empirical distribution: the loss of a model that knows only frequencies."""
    validation_bytes: int | None
    """None where neither an index nor a tokenizer tells."""


def take_census(corpus: Corpus, words: Tokenizer | None = None) -> Census:
    """Reads every file once: its sha256 against the index, its largest id against the vocabulary, a bare
    file's width. `words` is the tokenizer where the corpus names none.

    Raises TrainError that names the file and what is wrong with it.
    """
    sha256, counts = _read(corpus.train, corpus.vocab_size)
    share = counts[counts > 0] / max(1, counts.sum())
    _, held_out = _read(corpus.validation, corpus.vocab_size)
    known = corpus.validation.utf8_bytes
    if known is None and corpus.tokenizer:
        words = load_tokenizer(corpus.tokenizer)
    if known is None and words and (each := bytes_of_ids(words)) is not None:
        known = int(held_out[: len(each)] @ each[: len(held_out)])
    return Census(sha256, float(-(share * np.log(share)).sum()), known)


def _read(split: Split, vocab_size: int) -> tuple[str, NDArray[np.int64]]:
    given_up = Event()
    with ThreadPoolExecutor(max_workers=4) as pool:
        try:
            found = list(pool.map(lambda file: _check_file(file, vocab_size, given_up), split.files))
        finally:  # by Ctrl-C, or where a file is not right, before the others have been read to their end
            given_up.set()
    counts = sum((counts for _, counts in found), start=np.zeros(vocab_size, dtype=np.int64))
    return hashlib.sha256("".join(sha256 for sha256, _ in found).encode()).hexdigest(), counts


def _check_file(file: TokenFile, vocab_size: int, given_up: Event) -> tuple[str, NDArray[np.int64]]:
    sha256, largest, halves = hashlib.sha256(), -1, True
    counts = np.zeros(vocab_size, dtype=np.int64)
    for chunk in _chunks(file):
        if given_up.is_set():
            raise CancelledError
        sha256.update(chunk.data)
        largest = max(largest, int(chunk.max()))
        halves = halves and not chunk[1::2].any()
        if largest < vocab_size:
            counts += np.bincount(chunk, minlength=vocab_size)
    if file.sha256 is not None and sha256.hexdigest() != file.sha256:
        raise TrainError(
            f"{file.path} is corrupt: its sha256 is not the one in index.json; "
            "delete it, and `webtext build-shards` makes it anew"
        )
    if largest >= vocab_size:
        raise TrainError(
            f"{file.path} holds token {largest}, but the vocabulary ends at {vocab_size - 1}: "
            "these tokens were made with another tokenizer"
        )
    if file.sha256 is None and halves and largest > 0 and file.tokens >= 64:  # fewer may be so by chance
        narrow = np.dtype(file.dtype)
        raise TrainError(
            f"{file.path} has 0 in every second place: it holds numbers wider than {narrow.name}, as NumPy "
            f"writes by default; write them as .astype('{narrow.str}')"
        )
    return sha256.hexdigest(), counts


def _chunks(file: TokenFile) -> Iterator[NDArray[Any]]:
    for start in range(0, file.tokens, CHUNK_TOKENS):
        yield file.read(start, min(CHUNK_TOKENS, file.tokens - start))
