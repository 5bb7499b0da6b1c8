"""Files that exist whole or not at all: written under a temporary name, fsynced, renamed."""

import errno
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from webtext.errors import UserError

TEMPORARY = ".tmp"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Written:
    """What was written: rows, bytes on disk, and the xxh3-128 of those bytes (hex)."""

    rows: int
    bytes: int
    hash: str


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it becomes `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Makes a folder that the user named, and those above it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        raise UserError(f"{path}: not a directory to write to ({error.strerror}): name another") from None


def sync(path: Path) -> None:
    """Asks the disk to have a file, or a folder's entries, before this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    with whole(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_parquet(
    path: Path,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    *,
    row_group_rows: int = 1000,
    dictionary: bool | Sequence[str] = True,
) -> Written:
    """Writes tables one after the other into one Parquet file: zstd, bounded row groups, dictionaries for the
    columns whose values repeat.

    The bytes depend on the rows alone, not on how they were divided into tables.
    """
    rows = 0
    with (
        whole(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=dictionary) as writer,
    ):
        for group in _regrouped(tables, schema, row_group_rows):
            writer.write_table(group, row_group_size=row_group_rows)
            rows += group.num_rows
    return Written(rows, path.stat().st_size, hash_file(path))


def hash_file(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def clean(folder: Path) -> None:
    """Removes what killed writers left behind; the caller holds the corpus' lock."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        leftover.unlink(missing_ok=True)


def _regrouped(tables: Iterable[pa.Table], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        table = table.select(schema.names).cast(schema)
        held.append(table)
        count += table.num_rows
        while count >= rows:
            joined = pa.concat_tables(held)
            yield joined.slice(0, rows).combine_chunks()
            held, count = [joined.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(held).combine_chunks()
