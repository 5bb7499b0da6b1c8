"""Running a stage: which partitions are missing or stale and why, doing just those, marking them, counting.

The runner knows tables and engines; what a stage computes is its task's business.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext import files
from webtext.corpus import Corpus
from webtext.engine import Engine, Task
from webtext.errors import RunFailed
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.table import Table

NOTHING = Counts()
PROGRESS = "progress.json"  # in the corpus: how far the running stage is, or was when it was interrupted


@dataclass(frozen=True)
class Work:
    """One partition to be made: its file, the fingerprint of all its bytes depend on, the task's argument."""

    file: str
    key: str
    item: Any
    rows: int = 0  # expected, for the progress bar


@dataclass(frozen=True)
class Plan:
    """All partitions that a table should have. `task(items, report)` makes some and returns their parts."""

    table: str
    version: int
    recipe: str  # fingerprint of what the recipe says to this stage
    inputs: str  # fingerprint of what the stage reads
    task: Task
    works: tuple[Work, ...]
    # Which works one task makes, given them all and the number of workers.
    group: Callable[[Sequence[Work], int], list[list[Work]]] = lambda works, _: [[work] for work in works]
    extra: dict[str, Any] = field(default_factory=dict)  # goes into the manifest
    counts: Counts = NOTHING  # what was counted before the partitions
    # Called when all partitions are made, before the manifest is: writes the files beside them.
    finish: Callable[[Sequence[Part]], None] = lambda _: None
    # Called before the earlier manifest goes and anything is made.
    before: Callable[[], None] = field(default=lambda: None, compare=False)


@dataclass(frozen=True)
class Standing:
    """Where a table stands against its plan."""

    done: tuple[Part, ...]
    todo: tuple[Work, ...]
    why: str  # one clause; empty when everything is done
    published: bool

    @property
    def current(self) -> bool:
        return self.published and not self.todo


def standing(corpus: Corpus, plan: Plan) -> Standing:
    """Where a table stands: the parts that are done by this plan, what is to be made, and why."""
    table = corpus.table(plan.table)
    manifest = table.manifest()
    finished = {part.file: part for part in table.finished()}
    wanted, holds = {work.file: work for work in plan.works}, table.holding()
    done, todo = [], []
    for work in plan.works:
        part = finished.get(work.file)
        if part and part.key == work.key and holds(part):
            done.append(part)
        else:
            todo.append(work)
    published = manifest is not None and _says(manifest) == _says(plan) and len(finished) == len(wanted)
    return Standing(tuple(done), tuple(todo), _why(plan, table, manifest, todo, published), published)


def run(corpus: Corpus, engine: Engine, plan: Plan, progress: Progress) -> Manifest:
    """Brings a table up to its plan and publishes its manifest, which balances."""
    table, state = corpus.table(plan.table), standing(corpus, plan)
    manifest = table.manifest()
    if state.current and manifest is not None:
        if table.begun:  # the last run was killed between its last two acts
            table.end_journal()
        progress.note(f"{plan.table}: up to date")
        return manifest
    progress.note(f"{plan.table}: {state.why}")
    started = time.monotonic()
    told = corpus.root / PROGRESS
    plan.before()
    with table.journal(state.done) as journal, progress.bar(plan.table, _rows(state.todo), told) as report:
        parts = {part.file: part for part in state.done}
        groups = [[work.item for work in group] for group in plan.group(state.todo, engine.workers)]
        for made in engine.map(plan.task, groups, report):
            for part in made:
                journal.mark(part)
                parts[part.file] = part
    manifest = _manifest(plan, [parts[work.file] for work in plan.works])
    _drop_strays(table, manifest)
    files.clean(table.folder)  # of processes that died in this run
    plan.finish(manifest.partitions)
    table.publish(manifest)
    made_rows = sum(parts[work.file].rows for work in state.todo)
    seconds, slowest_s = round(time.monotonic() - started, 3), report.tally.slowest_s()
    log(
        corpus, plan.table, rows=made_rows, seconds=seconds, **({"slowest_s": slowest_s} if slowest_s else {})
    )
    files.remove(told)
    return manifest


def log(corpus: Corpus, stage: str, **facts: Any) -> None:
    """Appends a line to the corpus' history: rates for `webtext status`, nothing that results depend on."""
    line = json.dumps({"at": int(time.time()), "stage": stage} | facts)
    files.append_line(corpus.root / "history.jsonl", line)


def _manifest(plan: Plan, parts: list[Part]) -> Manifest:
    counts = sum((part.counts for part in parts), plan.counts)
    if not counts.balanced:
        raise RunFailed(f"{plan.table}: the counts do not balance, which is a bug: {counts.as_json()}")
    return Manifest(plan.table, plan.version, plan.recipe, plan.inputs, tuple(parts), counts, plan.extra)


def _says(source: Manifest | Plan) -> tuple[int, str, str]:
    return source.version, source.recipe, source.inputs


def _why(plan: Plan, table: Table, manifest: Manifest | None, todo: list[Work], published: bool) -> str:
    share = f"{len(todo):,} of {len(plan.works):,} partitions"
    if published and not todo:
        return ""
    if manifest is None:
        return f"{share} to do, {'begun and not finished' if table.begun else 'never run'}"
    causes = [
        name
        for name, old, new in zip(
            ("code version", "recipe", "input"), _says(manifest), _says(plan), strict=True
        )
        if old != new
    ]
    return f"{share} to do, {' and '.join(causes) or 'files'} changed"


def _rows(works: Sequence[Work]) -> int:
    return sum(work.rows for work in works)


def _drop_strays(table: Table, manifest: Manifest) -> None:
    """Removes partitions of an earlier plan; files of other kinds are their stage's business."""
    wanted = {part.file for part in manifest.partitions}
    for name in files.sizes(table.folder):
        if name.endswith(".parquet") and name not in wanted:
            files.remove(table.folder / name)


def scratch(folder: Path) -> Path:
    """An empty folder for files between two maps."""
    files.remove_folder(folder)
    folder.mkdir(parents=True)
    return folder
