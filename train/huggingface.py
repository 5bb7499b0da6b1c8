"""GPT-2 weights from directories in Hugging Face's layout; a hub name is downloaded first."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from train import files, tokenizer
from train.errors import TrainError, why
from train.model import GPT2
from train.settings import ModelSettings, Settings, check

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
BESIDE = re.compile(r"[^/]+\.safetensors")  # the name of a file in the same directory
SHAPE = ("n_layer", "n_head", "n_embd", "n_positions", "vocab_size")

# What makes a model GPT-2 beside its shape. A config without a key means the first of its values.
PLAIN: dict[str, tuple[Any, ...]] = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
}


def locate(source: str) -> Path:
    """The directory itself, or the local copy of a hub repository (downloaded if it is not there yet)."""
    path = files.expanded(source)
    if path.is_dir():
        return path
    wanted = [CONFIG, "model*.safetensors", f"{WEIGHTS}.index.json", TOKENIZER, "vocab.json", "merges.txt"]
    with _hub_asked(source):
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(source, allow_patterns=wanted))


def check_name(source: str) -> None:
    """Raises TrainError, as `locate` does, for what cannot be a name on the hub; asks nobody."""
    with _hub_asked(source):
        from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

        validate_repo_id(source)


@contextmanager
def _hub_asked(source: str) -> Iterator[None]:
    if source.startswith(("/", ".", "~")) or source.count("/") > 1:
        what = "is no directory" if Path(source).is_file() else "does not exist"
        raise TrainError(f"{source} {what}; name the directory of a model, or OWNER/NAME for one of the hub")
    try:
        yield
    except ImportError:
        raise TrainError(
            f"{source} is not a directory, and hub names need: pip install huggingface-hub"
        ) from None
    except Exception as error:  # whatever the hub's client and the HTTP library beneath it raise
        reason = str(error).strip().partition("\n")[0]
        raise TrainError(
            f"{source} is neither a directory nor a model the hub gives us: {reason.rstrip('.')}; name what "
            "`train` wrote with --out, a model's directory, or one of the hub"
        ) from None


def shape(source: str) -> ModelSettings:
    """The shape that a directory's config.json describes. Raises TrainError if it is not a plain GPT-2,
    or one that its files are too small for."""
    path = locate(source) / CONFIG
    if not path.is_file():
        raise TrainError(
            f"{path.parent} is not a Hugging Face GPT-2: it has no {CONFIG}; name a directory that has, "
            "such as `export` makes of a run"
        )
    config = _json(path)
    for key, allowed in PLAIN.items():
        if config.get(key, allowed[0]) not in allowed:
            raise TrainError(f"{path}: {key} = {config[key]!r}; only plain GPT-2 models are read")
    if missing := [key for key in SHAPE if type(config.get(key)) is not int or config[key] < 1]:
        raise TrainError(
            f"{path} does not say {', '.join(missing)} as a whole number from 1 on: it is not a GPT-2's"
        )
    if config.get("n_inner") not in (None, 4 * config["n_embd"]):
        raise TrainError(f"{path}: n_inner = {config['n_inner']}; GPT-2's is 4 × n_embd")
    found = ModelSettings(**{key: config[key] for key in SHAPE})
    check(Settings(model=found), str(path))
    _check_room(found, path)
    return found


def _check_room(shape: ModelSettings, path: Path) -> None:
    """Raises TrainError where the weights beside config.json cannot be as many as it says, before anybody
    asks for the memory or waits for the layers."""
    wanted = shape.matrix_weights
    held = sum(_bytes(file) for file in weight_files(path.parent))
    if wanted > held:
        raise TrainError(
            f"{path} asks for {wanted:,} weights, the files beside it have {held:,} bytes: "
            "they are another model's, or not all there"
        )


def _bytes(file: Path) -> int:
    try:
        files.require_readable(file)
        return file.stat().st_size
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise TrainError(f"cannot read {file}: {why(error)}; put a whole copy there") from None


def load(model: GPT2, source: str) -> None:
    """Puts a directory's weights into the model, as float32. Raises TrainError if they are not all there, of
    the model's shape, and numbers.

    OpenAI's own uploads leave out the prefix "transformer." and carry attention masks; both are understood.
    """
    folder = locate(source)
    found: dict[str, Tensor] = {}
    for file in weight_files(folder):
        try:
            found |= load_file(file)
        except (OSError, SafetensorError) as error:
            raise TrainError(f"cannot read {file}: {why(error)}; put a whole copy there") from None
    found = {f"transformer.{name.removeprefix('transformer.')}": tensor for name, tensor in found.items()}
    layers = model.shape.n_layer
    if any(name.startswith(f"transformer.h.{layers}.") for name in found):
        raise TrainError(f"{folder} has weights of more layers than the {layers} that its {CONFIG} asks for")
    wanted = model.state_dict()
    for name, tensor in wanted.items():
        if name not in found or found[name].shape != tensor.shape:
            has = f"has {name} as {tuple(found[name].shape)}" if name in found else f"has no {name}"
            raise TrainError(f"{folder} {has}, its {CONFIG} asks for {tuple(tensor.shape)}")
        whole = found[name].is_floating_point() and found[name].element_size() > 1  # shorter ones need scales
        if not (whole and found[name].float().isfinite().all()):
            raise TrainError(
                f"{folder} has in {name} what are no weights: quantised ones, infinities or no numbers; "
                "only plain floating-point weights are read"
            )
    model.load_state_dict({name: found[name].float() for name in wanted})


def check_vocabulary(source: str, ours: Path | None) -> None:
    """Raises TrainError if the tokens' tokenizer is not the model's (when both are known)."""
    theirs = _vocabulary(locate(source))
    if ours is None or theirs is None:
        return
    if tokenizer.load(ours).get_vocab() != theirs:
        raise TrainError(
            f"the tokens were made with another vocabulary than {source}'s: "
            f"build them with --set tokens.tokenizer={locate(source)}"
        )


def weight_files(folder: Path) -> list[Path]:
    """One file, or those that an index names."""
    index = folder / f"{WEIGHTS}.index.json"
    if index.is_file():
        places = _json(index).get("weight_map")
        if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
            raise TrainError(f"{index} has no weight_map from tensors to files")
        if odd := [name for name in places.values() if not BESIDE.fullmatch(name)]:
            raise TrainError(f"{index} names {odd[0]!r:.100}, which is no safetensors file beside it")
        return [folder / name for name in sorted(set(places.values()))]
    if not (folder / WEIGHTS).is_file():
        raise TrainError(
            f"{folder} has no {WEIGHTS}: weights in other formats are not read; in transformers, "
            "`save_pretrained(DIR, safe_serialization=True)` writes it"
        )
    return [folder / WEIGHTS]


def _vocabulary(folder: Path) -> dict[str, int] | None:
    if (folder / TOKENIZER).is_file():
        return dict(tokenizer.load(folder / TOKENIZER).get_vocab())
    return _json(folder / "vocab.json") if (folder / "vocab.json").is_file() else None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainError(f"cannot read {path}: {why(error)}; put a whole copy there") from None
    except (ValueError, RecursionError) as error:
        raise TrainError(f"{path} is not JSON: {error}; put a whole copy there") from None
    if not isinstance(found, dict):
        raise TrainError(f"{path} is not a JSON object; put a whole copy there")
    return found
