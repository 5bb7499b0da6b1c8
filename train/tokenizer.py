"""tokenizer.json: read as what it is for here, text to ids and back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders

from train import files, streams
from train.errors import TrainError
from train.settings import ModelSettings

END_OF_TEXT = "<|endoftext|>"
PROBE = "The module\n\n  isn't 1 of 'e\u0301' \u4f60\u597d \U0001f30d."


@contextmanager
def fails_as(what: str) -> Iterator[None]:
    """What the library raises in the block, as a TrainError that says `what`: bare Exceptions, and in a panic
    what is not even one."""
    try:
        yield
    except (TrainError, PermissionError, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise TrainError(f"{what} ({error}): put there the one that belongs to the model") from None


def load(path: Path) -> Tokenizer:
    """A file's tokenizer, for whole texts: transformers saves with it how long texts were last cut and filled
    up. Raises TrainError if it is none, or one that panics at a text."""
    with fails_as(f"{path} is not a tokenizer"), streams.muted():
        files.require_readable(path)
        found = Tokenizer.from_file(str(path))
        found.no_truncation()
        found.no_padding()
        with suppress(Exception):  # a text with words that it lacks is no panic
            found.decode(found.encode(PROBE, add_special_tokens=False).ids)
    if not found.get_vocab(with_added_tokens=False):  # as transformers saves one whose files it did not take
        raise TrainError(f"{path} has an empty vocabulary: put there the tokenizer that belongs to the model")
    return found


def size(tokenizer: Tokenizer) -> int:
    """One more than the highest id: ids may have holes."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def bytes_of_ids(tokenizer: Tokenizer) -> NDArray[np.int64] | None:
    """How many bytes of text each id stands for, special tokens none; None where it is not byte-level BPE."""
    if not isinstance(tokenizer.decoder, decoders.ByteLevel):
        return None
    found = np.zeros(size(tokenizer), dtype=np.int64)
    for entry, id in tokenizer.get_vocab(with_added_tokens=False).items():
        found[id] = len(entry)  # which has a character for every byte
    for id, added in tokenizer.get_added_tokens_decoder().items():
        found[id] = 0 if added.special else len(added.content.encode())
    return found


def check_fits(tokenizer: Tokenizer, path: Path, model: ModelSettings) -> None:
    """Raises TrainError, which names its file, if it has more ids than the model."""
    if (ids := size(tokenizer)) > model.vocab_size:
        raise TrainError(
            f"{path} has {ids:,} entries, the model {model.vocab_size:,}: "
            "put there the tokenizer it was trained with"
        )


def for_older_readers(tokenizer_json: str) -> str:
    """The same tokenizer with its merges written as "a b", which `tokenizers` before 0.20 reads too; as it is
    where that would mean another one, as with a blank in an entry."""
    parts = json.loads(tokenizer_json)
    merges = parts["model"].get("merges", [])
    parts["model"]["merges"] = [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]
    older = json.dumps(parts, indent=2, ensure_ascii=False)
    return older if merges and _means(older, tokenizer_json) else tokenizer_json


def _means(one: str, other: str) -> bool:
    try:
        return bool(Tokenizer.from_str(one).to_str() == Tokenizer.from_str(other).to_str())
    except Exception:  # the library raises bare Exception
        return False
