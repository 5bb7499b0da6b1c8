"""`webtext train`, `sample`, `eval` and `export`: the trainer, imported when asked, its errors made ours."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from webtext import damage, files, store, store_failures
from webtext.corpus import Corpus
from webtext.errors import RunFailed, RunRefused, UserError, why

# With what to do.
TOLD_BY_COMMANDS = (*damage.DISK_FULL, *damage.TOO_MANY_OPEN, errno.EFBIG, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class Sampling:
    """How texts are sampled; see `train.sample.generate`."""

    max_tokens: int = 200
    temperature: float = 0.8
    top_k: int = 50
    top_p: float = 1.0
    seed: int = 1337
    n: int = 1


def train(
    root: Path, out: Path, config: str | None, sets: tuple[str, ...], quiet: bool, init_from: str = ""
) -> dict[str, Any]:
    """Trains on a corpus' tokens, or goes on with the run in `out`; returns the run's summary."""
    _fetch_tokens(root)
    with _trainer():
        from pipelines import stored_run
        from train import loop, progress, rundir

        shown = stored_run.Putting(out, progress.for_terminal(quiet))
        with stored_run.written(out):
            return _told(loop.train(root, out, rundir.asked(out, config, sets, init_from), shown))


def training_plan(
    root: Path, out: Path, config: str | None, sets: tuple[str, ...], quiet: bool, init_from: str = ""
) -> dict[str, Any]:
    """What `train` would do and take, measured on micro-batches."""
    _fetch_tokens(root)
    with _trainer():
        from pipelines import stored_run
        from train import progress, rehearsal, rundir

        stored_run.fetch(out, moments=True)
        asked = rundir.asked(out, config, sets, init_from)
        return _told(rehearsal.rehearse(root, out, asked, progress.line_by_line(quiet)))


def _fetch_tokens(root: Path) -> None:
    corpus = Corpus.open(root)
    tokens = corpus.table("tokens")
    if tokens.manifest() is None:
        raise UserError(f"{root}: no tokens yet; run `webtext build-shards {corpus.quoted}` first")
    for name in files.sizes(tokens.folder):
        files.here(tokens.folder / name)


def sample(
    source: str, prompt: str, sampling: Sampling, on_text: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Continuations of a prompt by a model; `on_text` hears the first as it is written."""
    with _trainer():
        from train.sample import generate

        texts = generate(str(_here(source)), prompt, **asdict(sampling), on_text=on_text)
        return {"prompt": prompt, "texts": texts}


def export(run: Path, out: Path) -> dict[str, Any]:
    """A run's newest checkpoint as a Hugging Face GPT-2 directory."""
    with _trainer():
        from pipelines import stored_run
        from train.export import write

        stored_run.fetch(run)
        return _told(write(run, out))


def export_plan(run: Path, out: Path) -> dict[str, Any]:
    """What `export` would write."""
    with _trainer():
        from pipelines import stored_run
        from train.export import plan

        stored_run.fetch(run)
        return _told(plan(run, out))


def evaluate(
    source: str, tasks: str, data: Path, out: Path | None, strides: str, download: bool, quiet: bool
) -> dict[str, Any]:
    """A model's metrics on the named tasks, beside the paper's."""
    with _trainer():
        from pipelines import stored_run
        from train.evals import progress, run

        here = _here(source)
        asked = run.request(str(here), tasks, data, out, strides, download)
        if store.is_address(source):
            asked = replace(asked, known_as=store.named(str(here)))
        in_run = asked.out.parent == here
        if in_run:
            stored_run.fetch_evals(here)
        found = run.evaluate(asked, progress.for_terminal(quiet))
        if in_run:
            stored_run.put_evals(here)
        return _told(found)


def evaluation_plan(
    source: str, tasks: str, data: Path, out: Path | None, strides: str, download: bool
) -> dict[str, Any]:
    """The files that `evaluate` would read."""
    with _trainer():
        from train.evals import run

        return _told(run.plan(run.request(str(_here(source)), tasks, data, out, strides, download)))


def _told(found: dict[str, Any]) -> dict[str, Any]:
    """A result whose paths into a store are told by their addresses."""
    return {key: store.named(value) if isinstance(value, str) else value for key, value in found.items()}


def _here(source: str) -> Path:
    """Where a model's files lie, or are looked for; a run in a store is fetched first."""
    from pipelines import stored_run

    if not store.is_address(source):
        return Path(source)
    run = store.folder_of(source)
    stored_run.fetch(run)
    return run


def require_trainer() -> None:
    """Raises UserError where a library that trains is not installed; loads none of them."""
    for name in ("torch", "safetensors"):
        if find_spec(name) is None:
            raise UserError(
                f"{name} is not installed; training needs the extra: pip install 'webtext[train]'"
            )


@contextmanager
def _trainer() -> Iterator[None]:
    require_trainer()
    from train import errors

    try:
        yield
    except errors.TrainError as error:
        raise UserError(str(error)) from None
    except errors.RunFailed as error:
        raise RunRefused(str(error)) from None
    except (BrokenPipeError, PermissionError):  # our reader has had enough; a right is lacking
        raise
    except (IsADirectoryError, NotADirectoryError, FileExistsError):  # the same command fails again
        raise
    except OSError as error:
        if error.errno in TOLD_BY_COMMANDS or store_failures.is_of_a_store(error):
            raise
        raise RunFailed(f"{error.filename or 'the run'}: {why(error)}") from None
