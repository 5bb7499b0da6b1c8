"""The model under evaluation, with its tokenizer, on what it computes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from train import device, pretrained
from train.device import Device
from train.errors import TrainError
from train.files import expanded
from train.model import GPT2
from train.ranks import Ranks
from train.tokenizer import END_OF_TEXT, fails_as

TEXTS_ENCODED_AT_ONCE = 256  # besides ids the library keeps some hundred bytes of each token


@dataclass(frozen=True)
class Subject:
    """A model, its tokenizer, what it computes on, and a digest of all that decides its answers."""

    name: str
    source: str  # the directory, or the hub name
    model: GPT2
    tokenizer: Tokenizer
    device: Device
    digest: str
    end: int  # the id of the end-of-text token, which every text starts after

    @property
    def room(self) -> int:
        """How many tokens the model can read at once."""
        return self.model.shape.n_positions

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""
        ids: list[list[int]] = []
        for at in range(0, len(texts), TEXTS_ENCODED_AT_ONCE):
            part = list(texts[at : at + TEXTS_ENCODED_AT_ONCE])
            with fails_as(f"the tokenizer of {self.source} fails at a text"):
                ids += [found.ids for found in self.tokenizer.encode_batch(part, add_special_tokens=False)]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, without special ones."""
        with fails_as(f"the tokenizer of {self.source} fails at what the model wrote"):
            return str(self.tokenizer.decode(list(ids)))


def load(source: str) -> Subject:
    """What `pretrained` finds there, in float32 on this machine's device.

    Raises TrainError as that does, and where the tokenizer has no end-of-text token.
    """
    path, found = expanded(source), pretrained.load(source)
    digest = _digest(found.files, found.tokenizer)  # now: a training removes its older checkpoints
    end = _end(found.tokenizer, source)
    chosen = device.choose("float32", True, Ranks())
    if chosen.where.type == "mps":
        device.check_attention(chosen, masked=True)
    source = str(path.resolve()) if path.is_dir() else source
    name = Path(source).name if path.is_dir() else source.replace("/", "--")
    model = found.model.to(chosen.where).eval()
    return Subject(name, source, model, found.tokenizer, chosen, digest, end)


def look(source: str) -> str:
    """What `load` would load; asks nobody, reads no weights. Raises TrainError, as it does, for what is no
    model."""
    told, tokenizer = pretrained.look(source)
    if tokenizer is not None:
        _end(tokenizer, source)
    return told


def _end(tokenizer: Tokenizer, source: str) -> int:
    """The id of its end-of-text token."""
    end = tokenizer.token_to_id(END_OF_TEXT)
    if end is None:
        raise TrainError(f"the tokenizer of {source} has no {END_OF_TEXT}: texts are read after it")
    return int(end)


def _digest(files: list[Path], tokenizer: Tokenizer) -> str:
    digest = hashlib.sha256(tokenizer.to_str().encode())
    for file in files:
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()
