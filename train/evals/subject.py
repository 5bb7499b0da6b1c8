"""The model under evaluation: a run's newest checkpoint or a Hugging Face GPT-2, with its tokenizer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from train import checkpoint, device, huggingface, rundir, tokenizer
from train.checkpoint import Checkpoint
from train.device import Device
from train.errors import TrainError
from train.files import expanded
from train.model import GPT2
from train.ranks import Ranks
from train.settings import ModelSettings
from train.tokenizer import END_OF_TEXT


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
        return [found.ids for found in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def load(source: str) -> Subject:
    """A run directory, a Hugging Face directory or a hub name, in float32 on this machine's device.

    Raises TrainError if it is none of these, or has no weights or no tokenizer with an end-of-text token.
    """
    path = expanded(source)
    if _is_run(path):
        saved = _newest(path)
        model, files = rundir.trained(path, saved), [saved.path / checkpoint.MODEL]
        words = path / rundir.TOKENIZER
    else:
        folder = huggingface.locate(source)
        model = GPT2(_shape(folder))
        huggingface.load(model, str(folder))
        files = [folder / huggingface.CONFIG, *huggingface.weight_files(folder)]
        words = folder / huggingface.TOKENIZER
    found, end = _words(words, model.shape)
    chosen = device.choose("float32", True, Ranks())
    if chosen.where.type == "mps":
        device.check_attention(chosen, masked=True)
    source = str(path.resolve()) if path.is_dir() else source
    name = Path(source).name if path.is_dir() else source.replace("/", "--")
    return Subject(name, source, model.to(chosen.where).eval(), found, chosen, _digest(files, found), end)


def look(source: str) -> str:
    """What `load` would load; asks nobody, reads no weights. Raises TrainError, as it does, for what is no
    model."""
    path = expanded(source)
    if _is_run(path):
        saved = _newest(path)
        saved.require_weights()
        _words(path / rundir.TOKENIZER, rundir.load(path).model)
        return str(saved.path)
    if path.is_dir():
        _words(path / huggingface.TOKENIZER, _shape(path))
        return source
    huggingface.check_name(source)
    return f"{source}, from the hub (there is no such folder here)"


def length(source: str) -> int | None:
    """How many tokens the model of `load` can read at once; None where only the hub could tell."""
    path = expanded(source)
    if _is_run(path):
        return rundir.load(path).model.n_positions
    return _shape(path).n_positions if path.is_dir() else None


def _is_run(path: Path) -> bool:
    return (path / rundir.CONFIG).is_file()


def _newest(run: Path) -> Checkpoint:
    saved = checkpoint.newest(run)
    if saved is None:
        raise TrainError(f"{run} has no finished checkpoint yet: train it first")
    return saved


def _shape(folder: Path) -> ModelSettings:
    if not (folder / huggingface.CONFIG).is_file():
        raise TrainError(
            f"{folder} is neither a run nor a Hugging Face GPT-2: it has no {rundir.CONFIG} and no "
            f"{huggingface.CONFIG}; name what `train` wrote with --out, or a model's directory"
        )
    return huggingface.shape(str(folder))


def _words(path: Path, shape: ModelSettings) -> tuple[Tokenizer, int]:
    """A model's tokenizer, and the id of its end-of-text token."""
    found = _tokenizer(path)
    tokenizer.check_fits(found, path, shape)
    end = found.token_to_id(END_OF_TEXT)
    if end is None:
        raise TrainError(f"{path} has no {END_OF_TEXT}: texts are read after it")
    return found, end


def _tokenizer(path: Path) -> Tokenizer:
    """tokenizer.json, or what GPT-2's own vocab.json and merges.txt beside it come to."""
    vocabulary, merges = path.with_name("vocab.json"), path.with_name("merges.txt")
    try:
        if path.is_file():
            return tokenizer.load(path)
        if vocabulary.is_file() and merges.is_file():
            for file in (vocabulary, merges):
                file.open("rb").close()  # names what may not be read
            found = Tokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
            found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
            found.decoder = decoders.ByteLevel()
            return found
    except (TrainError, PermissionError):
        raise
    except Exception as error:  # the library raises bare Exception
        raise TrainError(f"{vocabulary} and {merges} are not a tokenizer's: {error}") from None
    raise TrainError(f"{path} is missing: put there the tokenizer.json the model was trained with")


def _digest(files: list[Path], tokenizer: Tokenizer) -> str:
    digest = hashlib.sha256(tokenizer.to_str().encode())
    for file in files:
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()
