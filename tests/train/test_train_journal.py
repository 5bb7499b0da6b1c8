"""What a step's row says of its time and its loss, and who hears of it."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from train.device import Device
from train.journal import Journal
from train.ranks import Ranks
from train.rundir import rows
from train.settings import Settings

Tiny = Callable[..., Settings]

TOKENS = 4 * 32  # of a step
H200 = Device(torch.device("cpu"), "NVIDIA H200", torch.bfloat16)  # by its name, for the peak
FLOPS_PER_TOKEN = 989e12 / 1024


class Clock:
    """Stands still until a test moves it."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("train.journal.time", clock := Clock())
    return clock


def begun(run: Path, settings: Settings, ranks: Ranks, step: int = 0) -> Journal:
    return Journal(run, step, settings, FLOPS_PER_TOKEN, H200, ranks)


def measured(
    loss: float = 3.0, norm: float = 1.0, z: float = 0.0, skipped: float = 0.0, scale: float = 1.0
) -> torch.Tensor:
    return torch.tensor([loss, norm, z, skipped, scale])


def test_steps_that_are_looked_at_together_share_their_time(tiny: Tiny, clock: Clock, tmp_path: Path) -> None:
    journal = begun(tmp_path, tiny(), Ranks(size=2))
    journal.add(0.1, measured())
    journal.add(0.2, measured())
    clock.now += 0.5
    found = journal.flush(2)
    assert [(row["step"], row["lr"], row["tokens"]) for row in found] == [
        (1, 0.1, TOKENS),
        (2, 0.2, 2 * TOKENS),
    ]
    assert {(row["ms"], row["tokens_per_s"]) for row in found} == {(250.0, 4 * TOKENS)}
    assert {row["mfu"] for row in found} == {0.25}  # 512 tokens a second, of 1024 that each of 2 could do
    journal.close()


def test_a_journal_goes_on_behind_the_rows_of_the_step_it_goes_on_from(tiny: Tiny, tmp_path: Path) -> None:
    journal = begun(tmp_path, tiny(), Ranks())
    for step in (1, 2, 3):
        journal.add(0.1, measured())
        journal.flush(step)
        journal.evaluated(step, 3.0, None)
    journal.close()
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 2, "lo')  # a kill came in between
    again = begun(tmp_path, tiny(), Ranks(), step=2)
    again.add(0.1, measured())
    again.flush(3)
    again.close()
    assert [(row["step"], "val_loss" in row) for row in rows(tmp_path)] == [
        (1, False),
        (1, True),
        (2, False),
        (2, True),
        (3, False),
    ]


def test_a_steps_time_is_without_what_was_done_between_steps(
    tiny: Tiny, clock: Clock, tmp_path: Path
) -> None:
    journal = begun(tmp_path, tiny(), Ranks())

    def after(between: Callable[[], object]) -> float:
        between()
        journal.add(0.1, measured())
        clock.now += 1
        (row,) = journal.flush(1)
        return float(row["ms"])

    def evaluated() -> None:
        clock.now += 60
        journal.evaluated(1, 3.0, None)

    def saved() -> None:
        clock.now += 60
        journal.restart_clock()

    assert [after(between) for between in (lambda: None, lambda: None, evaluated, saved)] == [1000.0] * 4
    journal.close()


def test_a_row_has_a_spikes_z_score_from_the_limit_on_or_where_the_step_was_skipped(
    tiny: Tiny, tmp_path: Path
) -> None:
    journal = begun(tmp_path, tiny(train__spike_z=2.5), Ranks())
    for step in (
        measured(z=2.5),
        measured(z=2.75),
        measured(z=2.75, skipped=1.0),
        measured(norm=math.inf, skipped=1.0),
        measured(loss=math.nan, norm=math.nan, z=math.nan, skipped=1.0),
    ):
        journal.add(0.1, step)
    keys = ("loss", "grad_norm", "spike_z", "skipped")
    found = [{key: row[key] for key in keys if key in row} for row in journal.flush(5)]
    assert found == [
        {"loss": 3.0, "grad_norm": 1.0},
        {"loss": 3.0, "grad_norm": 1.0, "spike_z": 2.75, "skipped": False},
        {"loss": 3.0, "grad_norm": 1.0, "spike_z": 2.75, "skipped": True},
        {"loss": 3.0, "grad_norm": None, "spike_z": 0.0, "skipped": True},
        {"loss": None, "grad_norm": None, "spike_z": None, "skipped": True},
    ]
    assert [row["step"] for row in rows(tmp_path)] == [1, 2, 3, 4, 5]
    journal.close()


