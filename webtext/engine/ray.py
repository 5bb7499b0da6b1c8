"""The engine for a cluster: a Ray task for each item, on files or objects that all its nodes see.

Ray starts a task again elsewhere when its worker or node is lost. What tasks report goes through one actor,
which ends with the driver: a task whose driver is gone ends too, so that it never writes beside the next one.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Self

from webtext.engine import Report, Task
from webtext.errors import RunFailed, UserError, why

ATTEMPTS = 4  # machines are lost more often than processes
POLL_S = 0.5
REPORT_S = 0.25
CONNECT_S, ANSWER_S = 10.0, 15.0
WANTED = "give HOST:PORT of a head that `ray start --head` started"
QUIETLY: dict[str, Any] = {
    "log_to_driver": False,
    "logging_level": logging.ERROR,
    "include_dashboard": False,
}
LIFELINE, LIFELINE_S = "webtext-lifeline", 2.0
AHEAD = 2  # tasks a worker has waiting, so that none idles; more would hold their items in memory


class RayEngine:
    """Runs tasks on the cluster at `address`, or on one of `workers` processes that ends with it."""

    def __init__(self, workers: int | None, address: str | None = None) -> None:
        given = f"--ray-address {address}" if address else f"RAY_ADDRESS={os.environ.get('RAY_ADDRESS')}"
        address = address or os.environ.get("RAY_ADDRESS")
        if address:
            _require_a_cluster(address, given)  # before Ray is loaded, which then looks at RAY_AUTH_MODE
        self._ray = ray = _library()
        if address:
            _join(address, given)
        else:
            ray.init("local", num_cpus=workers or os.cpu_count(), **QUIETLY)
        self.workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        # Here, so that the loss of another node costs its tasks alone.
        beside = {"scheduling_strategy": _on_node(ray.get_runtime_context().get_node_id())}
        self._mailbox = ray.remote(num_cpus=0, **beside)(_Mailbox).remote()
        self._remote = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_run)
        self._running: dict[Any, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        waiting = deque(items)
        try:
            while waiting or self._running:
                while waiting and len(self._running) < self.workers * AHEAD:
                    item = waiting.popleft()
                    self._running[self._remote.remote(task, item, self._mailbox)] = item
                ended, _ = self._ray.wait(list(self._running), timeout=POLL_S)
                for told in self._reported():
                    report(*told)
                for reference in ended:
                    yield self._result(reference, task, self._running.pop(reference))
        finally:  # after an error, and for a caller who wants no more
            self._cancel_running()

    def close(self) -> None:
        self._cancel_running()
        self._ray.shutdown()

    def _cancel_running(self) -> None:
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()

    def _reported(self) -> list[tuple[Any, ...]]:
        try:
            told: list[tuple[Any, ...]] = self._ray.get(self._mailbox.take.remote())
        except self._ray.exceptions.RayError as death:
            raise RunFailed(
                f"Ray lost this command's node, or its actor there ({_first_line(death)})"
            ) from None
        return told

    def _result(self, reference: Any, task: Task, item: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as raised:
            cause = raised.cause if isinstance(raised.cause, BaseException) else RuntimeError(str(raised))
            cause.add_note(f"In the worker process:\n{raised}")
            raise cause from None
        except errors.RayError as death:
            name = f"{task.__module__}.{task.__qualname__} of {item!r:.200}"
            raise RunFailed(f"{name}: its process died, {ATTEMPTS} times ({_first_line(death)})") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _on_node(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


class _Mailbox:
    """Holds what tasks report until the driver takes it."""

    def __init__(self) -> None:
        self._told: list[tuple[Any, ...]] = []

    def put(self, told: list[tuple[Any, ...]]) -> None:
        self._told += told

    def take(self) -> list[tuple[Any, ...]]:
        told, self._told = self._told, []
        return told

    def has_all(self) -> None:
        """Answers after everything that its caller put."""


class _Reports:
    """What a task reports, some at a time: a call to the actor takes longer than many a page."""

    def __init__(self, mailbox: Any) -> None:
        self._mailbox = mailbox
        self._told: list[tuple[Any, ...]] = []
        self._sent = 0.0
        self._lock = threading.Lock()  # a crawl reports from many threads

    def __call__(self, *told: Any) -> None:
        with self._lock:
            self._told.append(told)
            if time.monotonic() - self._sent >= REPORT_S:
                self._send()

    def end(self) -> None:
        """Returns when the actor has all."""
        with self._lock:
            self._send()
        _library().get(self._mailbox.has_all.remote())

    def _send(self) -> None:
        if self._told:
            self._mailbox.put.remote(self._told)
        self._told, self._sent = [], time.monotonic()


def _run(task: Task, item: Any, mailbox: Any) -> Any:
    _hold_on_to(mailbox)
    reports = _Reports(mailbox)
    result = task(item, reports)
    reports.end()
    return result


def _hold_on_to(mailbox: Any) -> None:
    """Ends this process when the driver's actor is gone."""
    if not any(thread.name == LIFELINE for thread in threading.enumerate()):
        threading.Thread(target=_end_with, args=(mailbox,), name=LIFELINE, daemon=True).start()


def _end_with(mailbox: Any) -> None:
    ray = _library()
    while True:
        time.sleep(LIFELINE_S)
        try:
            ray.get(mailbox.has_all.remote())
        except ray.exceptions.RayError:
            os._exit(1)


def _require_a_cluster(address: str, given: str) -> None:
    """Ray itself waits for minutes, then ends the process."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UserError(f"{given}: not HOST:PORT; {WANTED}")
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"{given}: no Ray cluster there ({why(error)}); {WANTED}") from None
    if _wants_a_token(address, given):
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # as for the clusters that Ray starts by itself
        if _wants_a_token(address, given):
            raise UserError(
                f"{given}: the cluster wants its token, which this machine does not have; "
                "copy its ~/.ray/auth_token here, or set RAY_AUTH_TOKEN"
            )


def _wants_a_token(address: str, given: str) -> bool:
    """Whether a cluster refuses us without its token, or with what we have for one. Asked by another process,
    since the question cannot be called off."""
    question = "import sys, ray._raylet as r; r.GcsClient(address=sys.argv[1])"
    try:
        asked = subprocess.run(
            [sys.executable, "-c", question, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{given}: no Ray cluster there (what listens gives no answer for {ANSWER_S:g} s); {WANTED}"
        ) from None
    return asked.returncode != 0 and b"token" in asked.stderr.lower()


def _join(address: str, given: str) -> None:
    """Raises UserError where the cluster is one of another Ray or Python, or sees no node on this machine."""
    ray = _library()
    try:
        ray.init(address, **QUIETLY)
    except (RuntimeError, ConnectionError, ray.exceptions.RayError) as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{given}: Ray cannot join it ({said:.300}); it needs the Ray and Python of this machine, which "
            "must be one of its nodes"
        ) from None


def _library() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise UserError('--engine ray needs Ray: pip install "webtext[ray]"') from None
    return ray
