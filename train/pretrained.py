"""A trained GPT-2 with its tokenizer: a run's newest checkpoint, a Hugging Face directory, or a hub name."""

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from train import checkpoint, files, huggingface, rundir, tokenizer
from train.errors import TrainError
from train.model import GPT2
from train.settings import ModelSettings


@dataclass(frozen=True)
class Pretrained:
    """A model in float32 on the CPU, with its tokenizer."""

    model: GPT2
    tokenizer: Tokenizer
    files: list[Path]  # that decide the weights


def load(source: str) -> Pretrained:
    """Raises TrainError if it is none of the three, or has no weights or no tokenizer that fits them."""
    path = files.expanded(source)
    if _is_run(path):
        saved, words = rundir.newest(path), _tokenizer(path / rundir.TOKENIZER, rundir.load(path).model)
        return Pretrained(rundir.trained(path, saved), words, [saved.path / checkpoint.MODEL])
    folder = huggingface.locate(source)
    shape = _shape(folder)
    words, model = _tokenizer(folder / huggingface.TOKENIZER, shape), GPT2(shape)
    huggingface.load(model, str(folder))
    return Pretrained(model, words, [folder / huggingface.CONFIG, *huggingface.weight_files(folder)])


def look(source: str) -> tuple[str, Tokenizer | None]:
    """What `load` would load, and its tokenizer, None where only the hub has it; asks nobody, reads no
    weights. Raises TrainError, as it does, for what is no model."""
    path = files.expanded(source)
    if _is_run(path):
        saved = rundir.newest(path)
        saved.require_weights()
        return str(saved.path), _tokenizer(path / rundir.TOKENIZER, rundir.load(path).model)
    if path.is_dir():
        return source, _tokenizer(path / huggingface.TOKENIZER, _shape(path))
    huggingface.check_name(source)
    return f"{source}, from the hub (there is no such folder here)", None


def length(source: str) -> int | None:
    """How many tokens the model of `load` can read at once; None where only the hub could tell."""
    path = files.expanded(source)
    if _is_run(path):
        return rundir.load(path).model.n_positions
    return _shape(path).n_positions if path.is_dir() else None


def require_numbers(computed: torch.Tensor) -> None:
    """Raises TrainError where what a model computed is no numbers, whose weights each are one."""
    if not computed.isfinite().all():
        raise TrainError(
            "what the model computes is no numbers: its weights are damaged, or its training diverged; take "
            "a copy or a checkpoint from before that"
        )


def _is_run(path: Path) -> bool:
    return files.is_file(path / rundir.CONFIG)


def _shape(folder: Path) -> ModelSettings:
    if not files.is_file(folder / huggingface.CONFIG):
        raise TrainError(
            f"{folder} is neither a run nor a Hugging Face GPT-2: it has no {rundir.CONFIG} and no "
            f"{huggingface.CONFIG}; name what `train` wrote with --out, or a model's directory"
        )
    return huggingface.shape(str(folder))


def _tokenizer(path: Path, shape: ModelSettings) -> Tokenizer:
    """tokenizer.json, or what GPT-2's own vocab.json and merges.txt beside it come to."""
    found = _read(path)
    tokenizer.check_fits(found, path, shape)
    return found


def _read(path: Path) -> Tokenizer:
    vocabulary, merges = path.with_name("vocab.json"), path.with_name("merges.txt")
    if files.is_file(path):
        return tokenizer.load(path)
    if not (vocabulary.is_file() and merges.is_file()):
        raise TrainError(f"{path} is missing: put there the tokenizer.json the model was trained with")
    with tokenizer.fails_as(f"{vocabulary} and {merges} are not a tokenizer"):
        for file in (vocabulary, merges):
            files.require_readable(file)
        found = Tokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    return found
