"""Engines run a stage's tasks; they know neither text nor URLs.

A task is a module-level function `task(item, report) -> result`; item and result travel between processes
of this program. `report(rows, {reason: count})` tells the driver what was done since the last call, and
may name what keeps the end waiting: `report(0, {}, {"a slow host": 60.0})`, in seconds.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Protocol, Self


class Report(Protocol):
    """How a task tells the driver what it has done."""

    def __call__(self, rows: int, dropped: dict[str, int], waits: dict[str, float] | None = None, /) -> None:
        """`waits`: seconds that a name still takes, as far as known; 0 for one that keeps waiting no more."""
        ...


Task = Callable[[Any, Report], Any]


class EngineName(StrEnum):
    LOCAL = "local"
    RAY = "ray"


class Engine(Protocol):
    """What runs the tasks of a stage; closed at its end, as a context manager or by `close`."""

    workers: int

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        """Yields the tasks' results in the order in which they end.

        An exception of a task is raised here. A task whose process dies is tried once more, then
        `RunFailed` names it.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
