"""Files that exist whole or not at all: written under a temporary name, fsynced, renamed.

Paths of a corpus in an object store (see `store`) are as good here as any other: what is written is put
there, and what is asked is asked there.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from webtext import store
from webtext.damage import DISK_FULL
from webtext.errors import UserError
from webtext.store import TEMPORARY

NARROW_ROWS = 50_000  # a row group of a table without texts
CHECKED = {"page_checksum_verification": True}  # a flipped bit is an error, not another text


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
        put(path)
    except IsADirectoryError:
        raise _in_the_way(path) from None
    finally:
        temporary.unlink(missing_ok=True)


def _in_the_way(folder: Path) -> UserError:
    return UserError(f"{folder}: a directory in the place of a file: move it away")


def put(path: Path) -> None:
    """Has the object store hold what this machine has of a file; on a disk it is held already."""
    if (stored := store.of(path)) is not None:
        stored.put(path)


def here(path: Path, *, settled: bool = False) -> Path:
    """The path, once this machine has the file as it is held. Raises FileNotFoundError.

    `settled`: its name says its content, so that what is here is right.
    """
    if (stored := store.of(path)) is not None and not (settled and path.exists()):
        stored.fetch(path)
    return path


def exists(path: Path) -> bool:
    """Whether there is such a file."""
    return path.is_file() if (stored := store.of(path)) is None else stored.stamp() is not None


def sizes(folder: Path) -> dict[str, int]:
    """The files in a folder, by name, with their bytes; none where there is no folder."""
    if (stored := store.of(folder)) is not None:
        return {name: stamp.size for name, stamp in stored.listed().items()}
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return {}
    found = {}
    for entry in entries:
        # a link may lead to itself, which only the path's own question takes for no file
        is_file = Path(entry).is_file if entry.is_symlink() else entry.is_file
        with suppress(FileNotFoundError):  # a temporary file that another process has just renamed
            if is_file():
                found[entry.name] = entry.stat().st_size
    return found


def names(folder: Path) -> list[str]:
    """What is in a folder, files and folders; nothing where there is none."""
    if (stored := store.of(folder)) is not None:
        return stored.names()
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def remove(path: Path) -> None:
    """Removes a file, if there is one."""
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        raise _in_the_way(path) from None
    if (stored := store.of(path)) is not None:
        stored.remove()


def remove_folder(folder: Path) -> None:
    """Removes a folder with all that is in it, if there is one."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    if (stored := store.of(folder)) is not None:
        stored.remove_all()


def require_utf8(name: str) -> None:
    """Raises UserError for a name that no table and no JSON can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{name!r}: a name that is not UTF-8, or not in this locale; rename it, or set LC_ALL=C.UTF-8"
        ) from None


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


def read_bytes(path: Path) -> bytes:
    """A small file as it is held now. Raises FileNotFoundError."""
    return path.read_bytes() if (stored := store.of(path)) is None else stored.read()


def read_text(path: Path) -> str:
    return read_bytes(path).decode("utf-8")


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet file, or some columns of it, of which alone an object store is asked."""
    options = {"columns": None if columns is None else list(columns), "partitioning": None, **CHECKED}
    if (stored := store.of(path)) is None:
        return pq.read_table(path, use_threads=False, **options)
    return stored.ask(lambda system, key: pq.read_table(key, filesystem=system, **options), parsing=True)


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file whose checksums are checked as it is read. Raises FileNotFoundError."""
    return pq.ParquetFile(here(path), **CHECKED)


def read_batches(path: Path, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a Parquet file, so many rows at a time, read by this thread: passing each batch to
    Arrow's threads and back takes a sixth longer, and more where every core has a worker of its own."""
    with open_parquet(path) as parquet:
        yield from parquet.iter_batches(rows, columns=list(columns), use_threads=False)


def append_line(path: Path, line: str) -> None:
    """Adds a line to a small file that nothing depends on."""
    if store.of(path) is not None:
        before = read_text(path) if exists(path) else ""
        write_text(path, f"{before}{line}\n")
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def write_text(path: Path, text: str) -> None:
    """Writes a whole file of UTF-8."""
    with whole(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes a whole file of JSON, an entry a line, characters as they are."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_parquet(
    path: Path,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    *,
    row_group_rows: int = 1000,
    dictionary: bool | Sequence[str] = True,
) -> Written:
    """Writes tables one after the other into one Parquet file: zstd, bounded row groups, a checksum a page,
    dictionaries for the columns whose values repeat.

    The bytes depend on the rows alone, not on how they were divided into tables.
    """
    rows = 0
    with (
        whole(path) as temporary,
        pq.ParquetWriter(
            temporary, schema, compression="zstd", use_dictionary=dictionary, write_page_checksum=True
        ) as writer,
    ):
        for group in _regrouped(tables, schema, row_group_rows):
            writer.write_table(group, row_group_size=row_group_rows)
            rows += group.num_rows
    return Written(rows, path.stat().st_size, hash_file(path))


def expanded(text: str) -> Path:
    """A path whose `~` or `~user` is that user's home; as it is where there is no such user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - which raises instead


def hash_file(path: Path, told: Callable[[int], None] = lambda _bytes: None) -> str:
    """The xxh3-128 of its bytes (hex); `told` hears how many more were read."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            told(len(chunk))
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
