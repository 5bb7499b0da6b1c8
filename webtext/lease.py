"""One writer at a time in an object store, where no kernel holds a lock.

Who wants to write puts an object of his own into `.lock/`, then looks who else has one there, and takes his
back if somebody does. Stores list what was put before (S3 since 2020, GCS, Azure), so that of two who come at
once at least one sees the other. The object is put anew every minute: its age is its owner's last sign of
life, by the store's own clock.
"""

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from webtext import store, store_failures
from webtext.errors import RunFailed, UserError
from webtext.store import Object

FOLDER = ".lock"  # in the corpus
SIGN_OF_LIFE_S = 60.0
STALE_S = 5 * SIGN_OF_LIFE_S
NANOSECONDS = 10**9


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Holds a corpus; on a disk this does nothing. Raises UserError where somebody else holds it, and says so
    where that one gave no sign of life for long. A process of this machine that has ended holds nothing."""
    if (corpus := store.of(root)) is None:
        yield
        return
    corpus.require_bucket()
    name = f"{machine()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
    mine, ended = corpus / FOLDER / name, threading.Event()
    mine.write(b"")
    signs = threading.Thread(target=_give_signs_of_life, args=(mine, ended), daemon=True)

    def leave() -> None:
        ended.set()
        if signs.is_alive():
            signs.join()
        mine.remove()

    # A lease that stays, because the store fails, is told as one of a process that has ended.
    try:
        _require_nobody_else(corpus / FOLDER, name)
        signs.start()
        yield
    except BaseException:
        store_failures.briefly(leave)
        raise
    with suppress(RunFailed, UserError):
        leave()


def _require_nobody_else(folder: Object, mine: str) -> None:
    found = folder.listed()
    for name, stamp in found.items():
        where, _, rest = name.rpartition(".")[0].rpartition(".")
        if name == mine or (where == machine() and has_ended(rest)):
            continue
        silent_s = (found[mine].mtime_ns - stamp.mtime_ns) // NANOSECONDS
        owner = f"process {rest} on {where.rpartition('.')[0]}"
        if silent_s < STALE_S:
            raise UserError(f"{_corpus(folder)}: {owner} is writing to this corpus; wait for it, or stop it")
        raise UserError(
            f"{_corpus(folder)}: {owner} was writing to this corpus and has given no sign of life for "
            f"{silent_s // 60} minutes; if it is gone, delete {(folder / name).address}"
        )
    for name in found.keys() - {mine}:
        (folder / name).remove()


def _corpus(folder: Object) -> str:
    return folder.address.removesuffix(f"/{FOLDER}")


def machine() -> str:
    """This machine, or the part of it in which process ids mean what they mean here."""
    with suppress(OSError):
        return f"{socket.gethostname()}.{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116
    return f"{socket.gethostname()}.0"


def has_ended(process: str) -> bool:
    """Whether there is no process of this id, as text, on this machine."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, OverflowError):  # another user's, or nobody's id
        return False
    return False


def sweep(folder: Path, name: str) -> None:
    """Removes what processes that have ended left half written of files of such a name, or of a pattern of
    names; in a folder of the user's others may be writing now."""
    for left in folder.glob(f".{name}.*{store.TEMPORARY}"):
        if has_ended(left.suffixes[-2].removeprefix(".")):
            left.unlink(missing_ok=True)


def _give_signs_of_life(mine: Object, ended: threading.Event) -> None:
    while not ended.wait(SIGN_OF_LIFE_S):
        with suppress(RunFailed, UserError):  # the next one may reach the store
            mine.write(b"")
