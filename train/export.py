"""A run's weights as a directory in Hugging Face's layout."""

import json
from pathlib import Path
from typing import Any

from train import checkpoint, files, rundir, tokenizer
from train.checkpoint import Checkpoint
from train.errors import TrainError
from train.huggingface import CONFIG, PLAIN, SHAPE, TOKENIZER, WEIGHTS
from train.settings import ModelSettings, Settings
from train.tokenizer import END_OF_TEXT

TOKENIZER_CONFIG, GENERATION_CONFIG = "tokenizer_config.json", "generation_config.json"
UNFINISHED = ".unfinished"  # is in a directory that an export has begun to fill


def write(run: Path, out: Path) -> dict[str, Any]:
    """Writes the run's newest checkpoint as a directory that `transformers` opens by itself.

    `out` must not exist, be empty, or be what an export that was killed has left. Raises TrainError for that,
    for one that cannot be written to, or without a checkpoint that can be read.
    """
    settings, saved = _exportable(run, out)
    with files.made(out, "give another directory"):
        (out / UNFINISHED).touch()
    for name in (CONFIG, TOKENIZER, TOKENIZER_CONFIG):  # of another run, whose export was killed
        (out / name).unlink(missing_ok=True)
    end = _export_tokenizer(run, out, settings.model)
    ids = {} if end is None else {"bos_token_id": end, "eos_token_id": end}
    config = {
        "architectures": ["GPT2LMHeadModel"],
        **{key: allowed[0] for key, allowed in PLAIN.items()},
        **{key: getattr(settings.model, key) for key in SHAPE},
        "n_ctx": settings.model.n_positions,  # its older name, which llama.cpp reads
        "initializer_range": 0.02,
        "torch_dtype": "float32",
        **ids,
    }
    _write_json(out / GENERATION_CONFIG, ids)
    files.write(out / WEIGHTS, (saved.path / checkpoint.MODEL).read_bytes())
    _write_json(out / CONFIG, config)  # last: without it there is no model
    (out / UNFINISHED).unlink()
    return {"run": str(run), "step": saved.step, "out": str(out)}


def plan(run: Path, out: Path) -> dict[str, Any]:
    """What `write` would write, in bytes of weights. Raises TrainError like it."""
    _, saved = _exportable(run, out)
    files.check_made(out, "give another directory")
    weights = (saved.path / checkpoint.MODEL).stat().st_size
    return {"run": str(run), "step": saved.step, "out": str(out), "bytes": weights}


def _exportable(run: Path, out: Path) -> tuple[Settings, Checkpoint]:
    settings = rundir.load(run)
    saved = rundir.newest(run)
    if out.exists() and not (out.is_dir() and ((out / UNFINISHED).is_file() or not any(out.iterdir()))):
        raise TrainError(f"{out} is there already: give a new directory")
    rundir.trained(run, saved)  # copied only if they can be read
    words = run / rundir.TOKENIZER
    if files.is_file(words):
        tokenizer.check_fits(tokenizer.load(words), words, settings.model)
    return settings, saved


def _export_tokenizer(run: Path, out: Path, model: ModelSettings) -> int | None:
    """Writes the tokenizer, if the run has one, and returns the id of its end-of-text token."""
    path = run / rundir.TOKENIZER
    if not files.is_file(path):
        return None
    end: int | None = tokenizer.load(path).token_to_id(END_OF_TEXT)
    files.write(out / TOKENIZER, tokenizer.for_older_readers(path.read_text(encoding="utf-8")))
    special = {} if end is None else dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # tokenizer.json as it is, whatever its pattern
        "model_input_names": ["input_ids", "attention_mask"],  # not token types, transformers 4's own
        "model_max_length": model.n_positions,
        "clean_up_tokenization_spaces": False,
        **special,
    }
    _write_json(out / TOKENIZER_CONFIG, config)
    return end


def _write_json(path: Path, value: dict[str, Any]) -> None:
    files.write(path, json.dumps(value, indent=2) + "\n")
