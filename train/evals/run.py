"""`eval`: a model through tasks, each task's result a file that a later call uses again.

OUT/MODEL/TASK.json holds a task's metrics and every example's outcome; OUT/tasks.svg all models found in OUT.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from train import files, pretrained, rundir
from train.errors import TrainError
from train.evals import generation, hub, paper, plot, subject
from train.evals.language import Metrics
from train.evals.progress import Progress
from train.evals.subject import Subject
from train.evals.tasks import TASKS, Task, named

PLOT = "tasks.svg"


@dataclass(frozen=True)
class Request:
    """What to evaluate on what. `strides` of sliding windows, in tokens; none: the model's length and half
    of it."""

    source: str
    tasks: Sequence[str]
    data: Path
    out: Path
    strides: Sequence[int] = ()
    download: bool = False  # what is not in `data`, by its name on the hub
    known_as: str = ""  # in results; else `source`, a directory by its whole path


def request(
    source: str, tasks: str, data: Path, out: Path | None, strides: str, download: bool = False
) -> Request:
    """A request from a command line: names and numbers separated by commas; `out` is RUN/evals, else
    evals."""
    try:
        numbers = tuple(int(part) for part in strides.split(",") if part.strip())
    except ValueError:
        raise TrainError(f"--strides {strides} are not whole numbers separated by commas") from None
    path = files.expanded(source)
    default = path / "evals" if (path / rundir.CONFIG).is_file() else Path("evals")
    names = [name.strip() for name in tasks.split(",")]
    return Request(source, names, data, out or default, numbers, download)


def evaluate(request: Request, progress: Progress) -> dict[str, Any]:
    """The model's metrics on each task beside the paper's. Files are read before anything is computed.

    A task is done again only if the model, its data, its settings or its definition are not those of the
    result there. Raises TrainError for a name, a file or a model that is not there or is another than
    expected.
    """
    found = _found(request)
    model = subject.load(request.source)
    model = replace(model, source=request.known_as or model.source)
    strides = _strides(request, model.room)
    folder = _folder(request.out, model)
    keys = {task.name: _key(task, path, model, strides) for task, path in found}
    kept = {name: result for name, key in keys.items() if (result := _kept(folder, key))}
    missing = [(task, path) for task, path in found if task.name not in kept]
    for task, _ in missing:
        generation.require_library(task.name)
    contents = {task.name: task.read(path) for task, path in missing}
    with files.made(folder, "give another --out"), TemporaryFile(dir=folder):
        pass
    rows = []
    for task, path in found:
        result = kept.get(task.name)
        if result is None:
            about = {"name": folder.name, "source": model.source}
            made = _done(task, path, contents.pop(task.name), model, strides, keys[task.name], progress)
            result = about | made
            written = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
            with files.alone(request.out):
                files.write(folder / f"{task.name}.json", written)
        rows += _rows(task.name, result["metrics"])
    with files.alone(request.out):
        files.write(request.out / PLOT, plot.tasks_svg(results(request.out)))
    return {
        "model": folder.name,
        "parameters": model.model.parameter_count(),
        "results": str(folder),
        "plot": str(request.out / PLOT),
        "reused": list(kept),
        "rows": rows,
    }


def plan(request: Request) -> dict[str, Any]:
    """What `evaluate` would read: a row per task with its file and size. Raises TrainError like it."""
    tasks = named(request.tasks)
    planned = [_planned(task, path) for task, path in _located(tasks, request)]
    for task in tasks:
        generation.require_library(task.name)
    files.check_made(request.out, "give another --out")
    model, room = subject.look(request.source), pretrained.length(request.source)
    if room is not None:
        _strides(request, room)
    return {"model": model, "out": str(request.out), "tasks": planned}


def results(out: Path) -> list[dict[str, Any]]:
    """Every result below OUT, without its examples."""
    found = (_result(path) for path in sorted(out.glob("*/*.json")))
    return [{key: value for key, value in one.items() if key != "examples"} for one in found if one]


def _strides(request: Request, room: int) -> list[int]:
    """The longest first. Raises TrainError for one that a model of this length has no windows for."""
    strides = sorted(request.strides or (room, max(1, room // 2)), reverse=True)
    if strides[-1] < 1 or strides[0] > room:
        raise TrainError(f"strides {strides} must lie between 1 and the model's length {room}")
    return strides


def _found(request: Request) -> list[tuple[Task, Path]]:
    tasks = named(request.tasks)
    if not (request.data.is_dir() or request.download) and any(task.name in TASKS for task in tasks):
        raise TrainError(
            f"--data {request.data} is not a folder: put there the files that docs/eval.md lists, or add "
            "--download for those that the hub has"
        )
    located = _located(tasks, request)
    return [(task, path or hub.fetch(task.name, request.data)) for task, path in located]


def _located(tasks: Sequence[Task], request: Request) -> list[tuple[Task, Path | None]]:
    """Each task's file; none where it comes from the hub.

    Raises one TrainError for all that are missing, for they come from many sites.
    """
    located: list[tuple[Task, Path | None]] = []
    missing: dict[str, str] = {}
    for task in tasks:
        try:
            located.append((task, task.source.find(request.data)))
        except TrainError as error:
            if request.download and task.name in hub.SETS:
                located.append((task, None))
            else:
                missing[task.name] = str(error)
    if missing:
        others = ", ".join([*missing][1:])
        all_told = f"; those of {others} are missing, too: docs/eval.md lists all" if others else ""
        raise TrainError(next(iter(missing.values())) + all_told)
    return located


def _planned(task: Task, path: Path | None) -> dict[str, Any]:
    if path is None:
        return {"task": task.name, "file": f"{hub.SETS[task.name].dataset}, from the hub", "bytes": 0}
    return {"task": task.name, "file": str(path), "bytes": path.stat().st_size}


def _folder(out: Path, model: Subject) -> Path:
    """OUT/MODEL, or OUT/MODEL-2 and so on where another model of this name has its results."""
    for number in count(1):
        folder = out / (model.name if number == 1 else f"{model.name}-{number}")
        found = [result for path in folder.glob("*.json") if (result := _result(path))]
        if all(
            result.get("source", model.source) == model.source or result["key"]["model"] == model.digest
            for result in found
        ):
            break
    return folder


def _key(task: Task, path: Path, model: Subject, strides: Sequence[int]) -> dict[str, Any]:
    """What a result depends on."""
    settings = {"strides": list(strides)} if task.strides else {}
    return {
        "task": task.name,
        "version": task.version,
        "model": model.digest,
        "data": task.source.digest(path),
        "settings": settings,
    }


def _kept(folder: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    result = _result(folder / f"{key['task']}.json")
    return result if result and result["key"] == key else None


def _result(path: Path) -> dict[str, Any] | None:
    """A task's result; None where there is none, or another program's file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    ours = isinstance(found, dict) and {"task", "parameters", "key", "metrics", "paper"} <= found.keys()
    return found if ours else None


def _done(
    task: Task,
    path: Path,
    content: Any,
    model: Subject,
    strides: Sequence[int],
    key: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    began = time.monotonic()
    with progress.task(task.name) as told:
        metrics, examples = task.evaluate(model, content, strides, told)
    return {
        "task": task.name,
        "parameters": model.model.parameter_count(),
        "file": str(path),
        "device": model.device.name,
        "seconds": round(time.monotonic() - began, 1),
        "key": key,
        "metrics": metrics,
        "paper": _published(task.name, metrics),
        "examples": examples,
    }


def _published(task: str, metrics: Metrics) -> dict[str, dict[str, float | None]]:
    """The paper's values by metric and size."""
    found = paper.reported(task, metrics)
    return {name: dict(zip(paper.SIZES, values, strict=True)) for name, values in found.items()}


def _rows(task: str, metrics: Metrics) -> list[dict[str, Any]]:
    """A row per metric; those of the paper first."""
    published = _published(task, metrics)
    order = [*published, *(name for name in metrics if name not in published)]
    return [
        {
            "task": task,
            "metric": name,
            "value": metrics[name],
            "paper": published.get(name, {}),
        }
        for name in order
    ]
