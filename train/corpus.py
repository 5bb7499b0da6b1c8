"""Token files: where they are, and what their index says of them.

A token file is little-endian uint16 (uint32 above 65,536 entries) without a header, every document followed
by one end-of-text token. `index.json` beside it knows its length, sha256 and how many bytes of text it
stands for; a bare file (nanoGPT's `train.bin`) has none of that and is used all the same.
"""

import hashlib
import os
import resource
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from train import token_index
from train.errors import TrainError, why
from train.files import expanded, is_file
from train.settings import DataSettings
from train.tokenizer import load as load_tokenizer
from train.tokenizer import size as ids_of

# How others' token files begin, which have a header, and what takes it away.
LLM_C = "llm.c's header, without which tokens are read: tail -c +1025 {path}"
HEADERS = {
    (20240520).to_bytes(4, "little"): LLM_C,  # GPT-2's tokens
    (20240801).to_bytes(4, "little"): LLM_C,  # Llama 3's
    b"\x93NUMPY": "NumPy's header, without which tokens are read: numpy.load('{path}').tofile(…)",
}


@dataclass(frozen=True)
class TokenFile:
    """One file; the hashes (its own, its tokenizer's) and `utf8_bytes` are its index's, None without one.

    It stays open, so that a corpus built anew beside a run, by renaming, does not change what the run reads.
    """

    path: Path
    dtype: str
    tokens: int
    sha256: str | None
    utf8_bytes: int | None
    tokenizer: str | None = None
    handle: BinaryIO = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "handle", self.path.open("rb", buffering=0))

    def read(self, start: int, count: int) -> NDArray[Any]:
        """Tokens [start, start + count), mapped for as long as the array lives: what has been read does not
        pile up as this process's memory."""
        size = np.dtype(self.dtype).itemsize
        return np.memmap(self.handle, self.dtype, "r", offset=start * size, shape=(count,))


@dataclass(frozen=True)
class Split:
    """Token files read as one stream of tokens."""

    files: tuple[TokenFile, ...]

    @property
    def tokens(self) -> int:
        return sum(file.tokens for file in self.files)

    @property
    def utf8_bytes(self) -> int | None:
        """Bytes of text behind all tokens, or None if any file does not know."""
        known = [file.utf8_bytes for file in self.files if file.utf8_bytes is not None]
        return sum(known) if known and len(known) == len(self.files) else None

    def read(self, start: int, count: int) -> NDArray[np.int64]:
        """Tokens [start, start + count) of the stream, across the files' ends."""
        parts: list[NDArray[Any]] = []
        for file in self.files:
            if count > 0 and start < file.tokens:
                parts.append(file.read(start, min(count, file.tokens - start)))
                count -= len(parts[-1])
                start += len(parts[-1])
            start -= file.tokens
        return np.concatenate(parts).astype(np.int64)


@dataclass(frozen=True)
class Corpus:
    """What a run reads. `tokenizer` is None for bare files without a tokenizer.json in their folder."""

    train: Split
    validation: Split
    tokenizer: Path | None
    vocab_size: int


def token_folder(folder: Path) -> Path:
    """Where the token files of a corpus lie, given its directory or that folder itself."""
    return folder / "tokens" if (folder / "tokens").is_dir() else folder


def find_corpus(folder: Path, settings: DataSettings, vocab_size: int) -> Corpus:
    """The token files of a corpus (its directory or its `tokens/`), or those that the settings name.

    `vocab_size` 0 means the tokenizer's. Raises TrainError for missing or odd-sized files, an index that
    does not fit them, a vocabulary that does not fit the tokenizer.
    """
    if not (folder.exists() or settings.train):
        raise TrainError(f"{folder} does not exist; name a corpus or a directory of token files")
    if folder.is_file():
        raise TrainError(f"{folder} is a file: name its directory, and the file by --set data.train={folder}")
    folder = token_folder(folder)
    tokenizer = folder / "tokenizer.json"
    entries = _vocabulary(folder, tokenizer) if is_file(tokenizer) else 0
    if not (vocab_size or entries):
        raise TrainError(
            f"{tokenizer} is missing: `webtext build-shards` makes a corpus's tokens; "
            "for bare token files, give their vocabulary: --set model.vocab_size=50257"
        )
    if 0 < vocab_size < entries:
        raise TrainError(f"model.vocab_size = {vocab_size} is below the {entries} entries of {tokenizer}")
    size = vocab_size or entries
    corpus = Corpus(
        train=_split(folder, "train", settings.train, size),
        validation=_split(folder, "validation", settings.validation, size),
        tokenizer=tokenizer if entries else None,
        vocab_size=size,
    )
    if entries:
        ours = hashlib.sha256(tokenizer.read_bytes()).hexdigest()
        for file in (*corpus.train.files, *corpus.validation.files):
            if file.tokenizer not in (None, ours):
                raise TrainError(
                    f"{file.path} was made with another tokenizer than {tokenizer}, as its index.json says"
                )
    return corpus


