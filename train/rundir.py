"""The run directory: who may write it, what it was asked to do, and the reading of its log.

RUN/config.toml  tokenizer.json  log.jsonl  checkpoints/  loss.svg  report.html
"""

import contextlib
import fcntl
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from train import checkpoint, files, settings_file
from train.errors import TrainError
from train.model import GPT2
from train.settings import MAY_CHANGE, Settings, differing
from train.tokenizer import load as load_tokenizer

CONFIG, TOKENIZER, LOG = "config.toml", "tokenizer.json", "log.jsonl"
LOCK = ".lock"
FEW = 3  # settings that differ: more are a configuration's
DEFAULT = "gpt2-124m"  # the configuration of a run for which none is named
LONGEST_ROW = 1 << 16  # bytes; the trainer's have some 200

Row = dict[str, Any]


@contextmanager
def opened(run: Path, wanted: Settings) -> Iterator[None]:
    """Makes or reopens a run directory for writing, alone, until the block ends, and changes nothing in it.
    One in which the block leaves nothing is not left either.

    Raises TrainError if another process is writing it, if this one may not, or as `check` does.
    """
    check(run, wanted)
    new = [path for path in (run, *run.parents) if not path.exists()]
    with files.made(run, "give another --out"):
        lock = (run / LOCK).open("w")
    with lock:  # the system drops it with the process, however that ends
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainError(
                f"another training is writing {run}; wait for it or give another --out"
            ) from None
        check(run, wanted)  # what another process left that has just ended
        try:
            yield
        finally:
            if new and [path.name for path in run.iterdir()] == [LOCK]:
                _unmake(run, new)


def _unmake(run: Path, folders: Iterable[Path]) -> None:
    (run / LOCK).unlink()
    with contextlib.suppress(OSError):  # somebody put something there
        for folder in folders:
            folder.rmdir()


def describe(run: Path, wanted: Settings, tokenizer: Path | None) -> None:
    """Writes what the run is asked to do, once nothing else can refuse it. A trained run keeps its tokenizer:
    TrainError where that is damaged."""
    trained = checkpoint.newest(run) and files.is_file(run / TOKENIZER)
    if trained:
        load_tokenizer(run / TOKENIZER)  # now, not in the report of the next checkpoint
    files.write(run / CONFIG, settings_file.to_toml(wanted))  # first: what has it is known for a run
    (run / checkpoint.FOLDER).mkdir(exist_ok=True)
    if tokenizer is not None and not trained:
        files.write(run / TOKENIZER, tokenizer.read_bytes())


def check(run: Path, wanted: Settings) -> None:
    """Raises TrainError if a run may not be written there: it was started with other settings, has more steps
    already, or what is there is no run."""
    if (run.exists() or run.is_symlink()) and not run.is_dir():
        raise TrainError(f"{run} is no directory; give one for the run")
    shown = run.is_dir() and any(not path.name.startswith(".") for path in run.iterdir())
    if shown and not files.is_file(run / CONFIG):
        raise TrainError(f"{run} holds other files and no {CONFIG}; give a new or a run's directory")
    saved = checkpoint.newest(run)
    if saved is None:  # nothing yet that other settings would spoil
        return
    _same(run, load(run), wanted)
    if saved.step > wanted.train.steps:
        raise TrainError(
            f"{run} has {saved.step:,} steps already, this command asks for {wanted.train.steps:,}: ask for "
            "more with --set train.steps=…, or give another --out"
        )


def asked(run: Path, config: str | None, sets: Sequence[str], init_from: str = "") -> Settings:
    """`sets` over a configuration, as `settings_file.load`: over that which is named, or else over the run's
    own, if it has one."""
    own = config is None and files.is_file(run / CONFIG)
    if own:
        load(run)  # whole
    over = run / CONFIG if own else DEFAULT if config is None else config
    return settings_file.load(over, sets, init_from)


def load(run: Path) -> Settings:
    """The resolved settings of a run. Raises TrainError if it is not a run directory."""
    if not files.is_file(run / CONFIG):
        what = f"is not a run: it has no {CONFIG}" if run.exists() else "does not exist"
        raise TrainError(f"{run} {what}; name the directory that `train` wrote with --out")
    settings = settings_file.load(run / CONFIG)
    if not settings.model.vocab_size:  # which `train` always resolves
        raise TrainError(f"{run / CONFIG} has no model.vocab_size: it was cut short; put a copy of it there")
    return settings


def newest(run: Path) -> checkpoint.Checkpoint:
    """The run's newest checkpoint. Raises TrainError if it has none yet."""
    saved = checkpoint.newest(run)
    if saved is None:
        raise TrainError(f"{run} has no finished checkpoint yet: train it first")
    return saved


def trained(run: Path, saved: checkpoint.Checkpoint) -> GPT2:
    """The run's model with a checkpoint's weights. Raises TrainError if they are damaged, or fewer than the
    run's config asks for, before anybody asks for the memory or waits for the layers."""
    shape = load(run).model
    saved.require_weights()
    held = (saved.path / checkpoint.MODEL).stat().st_size
    if shape.matrix_weights > held:
        raise TrainError(
            f"{run / CONFIG} asks for {shape.matrix_weights:,} weights, {saved.path / checkpoint.MODEL} has "
            f"{held:,} bytes: it is another model's, or not all there"
        )
    model = GPT2(shape)
    saved.load_weights(model)
    return model


def _same(run: Path, old: Settings, wanted: Settings) -> None:
    others = [each for each in differing(old, wanted) if each[0] not in MAY_CHANGE]
    if others:
        key, before, now = others[0]
        sets = " ".join(f"--set {name}={settings_file.toml_value(value)}" for name, value, _ in others)
        way = f"with {sets}" if len(others) <= FEW else "without --config"
        raise TrainError(
            f"{run / CONFIG} has {key} = {before!r}, this command asks for {now!r}: "
            f"go on {way}, or give another --out"
        )


def rows(run: Path) -> Iterator[Row]:
    """The log's rows, as `rows_of`; none where there is no log."""
    with contextlib.suppress(FileNotFoundError), (run / LOG).open("rb") as log:
        yield from rows_of(log)


def rows_of(log: BinaryIO) -> Iterator[Row]:
    """The rows from where the log is open to its end, without a torn last one, and without what a machine
    that lost its power, or another program, left of others."""
    while line := log.readline(LONGEST_ROW):
        with contextlib.suppress(ValueError, RecursionError, OverflowError):
            row = json.loads(line if line.endswith(b"\n") else b"")
            if _is_row(row):
                yield row


def _is_row(row: Any) -> bool:
    """Whether all that is read of a row, a step's or an evaluation's, is as the trainer writes it."""
    if not isinstance(row, dict) or type(row.get("step")) is not int or row["step"] >> 63:
        return False
    always = () if "val_loss" in row else ("ms", "tokens_per_s")
    losses = [row[key] for key in ("loss", "val_loss", "val_bits_per_byte") if row.get(key) is not None]
    numbers = [*losses, *(row.get(key) for key in always)]
    return all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
