import sys
from pathlib import Path

import pytest

from train.errors import TrainError
from train.tensorboard import Board, open_board, require


def test_without_the_package_only_asking_for_it_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert open_board(tmp_path, 0, "auto") is None
    assert open_board(tmp_path, 0, "off") is None
    require("auto")
    with pytest.raises(TrainError, match="needs: pip install tensorboard"):
        require("on")


def test_every_number_of_a_row_is_a_scalar() -> None:
    found = []

    class Writer:
        def add_scalar(self, name: str, value: float, step: int) -> None:
            found.append((name, value, step))

    Board(Writer()).add([{"step": 7, "loss": 3.5, "mfu": None}, {"step": 7, "val_loss": 4.0}])
    assert found == [("loss", 3.5, 7), ("val_loss", 4.0, 7)]


def test_event_files_are_written_and_go_on(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    for step in (0, 1):
        board = open_board(tmp_path, step, "on")
        assert board is not None
        board.add([{"step": step + 1, "loss": 3.0}])
        board.close()
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2
