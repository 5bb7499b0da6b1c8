"""Which errors say that a file is damaged, and which say nothing of it."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from webtext import store_failures
from webtext.errors import UserError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
DISK_FAILED = (errno.EIO, errno.EROFS, errno.ESTALE)
TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
# What says nothing of a file: another time the system may let it be read. Not EIO: a bad sector stays one.
NOT_NOW = (errno.EACCES, errno.EPERM, *TOO_MANY_OPEN, errno.ENOMEM, errno.ESTALE)
# How the reading of a damaged file ends: the third where a flipped bit is in a column's name, the last where
# JSON nests too deep.
UNREADABLE = (OSError, pa.ArrowException, UnicodeDecodeError, json.JSONDecodeError, RecursionError)


@contextmanager
def told(path: Path, advice: str) -> Iterator[None]:
    """Names a file that turns out to be damaged, or another program's; the UserError ends in `advice`."""
    try:
        yield
    except UNREADABLE as error:
        if is_no_damage(error):
            raise
        line = " ".join(str(error).split())  # Arrow lists fields a line each
        raise UserError(f"{path}: cannot be read ({line}): {advice}") from None


def is_no_damage(error: Exception) -> bool:
    """Whether what ended the reading of a file says nothing of it: the system or a store is to blame."""
    if isinstance(error, MemoryError) or is_without_threads(error):
        return True
    if not isinstance(error, OSError):
        return False
    return error.errno in (*DISK_FULL, *NOT_NOW) or store_failures.is_of_a_store(error)


def is_without_threads(error: Exception) -> bool:
    """Whether the system gave no further process or thread, which Python and Arrow tell by their words."""
    if isinstance(error, OSError):
        return error.errno == errno.EAGAIN
    return "start new thread" in str(error) or "launch worker thread" in str(error)
