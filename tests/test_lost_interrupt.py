"""Ctrl-C in a callback of Python's, whose exceptions it only reports: each import has one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = pytest.mark.parametrize(
    ("command", "imports", "told"),
    [
        ("webtext status corpus", "typer", "webtext: interrupted\n"),
        ("train train corpus --out run", "torch", "interrupted; the same command goes on from here\n"),
    ],
)


@COMMANDS
def test_a_ctrl_c_that_python_cannot_raise_is_not_lost(
    command: str, imports: str, told: str, tmp_path: Path
) -> None:
    done = interrupted("SIGINT", command, imports, tmp_path)
    assert (done.returncode, done.stderr) == (130, told)


@COMMANDS
def test_nor_is_a_sigterm_where_a_script_has_made_its_job_deaf_to_ctrl_c(
    command: str, imports: str, told: str, tmp_path: Path
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which what is started inherits
    try:
        done = interrupted("SIGTERM", command, imports, tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.returncode, done.stderr) == (130, told)


def interrupted(
    number: str, command: str, imports: str, tmp_path: Path
) -> "subprocess.CompletedProcess[str]":
    (tmp_path / f"{imports}.py").write_text(
        "import os, signal, time\n"
        "class Ending:\n"
        "    def __del__(self):\n"
        f"        os.kill(os.getpid(), signal.{number})\n"
        "Ending()\n"
        "time.sleep(20)\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    return subprocess.run(
        [sys.executable, "-m", *command.split()],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
    )
