import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from train import files
from train.errors import TrainError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_names_the_file_that_it_did_not_hold(tmp_path: Path) -> None:
    (tmp_path / ".report.html.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"report\.html") as raised:
        files.write(tmp_path / "report.html", "text")
    assert raised.value.errno == errno.ENOSPC


def test_a_file_that_could_not_be_written_leaves_nothing_beside_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(tmp_path / "config.toml", "old")

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "sync", full)
    with pytest.raises(OSError, match=r"config\.toml"):
        files.write(tmp_path / "config.toml", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    assert (tmp_path / "config.toml").read_text() == "old"


def test_a_full_disk_is_no_reason_to_name_another_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space left on device: .*run'$"), files.made(tmp_path / "run", "x"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def below_a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file" / "new" / "run"


def at_a_link_to_nothing(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "gone")
    return folder / "link"


@pytest.mark.parametrize("place", [below_a_file, at_a_link_to_nothing])
def test_a_folder_that_cannot_be_made_is_told_without_making_any(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    folder = place(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TrainError, match=rf"cannot write to {folder} .*: give another"):
        files.check_made(folder, "give another")
    with pytest.raises(TrainError, match=rf"cannot write to {folder} .*: give another"):
        make(folder)
    assert sorted(tmp_path.rglob("*")) == before


def make(folder: Path) -> None:
    with files.made(folder, "give another"):
        pass


def test_a_folder_that_can_be_made_is_not_made_by_asking(tmp_path: Path) -> None:
    files.check_made(tmp_path / "some" / "new", "give another")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_anothers_to_read_only_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(TrainError, match=r"cannot write to .*new .Permission denied.: give another"):
        files.check_made(tmp_path / "new", "give another")


@pytest.mark.parametrize("there", [Path.mkdir, lambda path: path.symlink_to("gone")], ids=["folder", "link"])
def test_what_is_in_a_files_place_is_not_called_nothing(
    tmp_path: Path, there: Callable[[Path], None]
) -> None:
    there(tmp_path / "config.toml")
    with pytest.raises(TrainError, match=r"config\.toml is .* in the place of a file: put the file back"):
        files.is_file(tmp_path / "config.toml")


def test_what_is_in_a_folders_place_is_not_called_nothing(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").touch()
    with pytest.raises(TrainError, match="checkpoints is no directory, in the place of one: put"):
        files.is_folder(tmp_path / "checkpoints")
