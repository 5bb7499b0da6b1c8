"""The folder that a dry run works in, which leaves no trace: a killed one's goes with the next dry run."""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webtext import lease


@contextmanager
def made() -> Iterator[Path]:
    """Among the system's temporary files, removed with all that is in it when the block ends."""
    ours = f"webtext-dry-run.{lease.machine()}."
    _sweep(Path(tempfile.gettempdir()), ours)
    with tempfile.TemporaryDirectory(prefix=f"{ours}{os.getpid()}.") as name:
        yield Path(name)


def _sweep(place: Path, ours: str) -> None:
    """Removes this user's folders of processes of this machine that have ended."""
    for left in place.glob(f"{glob.escape(ours)}*.*"):
        process = left.name.removeprefix(ours).partition(".")[0]
        if lease.has_ended(process) and left.stat(follow_symlinks=False).st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
