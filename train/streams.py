"""Standard streams as whoever started this process has left them: closed, or for few characters alone."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def open_closed() -> None:
    """Leads them nowhere: a file that is opened later must not get their number, to which libraries write.
    Called first of all, while those numbers are the lowest that are free."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def write_any_text() -> None:
    """Has a character that stdout's encoding lacks written as `\\u2026` instead of ending the command, as
    stderr does by itself."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def muted() -> Iterator[None]:
    """Leads stderr nowhere in the block, for a library that tells of a panic there before it raises one."""
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(nowhere)
        os.close(stderr)
