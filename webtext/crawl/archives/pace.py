"""How often a service of an archive is asked: by all threads and processes of a crawl together.

The hosts of links belong to one process each; an archive is asked by all. The time of the next request
therefore stands in a file beside the pages, and who asks takes it under a lock.
"""

import fcntl
import os
import time
from pathlib import Path
from threading import Event

MAX_HOLD_S = 300.0  # nobody waits longer


class Stopped(Exception):
    """The crawl ends while a request waits for its turn."""


class Pace:
    """At least `interval_s` between the starts of two requests."""

    def __init__(self, file: Path, interval_s: float, stop: Event) -> None:
        self._file, self._interval_s, self._stop = file, interval_s, stop

    def wait(self) -> None:
        """Returns when a request may be made. Raises Stopped."""
        while wait_s := self._take():
            if self._stop.wait(wait_s):
                raise Stopped

    def hold(self, wait_s: float) -> None:
        """Nobody asks before so many seconds have gone by."""
        with _Locked(self._file) as handle:
            now = time.time()
            _write(handle, max(_read(handle, now), now + min(wait_s, MAX_HOLD_S)))

    def _take(self) -> float:
        """Takes the turn, or says how long it is until there is one."""
        with _Locked(self._file) as handle:
            now = time.time()
            due = _read(handle, now)
            if due <= now:
                _write(handle, now + self._interval_s)
            return max(due - now, 0.0)


class _Locked:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        return self._handle

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _read(handle: int, now: float) -> float:
    """When the next request may be made; a time that nobody can have written is none."""
    try:
        due = float(os.pread(handle, 32, 0))
    except ValueError:
        return 0.0
    return due if due <= now + MAX_HOLD_S + 1 else 0.0


def _write(handle: int, due: float) -> None:
    os.pwrite(handle, f"{due:<32.3f}".encode(), 0)
