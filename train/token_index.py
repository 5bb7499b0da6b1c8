"""index.json beside token files: what `webtext build-shards` says of them, or nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.errors import TrainError

BESIDE = re.compile(r"[^/]+\.bin")  # the name of a file in the same directory
FACTS = {"tokens": int, "bytes": int, "sha256": str}  # of a file, where they are known


def read(folder: Path) -> dict[str, Any]:
    """The folder's index, or {} where there is none. Raises TrainError if it is none of token files."""
    path = folder / "index.json"
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise TrainError(f"cannot read {path}: {error}; write it anew: webtext build-shards") from None
    odd = next((what for what, fits in _parts(index) if not fits), None)
    if odd:
        raise TrainError(
            f"{path} is not an index of token files, by {odd}; write it anew: webtext build-shards"
        )
    return index


def entries(index: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What an index says of each file, by its name."""
    listed = [entry for split in index.get("splits", {}).values() for entry in split.get("files", [])]
    return {entry["file"]: entry for entry in reversed(listed)}  # of two the first


def _parts(index: Any) -> Iterator[tuple[str, bool]]:
    """What is read of an index, and whether it can be; each part only where those before it can."""
    yield "what it holds", isinstance(index, dict)
    tokenizer, splits = index.get("tokenizer", {}), index.get("splits", {})
    yield "its tokenizer", isinstance(tokenizer, dict) and _is(str, tokenizer.get("sha256"))
    yield "its dtype", index.get("dtype", "uint16") in ("uint16", "uint32")
    yield "its splits", isinstance(splits, dict)
    for name, split in splits.items():
        yield f"its split {name}", isinstance(split, dict) and isinstance(split.get("files", []), list)
        for number, entry in enumerate(split.get("files", [])):
            yield f"file {number} of its split {name}", _is_of_a_file(entry)


def _is_of_a_file(entry: Any) -> bool:
    if not (
        isinstance(entry, dict) and isinstance(name := entry.get("file"), str) and BESIDE.fullmatch(name)
    ):
        return False
    return all(_is(kind, entry.get(key)) for key, kind in FACTS.items())


def _is(kind: type, value: Any) -> bool:
    """Whether it is one, or not known."""
    return value is None or isinstance(value, kind)
