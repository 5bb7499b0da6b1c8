"""A run in an object store, written and read through a folder of this machine as a corpus is (decision 0009).

The store is the truth: what only this machine has is as if it were not. A checkpoint is there once its DONE
is, which is put last, and after the log that leads to it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from train.checkpoint import DONE, FOLDER, MOMENTS
from train.errors import Interrupted
from train.progress import Progress
from train.rundir import CONFIG, LOCK, Row
from webtext import files, lease, store, store_failures
from webtext.errors import RunFailed, UserError

EVALS = "evals"  # in the run


@contextmanager
def written(run: Path) -> Iterator[None]:
    """Holds a run while it is trained: fetched before, put after, whichever way that ends, but for a store
    that was asked for a minute already, and a Ctrl-C that ends it at once."""
    if store.of(run) is None:
        yield
        return
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UserError(f"{run}: one process alone writes to a store; give a directory that all ranks share")
    with lease.held(run):
        fetch(run, moments=True)
        try:
            yield
        except BaseException as end:
            if isinstance(end, Interrupted) or not isinstance(end, RunFailed | KeyboardInterrupt):
                put(run)
            raise
        put(run)


def fetch(run: Path, *, moments: bool = False) -> None:
    """Has this machine hold the run as the store does: all of it with the optimisers' moments, else what a
    reader of its newest checkpoint needs. Raises UserError for a reader where the store has no run."""
    if (stored := store.of(run)) is None:
        return
    if CONFIG not in files.sizes(run):
        stored.require_bucket()
        if not moments:
            what = f"{stored.address} is not a run: it has no {CONFIG}"
            raise UserError(f"{what}; name the one that `train` wrote")
    run.mkdir(parents=True, exist_ok=True)
    with (run / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if moments else fcntl.LOCK_NB))
        except BlockingIOError:
            return  # it is trained on this machine, which has all that the store has
        _fetch(run, moments)


def _fetch(run: Path, moments: bool) -> None:
    there, finished = files.sizes(run), _finished(run)
    for path in (*run.iterdir(), *(run / FOLDER).glob("step-*")):
        if path.is_file() and path.name not in (LOCK, *there):
            path.unlink()
        elif path.parent.name == FOLDER and path.name not in finished:
            shutil.rmtree(path)
    for name in there:
        files.here(run / name)
    for step in finished if moments else finished[-1:]:
        for name in sorted(files.sizes(run / FOLDER / step), key=lambda name: name == DONE):
            if moments or not name.startswith(MOMENTS):
                files.here(run / FOLDER / step / name)


def put(run: Path) -> None:
    """Has the store hold the run as this machine does."""
    if store.of(run) is None or not (run / CONFIG).exists():
        return
    for path in sorted(run.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            files.put(path)
    finished, there = _finished(run), files.names(run / FOLDER)
    here = {done.parent.name for done in (run / FOLDER).glob(f"step-*/{DONE}")}
    for step in sorted(here.difference(finished)):
        for path in sorted((run / FOLDER / step).iterdir(), key=lambda path: path.name == DONE):
            files.put(path)
    for step in set(there) - here:
        files.remove(run / FOLDER / step / DONE)  # first, so that a half-removed one does not count
        files.remove_folder(run / FOLDER / step)


def fetch_evals(run: Path) -> None:
    """Has this machine hold the results of evaluations that the run has."""
    if store.of(run) is not None:
        for model in files.names(run / EVALS):
            for name in files.sizes(run / EVALS / model):
                files.here(run / EVALS / model / name)


def put_evals(run: Path) -> None:
    """Has the store hold all that this machine has of them."""
    if store.of(run) is not None:
        for path in sorted((run / EVALS).rglob("[!.]*")):
            if path.is_file():
                files.put(path)


class Putting(Progress):
    """Shows a training as another one does, and puts the run whenever it has saved a checkpoint."""

    def __init__(self, run: Path, shown: Progress) -> None:
        self._run, self._shown = run, shown

    def preparing(self, what: str) -> None:
        self._shown.preparing(what)

    def begin(self, about: str, step: int, steps: int) -> None:
        self._shown.begin(about, step, steps)

    def stepped(self, row: Row) -> None:
        self._shown.stepped(row)

    def spiked(self, row: Row) -> None:
        self._shown.spiked(row)

    def evaluating(self, done: int, windows: int) -> None:
        self._shown.evaluating(done, windows)

    def evaluated(self, row: Row) -> None:
        self._shown.evaluated(row)

    def saved(self, step: int) -> None:
        put(self._run)
        self._shown.saved(step)

    def saves_in_vain(self) -> bool:
        return store_failures.is_failing()

    def end(self) -> None:
        self._shown.end()


def _finished(run: Path) -> list[str]:
    """The checkpoints that the store has whole, oldest first."""
    return [step for step in sorted(files.names(run / FOLDER)) if DONE in files.sizes(run / FOLDER / step)]
