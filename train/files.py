"""Files that exist whole or not at all: written beside, fsynced, renamed."""

import os
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Replaces the file at once; a crash leaves the old one or the new one. An OSError names the file."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        sync(beside)
        beside.replace(path)
        sync(path.parent)
    except OSError as error:  # a full disk does not say at which file it was
        raise OSError(error.errno, error.strerror, str(path)) from None


def sync(path: Path) -> None:
    """Returns when a file's bytes, or a directory's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
