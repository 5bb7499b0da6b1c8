from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from train import checkpoint
from train.model import GPT2
from train.optimizer import build
from train.settings import ModelSettings, TrainSettings

SHAPE = ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=4, vocab_size=5)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., checkpoint.Checkpoint]:
    model = GPT2(SHAPE)
    optimizer = build(model, TrainSettings())
    model(torch.tensor([[1, 2]])).sum().backward()
    optimizer.step()
    (tmp_path / "checkpoints").mkdir()
    return lambda step, keep_last=3: checkpoint.save(
        tmp_path, step, model, optimizer, {"tokens": 0}, keep_last
    )


def test_the_newest_finished_checkpoint_is_found(save: Callable[..., object], tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) is None
    save(5)
    save(10)
    assert checkpoint.newest(tmp_path) == checkpoint.Checkpoint(tmp_path / "checkpoints" / "step-00000010")


def test_a_torn_checkpoint_is_ignored_and_written_again(save: Callable[..., object], tmp_path: Path) -> None:
    save(5)
    save(10)
    (tmp_path / "checkpoints" / "step-00000010" / "DONE").unlink()
    (tmp_path / "checkpoints" / "step-00000010" / "model.safetensors").write_bytes(b"half")
    assert checkpoint.newest(tmp_path).step == 5
    save(10)
    checkpoint.newest(tmp_path).load(GPT2(SHAPE))


def test_only_the_last_ones_are_kept_and_nothing_torn(save: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / ".step-00000007.tmp").mkdir()
    for step in (5, 10, 15):
        save(step, keep_last=2)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step-00000010",
        "step-00000015",
    ]


def test_weights_moments_and_generators_come_back(save: Callable[..., checkpoint.Checkpoint]) -> None:
    saved = save(5)
    drawn = torch.rand(3)
    model = GPT2(SHAPE)
    optimizer = build(model, TrainSettings())
    saved.load(model, optimizer)
    assert torch.equal(torch.rand(3), drawn)
    assert {key for state in optimizer.state.values() for key in state} == {"step", "exp_avg", "exp_avg_sq"}
    assert len(optimizer.state) == len(list(model.parameters()))
