"""Files that exist whole or not at all: written under a temporary name, fsynced, renamed.

Paths of a corpus in an object store (see `store`) are as good here as any other: what is written is put
there, and what is asked is asked there.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import xxhash

from webtext import store
from webtext.damage import DISK_FULL
from webtext.errors import UserError
from webtext.store import TEMPORARY


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
