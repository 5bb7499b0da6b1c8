"""Commands whose standard streams are closed by whoever starts them (`>&-`, `2>&-`), or for ASCII alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from train import streams


def _with_closed(*streams: int, command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    closing = " ".join(f"{number}>&-" for number in streams)
    shell = ["bash", "-c", f'"$@" {closing}', "bash", *command]
    return subprocess.run(shell, capture_output=True, text=True, check=False, cwd=place, env=os.environ)


@pytest.mark.parametrize(("closed", "left"), [((0, 2), 1), ((0, 1), 2)])
def test_a_file_that_is_opened_gets_no_number_of_a_closed_stream(
    closed: tuple[int, ...], left: int, tmp_path: Path
) -> None:
    opened = (
        "import os; from train import streams; streams.open_closed(); "
        f"os.write({left}, str(open('a.txt', 'w').fileno()).encode())"
    )
    shown = _with_closed(*closed, command=[sys.executable, "-c", opened], place=tmp_path)
    assert int(shown.stdout + shown.stderr) > 2


@pytest.mark.parametrize("command", [["webtext", "status"], ["train", "export", "out"]], ids=" ".join)
def test_what_would_go_to_a_closed_stderr_does_not_go_to_stdout(tmp_path: Path, command: list[str]) -> None:
    done = _with_closed(2, command=[sys.executable, "-m", *command, "nowhere"], place=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_what_follows_a_part_without_stderr_is_heard_again(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError), streams.muted():
        os.write(2, b"within")
        raise ValueError
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def _for_ascii(*command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize("package", ["webtext", "train"])
def test_a_stdout_for_ascii_alone_gets_all_that_is_said(package: str) -> None:
    module = f"from {package} import cli; import sys, atexit; "
    shows = 'atexit.register(print, "caf\u00e9"); sys.argv[1:] = ["--help"]; cli.main()'
    done = _for_ascii("-c", module + shows)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, r"caf\xe9")


def test_a_stdout_for_ascii_alone_gets_json_that_reads_as_it_was() -> None:
    shows = (
        'from webtext.command import show_result; show_result({"title": "caf\u00e9 \U0001f98a"}, True, None)'
    )
    assert json.loads(_for_ascii("-c", shows).stdout) == {"title": "caf\u00e9 \U0001f98a"}
