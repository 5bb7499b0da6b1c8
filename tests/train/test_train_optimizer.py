import pytest

from train.model import GPT2
from train.optimizer import build, learning_rate
from train.settings import ModelSettings, TrainSettings

SETTINGS = TrainSettings(steps=1000, lr=1.0, min_lr=0.1, warmup_steps=100)


def test_the_rate_rises_linearly_to_lr_and_falls_as_a_cosine_to_min_lr() -> None:
    rates = [learning_rate(step, SETTINGS) for step in (1, 50, 100, 550, 1000)]
    assert rates == pytest.approx([0.01, 0.5, 1.0, 0.55, 0.1])


def test_after_the_warm_up_the_rate_never_rises() -> None:
    rates = [learning_rate(step, SETTINGS) for step in range(100, 1001)]
    assert rates == sorted(rates, reverse=True)


def test_without_warm_up_the_first_update_has_almost_the_full_rate() -> None:
    assert learning_rate(1, TrainSettings(steps=1000, lr=1.0, min_lr=0.1, warmup_steps=0)) > 0.99


def test_only_matrices_and_embeddings_decay() -> None:
    model = GPT2(ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=4, vocab_size=5))
    decayed, kept = build(model, SETTINGS).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert all(parameter.dim() == 2 for parameter in decayed["params"])
    assert all(parameter.dim() == 1 for parameter in kept["params"])
    assert len(decayed["params"]) + len(kept["params"]) == len(list(model.parameters()))
