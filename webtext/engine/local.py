"""The engine for one machine: a process per worker."""

from collections import deque
from collections.abc import Iterator, Sequence
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
        while waiting or self._busy:
            while waiting and len(self._busy) < self.workers:
                self._start(task, *waiting.popleft())
            ready = connection.wait([child.pipe for child in self._busy])
            for child in [child for child in self._busy if child.pipe in ready]:
                item, attempt = self._busy[child]
                try:
                    kind, value = child.message()
                except Broken as death:
                    del self._busy[child]
                    child.kill()
                    if attempt == ATTEMPTS:
                        raise RunFailed(f"{_name(task, item)}: its process died ({death}), twice") from None
                    waiting.append((item, attempt + 1))
                    continue
                except Raised as raised:
                    self._rest(child)
                    raised.error.add_note(f"In the worker process:\n{raised}")
                    raise raised.error from None
                if kind == "report":
                    report(*value)
                else:
                    self._rest(child)
                    yield value

    def close(self) -> None:
        for child in self._busy:
            child.kill()
        for child in self._idle:
            child.close()
        self._busy.clear()
        self._idle.clear()

    def _rest(self, child: Child) -> None:
        del self._busy[child]
        self._idle.append(child)

    def _start(self, task: Task, item: Any, attempt: int) -> None:
        child = self._idle.pop() if self._idle else Child()
        child.start(task, item)
        self._busy[child] = (item, attempt)


def _name(task: Task, item: Any) -> str:
    return f"{task.__module__}.{task.__qualname__} of {item!r:.200}"
