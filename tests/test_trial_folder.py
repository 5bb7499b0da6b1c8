import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from webtext import lease, trial_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def ended() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_dry_run_leaves_nothing_among_the_temporary_files(place: Path) -> None:
    with trial_folder.made() as folder:
        (folder / "links").mkdir()
        assert folder.parent == place
    assert not list(place.iterdir())


def test_what_a_killed_dry_run_left_goes_with_the_next(place: Path) -> None:
    with trial_folder.made() as folder:
        left = place / folder.name.replace(str(os.getpid()), str(ended()))
    (left / "links").mkdir(parents=True)
    with trial_folder.made() as folder:
        assert list(place.iterdir()) == [folder]


@pytest.mark.parametrize("machine", [lease.machine(), "another-machine.0"])
def test_the_folder_of_a_dry_run_that_is_at_work_stays_here_and_on_another_machine(
    machine: str, place: Path
) -> None:
    process = os.getppid() if machine == lease.machine() else ended()
    at_work = place / f"webtext-dry-run.{machine}.{process}.abcdefgh"
    at_work.mkdir()
    with trial_folder.made():
        assert at_work.exists()
