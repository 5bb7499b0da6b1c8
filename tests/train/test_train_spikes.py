import math

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


def test_a_spike_is_skipped_where_that_is_asked_and_does_not_become_normal() -> None:
    guard = SpikeGuard(TrainSettings(on_spike="skip"), CPU, STEADY)
    assert [judged(guard, 3.8)[1] for _ in range(50)] == [1.0] * 50
    assert judged(guard, 3.1)[1] == 0.0


@pytest.mark.parametrize("on_spike", ["log", "skip", "stop"])
def test_what_is_no_number_is_never_applied(on_spike: str) -> None:
    guard = SpikeGuard(TrainSettings(on_spike=on_spike), CPU, [])
    assert judged(guard, math.nan)[1] == 1.0
    assert judged(guard, 3.0, norm=math.inf)[1] == 1.0
    assert judged(guard, 3.0)[1] == 0.0


def test_few_losses_are_no_measure_and_steady_ones_no_hair_trigger() -> None:
    assert judged(SpikeGuard(TrainSettings(), CPU, STEADY[:-1]), 9.0)[0] == 0.0
    assert judged(SpikeGuard(TrainSettings(), CPU, [3.0] * HISTORY), 3.06)[0] == pytest.approx(2.0, rel=1e-3)


def test_a_guard_goes_on_from_its_state_exactly() -> None:
    straight, first = (SpikeGuard(TrainSettings(), CPU, []) for _ in range(2))
    losses = torch.linspace(5, 3, HISTORY + 40).tolist()
    for loss in losses[:-1]:
        judged(straight, loss)
        judged(first, loss)
    assert judged(SpikeGuard(TrainSettings(), CPU, first.state()), losses[-1]) == judged(straight, losses[-1])


SPIKE = {"step": 9, "loss": 8.0, "grad_norm": 2.0, "spike_z": 9.0, "skipped": False}
BROKEN = {"step": 9, "loss": None, "grad_norm": 2.0, "spike_z": None, "skipped": True}


@pytest.mark.parametrize(
    ("on_spike", "row", "ends"),
    [
        ("log", SPIKE, False),
        ("log", BROKEN, True),
        ("skip", SPIKE | {"skipped": True}, False),
        ("skip", BROKEN, False),
        ("stop", SPIKE, True),
        ("stop", BROKEN, True),
    ],
)
def test_the_settings_say_whether_a_spike_ends_the_run(on_spike: str, row: Row, ends: bool) -> None:
    policy = SpikePolicy(TrainSettings(on_spike=on_spike))
    policy.look([{"step": 8, "loss": 3.0, "grad_norm": 1.0}])
    if ends:
        with pytest.raises(RunFailed, match=r"step 9 has loss .*--set train\.on_spike=skip"):
            policy.look([row])
    else:
        policy.look([row])


def test_skipping_without_end_ends_the_run() -> None:
    policy = SpikePolicy(TrainSettings(on_spike="skip"))
    policy.look([BROKEN] * (PATIENCE - 1))
    policy.look([{"step": 8, "loss": 3.0, "grad_norm": 1.0}])
    policy.look([BROKEN] * (PATIENCE - 1))
    with pytest.raises(RunFailed, match="in a row"):
        policy.look([BROKEN])
