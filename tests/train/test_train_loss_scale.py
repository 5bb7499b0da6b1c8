"""float16: the loss scale, found while training and kept with the run."""

import math
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.train.conftest import newest
from train.corpus import find_corpus
from train.device import Device
from train.errors import Interrupted, RunFailed
from train.loop import train
from train.loss_scale import FIRST, GROWS_AFTER, LossScale
from train.progress import Progress
from train.ranks import Ranks
from train.rundir import Row, rows
from train.settings import Settings
from train.training import Training

Tiny = Callable[..., Settings]

CPU = torch.device("cpu")
HALF = Device(CPU, "CPU", torch.float16)
GOOD, OVERFLOW = torch.tensor(1.0), torch.tensor(math.inf)


def steps(run: Path) -> list[Row]:
    return [row for row in rows(run) if "loss" in row]


def state(scale: LossScale) -> list[float]:
    found = scale.state()
    assert found is not None
    return found


def trained(corpus: Path, settings: Settings, scale: LossScale) -> Training:
    training = Training(settings, find_corpus(corpus, settings.data, 300), Ranks())
    training.scale = scale
    return training


def test_an_overflow_halves_the_scale_and_many_steps_without_one_double_it() -> None:
    scale = LossScale(HALF)
    assert state(scale) == [FIRST, 0]
    scale.adapt(GOOD)
    assert state(scale) == [FIRST, 1]
    scale.adapt(OVERFLOW)
    assert state(scale) == [FIRST / 2, 0]
    for _ in range(GROWS_AFTER):
        scale.adapt(GOOD)
    assert state(scale) == [FIRST, 0]


def test_the_scale_is_never_below_one() -> None:
    scale = LossScale(HALF, [1.0, 7.0])
    scale.adapt(torch.tensor(math.nan))
    assert state(scale) == [1, 0]


def test_gradients_come_back_as_they_would_be_without_a_scale() -> None:
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    scale = LossScale(HALF, [1024.0, 0.0])
    scale.on(weight.square().sum()).backward()
    assert weight.grad is not None and weight.grad.tolist() == [2048.0, -4096.0]
    scale.off([weight, nn.Parameter(torch.zeros(1))])  # which has no gradient
    assert weight.grad.tolist() == [2.0, -4.0]


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_other_precisions_have_none(precision: torch.dtype) -> None:
    scale = LossScale(Device(CPU, "CPU", precision), [1024.0, 0.0])
    loss = torch.tensor(3.0)
    assert scale.on(loss) is loss
    scale.adapt(OVERFLOW)
    assert scale.state() is None
    assert scale.factor == 1


def test_float16_learns_as_float32_does(corpus: Path, tiny: Tiny, tmp_path: Path) -> None:
    for dtype in ("float16", "float32"):
        train(corpus, tmp_path / dtype, tiny(train__dtype=dtype))
    for key, until in (("loss", 40), ("grad_norm", 5)):  # later norms shake
        half, full = (
            [row[key] for row in steps(tmp_path / dtype)][:until] for dtype in ("float16", "float32")
        )
        assert half != full
        assert half == pytest.approx(full, rel=0.02)
    assert {row["loss_scale"] for row in steps(tmp_path / "float16")} == {FIRST}
    assert not any("loss_scale" in row for row in steps(tmp_path / "float32"))
    weights = load_file(newest(tmp_path / "float16").path / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_a_gradient_beyond_float16_moves_nothing_until_the_scale_is_lower(corpus: Path, tiny: Tiny) -> None:
    scale = LossScale(HALF, [2.0**40, 0.0])
    training = trained(corpus, tiny(train__dtype="float16", model__vocab_size=300), scale)
    before = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    for _ in range(40):
        measured = training.update()[1]
        if measured[1].isfinite():
            break
        assert measured[3] == 1
        assert measured[0].isfinite()
        assert all(tensor.equal(before[name]) for name, tensor in training.model.state_dict().items())
    assert 1 < measured[4] < 2.0**40
    assert not all(tensor.equal(before[name]) for name, tensor in training.model.state_dict().items())


class Raised(Training):
    """Begins with a scale that is far too large."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        if self.step == 0:
            self.scale = LossScale(self.device, [2.0**40, 0.0])


@pytest.mark.parametrize("on_spike", ["log", "skip", "stop"])
def test_a_scale_that_is_being_found_is_no_spike(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_spike: str
) -> None:
    monkeypatch.setattr("train.loop.Training", Raised)
    train(corpus, tmp_path / "run", tiny(train__dtype="float16", train__on_spike=on_spike))
    skipped = [row for row in steps(tmp_path / "run") if row.get("skipped")]
    assert len(skipped) > 5
    assert all(row["grad_norm"] is None and row["loss"] and "spike_z" not in row for row in skipped)
    assert steps(tmp_path / "run")[-1]["grad_norm"]


def test_a_gradient_that_no_scale_brings_back_ends_the_run(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Training, "_backward", _lost)
    with pytest.raises(RunFailed, match="gradient norm that is no number"):
        train(corpus, tmp_path / "run", tiny(train__dtype="float16"))
    assert [row["loss_scale"] for row in steps(tmp_path / "run")] == [2.0**at for at in range(16, -1, -1)]


def _lost(self: Training, *_: object) -> torch.Tensor:
    for parameter in self.model.parameters():
        parameter.grad = torch.full_like(parameter, math.inf)
    return torch.tensor(3.0)


def test_a_run_goes_on_with_its_scale_to_the_same_bytes(
    corpus: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.loop.Training", Raised)
    asked = tiny(train__dtype="float16")
    train(corpus, tmp_path / "straight", asked)

    class Stopping(Progress):
        def stepped(self, row: Row) -> None:
            if row["step"] == 3:  # amid the overflows
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(corpus, tmp_path / "run", asked, Stopping())
    monkeypatch.undo()
    assert newest(tmp_path / "run").state["loss_scale"][0] < 2.0**40
    train(corpus, tmp_path / "run", asked)
    straight, resumed = (newest(tmp_path / run) for run in ("straight", "run"))
    assert straight.state["loss_scale"] == resumed.state["loss_scale"]
    for file in ("model.safetensors", "optimizer-0.safetensors"):
        assert (straight.path / file).read_bytes() == (resumed.path / file).read_bytes()
