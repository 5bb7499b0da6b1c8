"""Commands whose standard streams were closed by whoever started them (`>&-`, `2>&-`)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def _with_closed(*streams: int, command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    closing = " ".join(f"{number}>&-" for number in streams)
    shell = ["bash", "-c", f'"$@" {closing}', "bash", *command]
    return subprocess.run(shell, capture_output=True, text=True, check=False, cwd=place, env=os.environ)


def test_a_file_that_is_opened_gets_no_number_of_a_closed_stream(tmp_path: Path) -> None:
    opened = "from train import streams; streams.open_closed(); print(open('a.txt', 'w').fileno())"
    shown = _with_closed(0, 2, command=[sys.executable, "-c", opened], place=tmp_path)
    assert int(shown.stdout) > 2


@pytest.mark.parametrize("command", [["webtext", "status"], ["train", "export", "out"]], ids=" ".join)
def test_what_would_go_to_a_closed_stderr_does_not_go_to_stdout(tmp_path: Path, command: list[str]) -> None:
    done = _with_closed(2, command=[sys.executable, "-m", *command, "nowhere"], place=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
