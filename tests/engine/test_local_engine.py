import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from webtext.engine import Report
from webtext.engine.local import LocalEngine
from webtext.engine.process import Broken, Child
from webtext.errors import RunFailed, UserError

REPOSITORY = Path(__file__).parents[2]
Found = TypeVar("Found")


def square(number: int, report: Report) -> int:
    report(1, {"odd": number % 2})
    return number * number


def die(_: int, __: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: Path, _: Report) -> str:
    if marker.exists():
        return "second attempt"
    marker.touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def refuse(_: int, __: Report) -> None:
    raise UserError("this is wrong: do that")


class Coded(Exception):
    """As libraries have them: made of more than what it says."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


def fail_in_code(code: int, _: Report) -> None:
    raise Coded(code, "out of paper")


def refuse_first(number: int, report: Report) -> None:
    if number == 1:
        refuse(number, report)
    time.sleep(0.5)


def touch(path: Path, _: Report) -> str:
    path.touch()
    return path.name


def own_pid(_: int, __: Report) -> int:
    return os.getpid()


def sleep(seconds: float, _: Report) -> None:
    time.sleep(seconds)


def eat(size: int, _: Report) -> int:
    return len(bytearray(size))


def write_pid_and_sleep(path: Path, _: Report) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


def test_a_worker_whose_driver_leaves_without_its_result_ends_quietly(
    capfd: pytest.CaptureFixture[str],
) -> None:
    child = Child()
    child.start(square, 3)
    assert child.pipe.poll(30)
    child.close()
    assert child.process.exitcode == 0
    assert capfd.readouterr().err == ""


def test_a_ctrl_c_while_a_worker_begins_is_not_the_workers(capfd: pytest.CaptureFixture[str]) -> None:
    child = Child()
    for _ in range(20):  # in all that a fresh interpreter does before it serves
        os.kill(child.process.pid or 0, signal.SIGINT)
        time.sleep(0.02)
    assert child.call(own_pid, 0, timeout_s=20) == child.process.pid
    child.close()
    assert capfd.readouterr().err == ""


def test_every_item_gives_one_result_and_its_reports() -> None:
    reported: list[tuple[int, dict[str, int]]] = []
    with LocalEngine(2) as engine:
        results = list(engine.map(square, range(5), lambda *told: reported.append(told)))
    assert sorted(results) == [0, 1, 4, 9, 16]
    assert sum(rows for rows, _ in reported) == 5


def test_a_task_whose_process_dies_is_tried_once_more(tmp_path: Path) -> None:
    with LocalEngine(1) as engine:
        assert list(engine.map(die_once, [tmp_path / "marker"], lambda *_: None)) == ["second attempt"]


def test_a_task_that_always_kills_its_process_is_named() -> None:
    with (
        LocalEngine(1) as engine,
        pytest.raises(RunFailed, match=r"die of 7: its process died \(killed by SIGKILL\)"),
    ):
        list(engine.map(die, [7], lambda *_: None))


def test_an_exception_keeps_its_type_on_the_way_to_the_driver() -> None:
    with LocalEngine(1) as engine, pytest.raises(UserError, match="this is wrong: do that"):
        list(engine.map(refuse, [1], lambda *_: None))


def test_an_exception_that_cannot_be_made_again_comes_by_its_name_and_words() -> None:
    with LocalEngine(1) as engine, pytest.raises(RuntimeError, match=r"^Coded: out of paper"):
        list(engine.map(fail_in_code, [1], lambda *_: None))


def test_an_engine_goes_on_after_a_task_has_raised() -> None:
    with LocalEngine(1) as engine:
        with pytest.raises(UserError):
            list(engine.map(refuse, [1], lambda *_: None))
        assert list(engine.map(square, [3], lambda *_: None)) == [9]


def test_an_error_leaves_no_result_for_the_next_map() -> None:
    with LocalEngine(2) as engine:
        with pytest.raises(UserError):
            list(engine.map(refuse_first, [1, 2], lambda *_: None))
        assert list(engine.map(square, [3], lambda *_: None)) == [9]


def test_the_next_task_is_begun_before_a_result_is_handed_over(tmp_path: Path) -> None:
    with LocalEngine(1) as engine:
        results = engine.map(touch, [tmp_path / "one", tmp_path / "two"], lambda *_: None)
        assert next(results) == "one"
        assert _wait_for((tmp_path / "two").exists)


def test_a_worker_that_died_with_nothing_to_do_is_replaced() -> None:
    with LocalEngine(1) as engine:
        (worker,) = engine.map(own_pid, [0], lambda *_: None)
        os.kill(worker, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)  # it stays a zombie for the engine to find
        assert list(engine.map(square, [3], lambda *_: None)) == [9]


def test_a_child_is_killed_when_its_time_is_up() -> None:
    child = Child()
    with pytest.raises(TimeoutError):
        child.call(sleep, 60, timeout_s=0.2)
    assert child.process.exitcode == -signal.SIGKILL


def test_a_dead_child_says_how_it_died() -> None:
    with pytest.raises(Broken, match="SIGKILL"):
        Child().call(die, 0, timeout_s=30)


def test_a_child_cannot_take_more_memory_than_it_was_given() -> None:
    child = Child(memory_bytes=1 << 30)
    with pytest.raises(Exception, match="MemoryError"):
        child.call(eat, 2 << 30, timeout_s=30)
    assert child.call(eat, 10, timeout_s=30) == 10
    child.close()


def test_workers_do_not_outlive_a_killed_driver(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tests.engine.test_local_engine import write_pid_and_sleep\n"
        "from webtext.engine.local import LocalEngine\n"
        "if __name__ == '__main__':\n"
        "    with LocalEngine(1) as engine:\n"
        "        list(engine.map(write_pid_and_sleep, [Path(sys.argv[2])], lambda *_: None))\n"
    )
    pid_file = tmp_path / "pid"
    driver = subprocess.Popen([sys.executable, script, REPOSITORY, pid_file])
    worker = int(_wait_for(lambda: pid_file.read_text() if pid_file.exists() else ""))
    driver.kill()
    driver.wait()
    assert _wait_for(lambda: not _alive(worker))


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _wait_for(condition: Callable[[], Found]) -> Found:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen")
