"""The token files a trainer reads: documents' ids one after the other, each followed by end-of-text.

A `.bin` has no header and little-endian ids. The `.idx` beside it is a Parquet file that says where each
document lies. `index.json` sums them up.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from webtext import files, parquet, schemas
from webtext.fingerprint import fingerprint
from webtext.shards.encode import Ids

INDEX_VERSION = 1
DTYPES: dict[str, np.dtype[np.unsignedinteger[Any]]] = {"uint16": np.dtype("<u2"), "uint32": np.dtype("<u4")}


@dataclass(frozen=True)
class TokenFile:
    """What is in a `.bin`; `bytes` counts the texts' UTF-8, `index` is the hash of the `.idx`."""

    tokens: int
    documents: int
    bytes: int
    dtype: str
    sha256: str
    index: str

    @property
    def hash(self) -> str:
        return fingerprint(self.sha256, self.index)

    def stands(self, path: Path) -> bool:
        """Whether `path` and its `.idx` hold just this."""
        idx = path.with_suffix(".idx")
        if not (files.exists(path) and files.exists(idx)):
            return False
        with files.here(path).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return sha256 == self.sha256 and files.hash_file(files.here(idx)) == self.index


class TokenWriter:
    """Appends documents to a `.bin` that is being written."""

    def __init__(self, file: BinaryIO, dtype: str, eot: int) -> None:
        self._file, self._dtype, self._eot = file, DTYPES[dtype], np.array([eot], np.uint32)
        self._sha256 = hashlib.sha256()
        self._ids: list[str] = []
        self._lengths: list[int] = []
        self._bytes = 0
        self.written: TokenFile | None = None  # once the files are whole

    def add(self, documents: Sequence[str], ids: Sequence[Ids], text_bytes: int) -> None:
        """Appends each document's ids and an end-of-text; `documents` names them, for the index."""
        tokens = np.concatenate([part for document in ids for part in (document, self._eot)])
        data = tokens.astype(self._dtype).tobytes()
        self._file.write(data)
        self._sha256.update(data)
        self._ids.extend(documents)
        self._lengths.extend(len(document) + 1 for document in ids)
        self._bytes += text_bytes

    def finish(self, idx: Path) -> None:
        lengths = np.array(self._lengths, np.int64)
        columns = [pa.array(self._ids, pa.string()), np.cumsum(lengths) - lengths, lengths]
        table = pa.table(columns, schema=schemas.TOKEN_INDEX)
        index = parquet.write(idx, schemas.TOKEN_INDEX, [table], row_group_rows=parquet.NARROW_ROWS)
        self.written = TokenFile(
            int(lengths.sum()),
            len(lengths),
            self._bytes,
            self._dtype.name,
            self._sha256.hexdigest(),
            index.hash,
        )


@contextmanager
def token_file(path: Path, dtype: str, eot: int) -> Iterator[TokenWriter]:
    """Writes `path` and its `.idx`, both whole or not at all."""
    with files.whole(path) as temporary:
        with temporary.open("wb") as file:
            writer = TokenWriter(file, dtype, eot)
            yield writer
        writer.finish(path.with_suffix(".idx"))


def index(
    tokenizer: Mapping[str, Any], dtype: str, splits: Iterable[str], made: Mapping[str, TokenFile]
) -> dict[str, Any]:
    """`index.json`: what a trainer needs to know of the files `made`, whose names begin with their split."""
    listed = {
        split: [_entry(name, file) for name, file in made.items() if name.startswith(f"{split}-")]
        for split in splits
    }
    return {
        "version": INDEX_VERSION,
        "tokenizer": dict(tokenizer),
        "dtype": dtype,
        "splits": {split: _summed(entries) | {"files": entries} for split, entries in listed.items()},
    }


def _entry(name: str, file: TokenFile) -> dict[str, Any]:
    facts = asdict(file)
    return {"file": name} | {key: facts[key] for key in ("tokens", "documents", "bytes", "sha256")}


def _summed(entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {key: sum(entry[key] for entry in entries) for key in ("tokens", "documents", "bytes")}
