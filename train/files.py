"""Files that exist whole or not at all: written beside, fsynced, renamed."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from train.errors import TrainError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def expanded(text: str) -> Path:
    """A path whose `~` or `~user` is that user's home; as it is where there is no such user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - which raises instead


@contextmanager
def made(folder: Path, instead: str) -> Iterator[None]:
    """Makes a folder in which the block then writes something small, so that one that cannot be written to
    (it may be another user's) is refused before anything is computed.

    Raises TrainError, which ends in `instead`, where either fails; of a full disk OSError, which names the
    folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise OSError(error.errno, error.strerror, str(folder)) from None
        raise _cannot(folder, error, instead) from None


def check_made(folder: Path, instead: str) -> None:
    """Raises TrainError where `made` would, as far as that can be told without making anything."""
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
        if not stat.S_ISDIR(there.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise _cannot(folder, error, instead) from None


def _cannot(folder: Path, error: OSError, instead: str) -> TrainError:
    return TrainError(f"cannot write to {folder} ({error.strerror}): {instead}")


def is_file(path: Path) -> bool:
    """Whether there is one. Raises TrainError for what else is there, which is not to say that nothing is."""
    if os.path.lexists(path) and not path.is_file():
        what = "a directory" if path.is_dir() else "no file"
        raise TrainError(f"{path} is {what} in the place of a file: put the file back, or move that away")
    return path.is_file()


def is_folder(path: Path) -> bool:
    """Whether there is one. Raises TrainError for what else is there."""
    if os.path.lexists(path) and not path.is_dir():
        raise TrainError(
            f"{path} is no directory, in the place of one: put the directory back, or move that away"
        )
    return path.is_dir()


def require_readable(path: Path) -> None:
    """Raises the system's own error for a file that may not be read, which safetensors calls missing and
    tokenizers no tokenizer."""
    path.open("rb").close()


def sha256(path: Path) -> str:
    """Of a file's bytes, as `sha256sum` tells it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, content: str | bytes) -> None:
    """Replaces the file at once; a crash leaves the old one or the new one. An OSError names the file."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        sync(beside)
        beside.replace(path)
        sync(path.parent)
    except OSError as error:  # a full disk does not say at which file it was
        beside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time writes to a folder in the block; others wait for its end, however it ends."""
    with (folder / ".lock").open("w") as lock:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sync(path: Path) -> None:
    """Returns when a file's bytes, or a directory's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
