import math
from pathlib import Path

import pytest
import torch

from train.errors import RunFailed
from train.rundir import Row
from train.settings import TrainSettings
from train.spikes import ENOUGH, HISTORY, PATIENCE, SpikeGuard, SpikePolicy

CPU = torch.device("cpu")
STEADY = [3.0 + 0.1 * (-1) ** at for at in range(ENOUGH)]  # a spread of 0.1 around 3


def judged(guard: SpikeGuard, loss: float, norm: float = 1.0) -> tuple[float, float]:
    z, skipped = guard.judge(torch.tensor(loss), torch.tensor(norm))
    return z.item(), skipped.item()


def test_the_z_score_counts_standard_deviations_above_the_latest_losses() -> None:
    z, skipped = judged(SpikeGuard(TrainSettings(), CPU, STEADY), 3.8)
    assert z == pytest.approx(8.0, rel=1e-4)
    assert not skipped


def test_a_loss_is_compared_with_the_last_128() -> None:
    guard = SpikeGuard(TrainSettings(), CPU, [])
    for loss in [9.0] * 10 + [5.0] * 64 + [3.0] * 64:
        judged(guard, loss)
    assert judged(guard, 6.0)[0] == pytest.approx(2.0)  # a spread of 1 around 4


def test_a_loss_far_below_the_last_ones_is_no_spike() -> None:
    z, skipped = judged(SpikeGuard(TrainSettings(on_spike="skip"), CPU, STEADY), 1.0)
    assert z == pytest.approx(-20.0, rel=1e-4)
    assert not skipped


def test_a_spike_is_skipped_where_that_is_asked_and_does_not_become_normal() -> None:
    guard = SpikeGuard(TrainSettings(on_spike="skip"), CPU, STEADY)
    assert [judged(guard, 3.8)[1] for _ in range(50)] == [1.0] * 50
    assert judged(guard, 3.1)[1] == 0.0


@pytest.mark.parametrize("losses", [[], STEADY])
@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_no_number_of_deviations_above_the_last_ones(
    losses: list[float], loss: float
) -> None:
    z, _ = judged(SpikeGuard(TrainSettings(), CPU, losses), loss)
    assert not math.isfinite(z)


@pytest.mark.parametrize("on_spike", ["log", "skip", "stop"])
def test_what_is_no_number_is_never_applied(on_spike: str) -> None:
    guard = SpikeGuard(TrainSettings(on_spike=on_spike), CPU, [])
    assert judged(guard, math.nan)[1] == 1.0
    assert judged(guard, 3.0, norm=math.inf)[1] == 1.0
    assert judged(guard, 3.0)[1] == 0.0


def test_few_losses_are_no_measure_and_steady_ones_no_hair_trigger() -> None:
    assert judged(SpikeGuard(TrainSettings(), CPU, STEADY[:-1]), 9.0)[0] == 0.0
    assert judged(SpikeGuard(TrainSettings(), CPU, [3.0] * HISTORY), 3.06)[0] == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("before", [ENOUGH, HISTORY + 40])
def test_a_guard_goes_on_from_its_state_exactly(before: int) -> None:
    straight = SpikeGuard(TrainSettings(), CPU, [])
    losses = torch.linspace(5, 3, before + HISTORY).tolist()
    for loss in losses[:before]:
        judged(straight, loss)
    resumed = SpikeGuard(TrainSettings(), CPU, straight.state())
    assert [judged(resumed, loss) for loss in losses[before:]] == [
        judged(straight, loss) for loss in losses[before:]
    ]


ORDINARY = {"step": 8, "loss": 3.0, "grad_norm": 1.0}
SPIKE = {"step": 9, "loss": 8.0, "grad_norm": 2.0, "spike_z": 9.0, "skipped": False}
BROKEN = {"step": 9, "loss": None, "grad_norm": 2.0, "spike_z": None, "skipped": True}


@pytest.mark.parametrize(
    ("on_spike", "row", "ends"),
    [
        ("log", SPIKE, False),
        ("log", BROKEN, True),
        ("log", BROKEN | {"loss": 3.0, "grad_norm": None, "spike_z": 0.0}, True),
        ("skip", SPIKE | {"skipped": True}, False),
        ("skip", BROKEN, False),
        ("stop", SPIKE, True),
        ("stop", BROKEN, True),
    ],
)
def test_the_settings_say_whether_a_spike_ends_the_run(
    on_spike: str, row: Row, ends: bool, tmp_path: Path
) -> None:
    policy = SpikePolicy(TrainSettings(on_spike=on_spike), tmp_path)
    policy.look([ORDINARY])
    if ends:
        with pytest.raises(RunFailed, match="step 9 has a loss"):
            policy.look([row])
    else:
        policy.look([row])


def test_gradients_beyond_float16_are_not_counted_among_spikes_in_a_row(tmp_path: Path) -> None:
    overflow = {"step": 8, "loss": 3.0, "grad_norm": None, "loss_scale": 512.0, "skipped": True}
    policy = SpikePolicy(TrainSettings(on_spike="skip"), tmp_path)
    policy.look([overflow] * PATIENCE + [SPIKE | {"skipped": True}])


def test_a_run_that_a_spike_ended_may_go_on_from_its_newest_checkpoint(tmp_path: Path) -> None:
    for step in (4, 8):
        folder = tmp_path / "checkpoints" / f"step-{step:08}"
        folder.mkdir(parents=True)
        (folder / "DONE").touch()
    told = ended(tmp_path, "stop", [SPIKE])
    assert told == (
        "step 9 has a loss of 8 and a gradient norm of 2; go on from the checkpoint of step 8 "
        "with --set train.on_spike=skip, or start another run with a lower train.lr"
    )


def test_a_run_without_a_checkpoint_is_not_sent_to_one(tmp_path: Path) -> None:
    assert ended(tmp_path, "log", [BROKEN]) == (
        "step 9 has a loss that is no number and a gradient norm of 2; "
        "start another run with a lower train.lr"
    )


def test_skipping_without_end_ends_the_run(tmp_path: Path) -> None:
    policy = SpikePolicy(TrainSettings(on_spike="skip"), tmp_path)
    policy.look([BROKEN] * (PATIENCE - 1))
    policy.look([ORDINARY])
    policy.look([BROKEN] * (PATIENCE - 1))
    with pytest.raises(RunFailed, match=r"in a row; start another run with a lower train\.lr$"):
        policy.look([BROKEN])


def test_losses_that_have_risen_for_good_are_told_from_broken_ones(tmp_path: Path) -> None:
    told = ended(tmp_path, "skip", [SPIKE | {"skipped": True}] * PATIENCE)
    assert "the 20th in a row" in told and "risen for good" in told
    assert told.endswith("--set train.on_spike=log goes on with it")
    assert "train.lr" not in told


def ended(run: Path, on_spike: str, found: list[Row]) -> str:
    with pytest.raises(RunFailed) as failed:
        SpikePolicy(TrainSettings(on_spike=on_spike), run).look(found)
    return str(failed.value)
