"""The engine that starts nothing: tasks run in this process, one after the other."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

from webtext.engine import Report, Task


class InlineEngine:
    """For what is too small to be worth a process, and for what must be measured in one."""

    workers = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        for item in items:
            yield task(item, report)

    def close(self) -> None: ...
