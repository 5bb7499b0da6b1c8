"""One child process that runs tasks and can be killed: the engine's worker, and the extractor's cage."""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker, util
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

from webtext.engine import Report, Task

# spawn: a fresh interpreter, so that no thread, lock or open file is inherited by accident
_context = multiprocessing.get_context("spawn")


class Broken(Exception):
    """The child died, or was killed for taking too long."""


class Raised(Exception):
    """The task raised; `error` is its exception, the message its traceback in the child."""

    def __init__(self, error: BaseException, trace: str) -> None:
        super().__init__(trace)
        self.error = error


class Child:
    """A process that takes one task at a time.

    `memory_bytes` caps what its tasks may add to its address space: one that wants more gets MemoryError.
    """

    def __init__(self, memory_bytes: int | None = None) -> None:
        self.pipe, theirs = _context.Pipe()
        self.process = _context.Process(target=_serve, args=(theirs, memory_bytes), daemon=False)
        # An interrupted driver may lose sight of a child at work, for which Python would wait at its end.
        util.Finalize(self, _kill, (self.process,), exitpriority=0)
        with _deaf_to_ctrl_c():
            self.process.start()
        theirs.close()

    def start(self, task: Task, item: Any) -> None:
        try:
            self.pipe.send((task, item))
        except OSError:
            raise Broken(self.obituary()) from None

    def message(self) -> tuple[str, Any]:
        """The next message: ("report", (rows, dropped)) or ("result", result)."""
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            raise Broken(self.obituary()) from None
        if kind == "raised":
            raise Raised(*value)
        return kind, value

    def call(self, task: Task, item: Any, timeout_s: float) -> Any:
        """Runs one task to its end, or kills the child after `timeout_s` and raises TimeoutError."""
        self.start(task, item)
        while True:
            if not self.pipe.poll(timeout_s):
                self.kill()
                raise TimeoutError
            kind, value = self.message()
            if kind == "result":
                return value

    def obituary(self) -> str:
        self.process.join(timeout=5)
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def close(self) -> None:
        """Lets the child end by itself, which it does when its pipe closes."""
        self.pipe.close()
        self.process.join(timeout=5)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()


def _kill(process: BaseProcess) -> None:
    if process.pid is not None:  # it was started
        process.kill()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A process that is started in the block never gets a Ctrl-C, not even while it begins: the driver
    handles it. One that comes in the meantime reaches the driver when the block ends."""
    resource_tracker.ensure_running()  # else it is started with the process, and lets the signal through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: "connection.Connection[Any, Any]", memory_bytes: int | None) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if memory_bytes is not None:
        _cap_memory(memory_bytes)
    lock = threading.Lock()

    def send(kind: str, value: Any) -> None:
        with lock:
            pipe.send((kind, value))

    def report(*told: Any) -> None:
        send("report", told)

    with suppress(EOFError, ConnectionError):  # the driver left, with all messages read or not
        while True:
            task, item = pipe.recv()
            _run(task, item, report, send)
    with suppress(Exception):  # it may be closed, or none
        sys.stdout.flush()
    os._exit(0)  # all results are out; taking the interpreter apart takes half a second


def _run(task: Task, item: Any, report: Report, send: Any) -> None:
    try:
        result = task(item, report)
    except BaseException as error:
        send("raised", (_that_travels(error), traceback.format_exc()))
    else:
        send("result", result)


def _that_travels(error: BaseException) -> BaseException:
    """The error, or its name and words where the pipe cannot send it, or the driver not make it again: that
    takes a constructor of the same arguments as `args`, which errors of libraries have not always."""
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _die_with_parent() -> None:
    # A driver that was killed leaves no orphan that goes on writing beside its successor.
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _cap_memory(more: int) -> None:
    if sys.platform != "linux":  # others do not enforce the limit
        return
    import resource

    # What the interpreter has mapped by now depends on what the caller's main module imports.
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    try:
        resource.setrlimit(resource.RLIMIT_AS, (mapped + more, mapped + more))
    except ValueError:  # which the child's last line says, in place of a traceback
        sys.exit(f"webtext: a page may take {more >> 20:,} MiB, `ulimit -v` allows less: raise it")
