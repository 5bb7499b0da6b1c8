"""An engine that measures: tasks run in this process, and what each stage takes is added up."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from webtext.engine import Report, Task
from webtext.engine.inline import InlineEngine
from webtext.extract import cage

LINUX = sys.platform == "linux"


class Meter(InlineEngine):
    """`stages` names the stage of a task by the last name of its module. What the driver does before a map is
    counted to the map's stage; `settle` counts what it did since the last one.

    CPU seconds and peak bytes, of this process and of the one that extracts for it. Where they cannot be
    told (not on Linux), seconds are the clock's, as one task runs at a time, and there are no bytes.
    """

    def __init__(self, stages: Mapping[str, str], otherwise: str) -> None:
        self._stages, self._otherwise = stages, otherwise
        self.seconds: dict[str, float] = {}
        self.memory_bytes: dict[str, int] = {}
        self._last = _clock_s()

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        stage = self._stages.get(task.__module__.rpartition(".")[2], self._otherwise)
        forget_peak()
        yield from super().map(task, items, report)
        self.memory_bytes[stage] = max(self.memory_bytes.get(stage, 0), peak_bytes("self"))
        self.settle(stage)

    def settle(self, stage: str) -> None:
        now = _clock_s()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def extractor_bytes() -> int:
    """The most memory that the process had which extracts for this one."""
    pid = cage.of_this_process().pid
    return peak_bytes(str(pid)) if pid else 0


def _clock_s() -> float:
    if not LINUX:
        return time.monotonic()
    pid = cage.of_this_process().pid
    return time.process_time() + (_cpu_s(pid) if pid else 0.0)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget_peak() -> None:
    """Of this process: what it had at most is counted from now on."""
    with suppress(OSError):  # not on Linux, or not allowed: the peak is then that of all stages so far
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(process: str) -> int:
    """The most memory that was resident, of a process id or "self"; 0 where nobody says."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
