"""Wall time, CPU time and peak memory of a command with all its processes.

    python benchmarks/tree.py webtext demo --out /tmp/demo

Memory is the largest sum of the processes' proportional set sizes (PSS: shared pages counted once), sampled
five times a second. Linux only.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

SAMPLE_S = 0.2


def main(arguments: list[str]) -> int:
    started = time.monotonic()
    process = subprocess.Popen(arguments)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_bytes(process.pid))
        time.sleep(SAMPLE_S)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"wall {time.monotonic() - started:,.1f} s, CPU {used.ru_utime + used.ru_stime:,.1f} s, "
        f"peak memory of all processes {peak / 2**20:,.0f} MiB, exit code {process.returncode}"
    )
    return process.returncode


def tree_bytes(root: int, field: str = "Pss") -> int:
    """The sum over a process and its descendants: of all memory, or of what no file backs (`Pss_Anon`)."""
    return sum(process_bytes(pid, field) for pid in _tree(root))


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):  # it ended meanwhile
        return -1


def process_bytes(pid: int, field: str) -> int:
    """A line of a process's smaps_rollup; 0 when it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