def _vocabulary(folder: Path, tokenizer: Path) -> int:
    """How many ids the tokenizer has, after checking that the index speaks of this very tokenizer."""
    raw = tokenizer.read_bytes()
    said = token_index.read(folder).get("tokenizer", {}).get("sha256")
    if said not in (None, hashlib.sha256(raw).hexdigest()):
        raise TrainError(
            f"{tokenizer} is not the tokenizer that {folder / 'index.json'} names; build it again"
        )
    return ids_of(load_tokenizer(tokenizer))


def _split(folder: Path, name: str, pattern: str, vocab_size: int) -> Split:
    if pattern:
        try:
            paths = _matching(expanded(pattern))
        except (OSError, ValueError) as error:  # a name that no file can have, or `**` beside letters
            raise TrainError(f"data.{name} = {pattern!r} names no files ({why(error)}): mend it") from None
        if not paths:
            raise TrainError(f"data.{name} = {pattern!r} matches no file")
    else:
        files = token_index.read(folder).get("splits", {}).get(name, {}).get("files", [])
        paths = [folder / entry["file"] for entry in files]
        if not paths and name == "train":
            raise TrainError(
                f"{folder} has no index.json that names train files: "
                "`webtext build-shards` makes a corpus's tokens; or give --set data.train=FILE.bin"
            )
    _may_open(len(paths))
    indexes = {folder: token_index.read(folder) for folder in {path.parent for path in paths}}
    entries = {folder: token_index.entries(index) for folder, index in indexes.items()}
    return Split(
        tuple(
            _describe(path, indexes[path.parent], entries[path.parent].get(path.name, {}), vocab_size)
            for path in paths
        )
    )


def _matching(pattern: Path) -> list[Path]:
    """The file of this very name, else those that the glob matches."""
    root = Path(pattern.anchor)
    found = [pattern] if pattern.exists() else root.glob(str(pattern.relative_to(root)))
    return sorted(path for path in found if path.is_file())


def _may_open(count: int) -> None:
    """Has the system allow so many more open files, each with a map of it, where it sets a lower bound."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if count > now // 4:
        wanted = now + 2 * count
        more = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, most))


def _describe(path: Path, index: dict[str, Any], entry: dict[str, Any], vocab_size: int) -> TokenFile:
    """A file, of which its folder's index has an entry, or an empty one."""
    fallback = "uint16" if vocab_size <= 1 << 16 else "uint32"
    dtype = np.dtype(index.get("dtype", fallback) if entry else fallback).newbyteorder("<")
    try:
        size = path.stat().st_size
    except (OSError, ValueError):  # a name that no file can have
        raise TrainError(f"{path} is missing; `webtext build-shards` makes it anew") from None
    tokens, rest = divmod(size, dtype.itemsize)
    wanted = entry.get("tokens")
    if rest or wanted not in (None, tokens):
        said, cure = (
            ("a whole number of", "it was cut short")
            if wanted is None
            else (f"the {wanted:,}", "delete it, and `webtext build-shards` makes it anew")
        )
        raise TrainError(f"{path} has {size:,} bytes, not {said} {dtype.name} tokens: {cure}")
    by = index.get("tokenizer", {}).get("sha256") if entry else None
    found = TokenFile(path, dtype.str, tokens, entry.get("sha256"), entry.get("bytes"), by)
    start = os.pread(found.handle.fileno(), 8, 0)
    if not entry and (header := next((HEADERS[known] for known in HEADERS if start.startswith(known)), None)):
        raise TrainError(f"{path} begins with {header.format(path=path)}")
    return found