def test_in_float16_a_row_has_the_loss_scale_and_an_overflow_is_a_spike_only_where_that_is_1(
    tiny: Tiny, tmp_path: Path
) -> None:
    device = Device(torch.device("cpu"), "Tesla T4", torch.float16)
    journal = Journal(tmp_path, 0, tiny(), FLOPS_PER_TOKEN, device, Ranks())
    journal.add(0.1, measured(scale=512.0))
    for scale in (512.0, 1.0):
        journal.add(0.1, measured(norm=math.inf, skipped=1.0, scale=scale))
    journal.add(0.1, measured(loss=math.nan, norm=math.nan, z=math.nan, skipped=1.0, scale=512.0))
    keys = ("grad_norm", "loss_scale", "skipped", "spike_z")
    found = [{key: row[key] for key in keys if key in row} for row in journal.flush(4)]
    assert found == [
        {"grad_norm": 1.0, "loss_scale": 512.0},
        {"grad_norm": None, "loss_scale": 512.0, "skipped": True},
        {"grad_norm": None, "loss_scale": 1.0, "skipped": True, "spike_z": 0.0},
        {"grad_norm": None, "loss_scale": 512.0, "skipped": True, "spike_z": None},
    ]
    journal.close()


class Writer:
    """Takes what TensorBoard's writer takes."""

    made: list["Writer"]

    def __init__(self, folder: Path, purge_step: int) -> None:
        self.folder, self.purge_step, self.closed = folder, purge_step, False
        self.scalars: list[tuple[str, float, int]] = []
        self.made.append(self)

    def add_scalar(self, *scalar: Any) -> None:
        self.scalars.append(scalar)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    """Those that were made, as if TensorBoard were installed."""
    installed = ModuleType("torch.utils.tensorboard")
    installed.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", installed)
    monkeypatch.setattr(Writer, "made", [], raising=False)
    return Writer.made


def test_tensorboard_gets_the_rows_of_steps_and_evaluations_after_the_one_that_it_goes_on_from(
    tiny: Tiny, writers: list[Writer], tmp_path: Path
) -> None:
    journal = begun(tmp_path, tiny(train__tensorboard="auto"), Ranks(), step=20)
    journal.add(0.1, measured(loss=3.5))
    journal.flush(21)
    journal.evaluated(21, 3.25, 1.5)
    journal.close()
    (writer,) = writers
    assert (writer.folder, writer.purge_step, writer.closed) == (tmp_path / "tensorboard", 21, True)
    scalars = {name: (value, step) for name, value, step in writer.scalars}
    assert scalars["loss"] == (3.5, 21)
    assert scalars["tokens"] == (21 * TOKENS, 21)
    assert scalars["val_loss"] == (3.25, 21)
    assert scalars["val_bits_per_byte"] == (1.5, 21)


def test_tensorboard_that_is_installed_gets_nothing_where_it_is_off(
    tiny: Tiny, writers: list[Writer], tmp_path: Path
) -> None:
    begun(tmp_path, tiny(train__tensorboard="off"), Ranks()).close()
    assert not writers


def test_only_the_leading_rank_writes(tiny: Tiny, writers: list[Writer], tmp_path: Path) -> None:
    journal = begun(tmp_path, tiny(train__tensorboard="on"), Ranks(rank=1, size=2))
    journal.add(0.1, measured())
    assert journal.flush(1)[0]["loss"] == 3.0
    journal.evaluated(1, 3.0, None)
    journal.sync()
    journal.close()
    assert not writers
    assert not list(tmp_path.iterdir())
