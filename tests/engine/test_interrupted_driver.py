"""Ctrl-C in the driver, between any two of its steps: no worker is left that its end would wait for."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_local_engine import sleep, square
from webtext.engine.local import LocalEngine
from webtext.engine.process import Child

REPOSITORY = Path(__file__).parents[2]
STARTED = Child.start


def interrupted(child: Child, task: Any, item: Any) -> None:
    STARTED(child, task, item)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_worker_is_known_before_its_task_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    before = multiprocessing.active_children()
    monkeypatch.setattr(Child, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), LocalEngine(1) as engine:
        list(engine.map(sleep, [60], lambda *_: None))
    assert multiprocessing.active_children() == before


def test_a_child_that_nobody_knows_any_more_is_killed() -> None:
    child = Child()
    child.start(sleep, 60)
    process = child.process
    del child
    process.join(timeout=20)
    assert process.exitcode == -signal.SIGKILL


def test_a_driver_that_ends_does_not_wait_for_a_worker(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(
        "from tests.engine.test_local_engine import sleep\n"
        "from webtext.engine.process import Child\n"
        "if __name__ == '__main__':\n"
        "    child = Child()\n"
        "    child.start(sleep, 60)\n"
    )
    paths = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, script], check=True, env=paths, timeout=40)


def test_a_worker_that_dies_before_it_has_its_first_task_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[Child] = []

    def start(child: Child, task: Any, item: Any) -> None:
        if not killed:
            killed.append(child)
            child.process.kill()
            child.process.join()
        STARTED(child, task, item)

    monkeypatch.setattr(Child, "start", start)
    with LocalEngine(1) as engine:
        assert list(engine.map(square, [3], lambda *_: None)) == [9]
