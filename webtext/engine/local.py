"""The engine for one machine: a process per worker."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection
from typing import Any, Self

from webtext.engine import Report, Task
from webtext.engine.process import Broken, Child, Raised
from webtext.errors import RunFailed

ATTEMPTS = 2  # a task whose process dies may be the victim of another's hunger for memory


class LocalEngine:
    """Runs tasks in up to `workers` processes, which it keeps from one map to the next."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._idle: list[Child] = []
        self._busy: dict[Child, tuple[Any, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        waiting = deque((item, 1) for item in items)
        try:
            self._start(task, waiting)
            while self._busy:
                ready = connection.wait([child.pipe for child in self._busy])
                for child in [child for child in self._busy if child.pipe in ready]:
                    yield from self._heard(child, task, waiting, report)
        finally:  # after an error, and for a caller who wants no more
            self._kill_busy()

    def close(self) -> None:
        self._kill_busy()
        for child in self._idle:
            child.close()
        self._idle.clear()

    def _heard(
        self, child: Child, task: Task, waiting: deque[tuple[Any, int]], report: Report
    ) -> Iterator[Any]:
        """Takes the child's next message; yields it if it is a result."""
        item, attempt = self._busy[child]
        try:
            kind, value = child.message()
        except Broken as death:
            del self._busy[child]
            child.kill()
            if attempt == ATTEMPTS:
                raise RunFailed(f"{_name(task, item)}: its process died ({death}), twice") from None
            waiting.append((item, attempt + 1))
            self._start(task, waiting)
            return
        except Raised as raised:
            self._rest(child)
            raised.error.add_note(f"In the worker process:\n{raised}")
            raise raised.error from None
        if kind == "report":
            report(*value)
        else:
            self._rest(child)
            self._start(task, waiting)  # before the caller marks this one done, which waits for the disk
            yield value

    def _start(self, task: Task, waiting: deque[tuple[Any, int]]) -> None:
        """As many tasks as there are workers with nothing to do."""
        while waiting and len(self._busy) < self.workers:
            item, attempt = waiting.popleft()
            child = self._rested() or Child()
            self._busy[child] = (item, attempt)  # first, so that an interrupt finds whom to kill
            with suppress(Broken):  # which its pipe tells, too
                child.start(task, item)

    def _rested(self) -> Child | None:
        while self._idle:
            child = self._idle.pop()
            if child.process.is_alive():
                return child
            child.kill()  # it died while it had nothing to do
        return None

    def _rest(self, child: Child) -> None:
        del self._busy[child]
        self._idle.append(child)

    def _kill_busy(self) -> None:
        for child in self._busy:
            child.kill()
        self._busy.clear()


def _name(task: Task, item: Any) -> str:
    return f"{task.__module__}.{task.__qualname__} of {item!r:.200}"
