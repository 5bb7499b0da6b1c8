"""The log as the report needs it: read on, and not anew, however long a training is."""

import json
from pathlib import Path
from typing import Any

import pytest

from train.log import Log
from train.rundir import LOG


def add(run: Path, *rows: dict[str, Any]) -> None:
    with (run / LOG).open("a") as log:
        log.writelines(json.dumps(row) + "\n" for row in rows)


def step(number: int, loss: float | None = 2.0) -> dict[str, Any]:
    return {"step": number, "loss": loss, "ms": 10.0, "tokens_per_s": 1000.0 + number}


def told(log: Log) -> tuple[Any, ...]:
    return log.losses(), log.tokens_per_s.tolist(), log.ms, log.evaluations


def test_a_log_that_is_read_on_tells_what_one_read_at_once_does(tmp_path: Path) -> None:
    log = Log(tmp_path).read_on()
    for first in (1, 4, 7):
        add(tmp_path, step(first), step(first + 1, loss=None), {"step": first + 1, "val_loss": 3.0})
        log.read_on()
    assert told(log) == told(Log(tmp_path).read_on())
    assert log.losses() == [(1, 2.0), (4, 2.0), (7, 2.0)] and log.ms == 60


def test_rows_that_were_read_are_not_read_again(tmp_path: Path) -> None:
    add(tmp_path, step(1))
    log, before = Log(tmp_path).read_on(), (tmp_path / LOG).read_bytes()
    (tmp_path / LOG).write_bytes(b"x" * len(before))
    add(tmp_path, step(2, loss=1.0))
    assert log.read_on().losses() == [(1, 2.0), (2, 1.0)]
    assert log.last_losses(1) == [1.0]


@pytest.mark.parametrize("number", [1 << 63, -1])
def test_a_row_of_a_step_that_cannot_be_is_passed_over(number: int, tmp_path: Path) -> None:
    add(tmp_path, step(1), step(number), step(2))
    assert [at for at, _ in Log(tmp_path).read_on().losses()] == [1, 2]
