import math

import pytest
import torch
from torch import Tensor, nn

from train.model import GPT2
from train.muon import Muon, orthogonal
from train.optimizer import apply, build, learning_rate
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


def test_a_dry_run_of_a_finished_run_that_was_all_warm_up_has_a_rate_too() -> None:
    assert learning_rate(11, TrainSettings(steps=10, lr=1.0, min_lr=0.1, warmup_steps=10)) == 0.1


def test_only_matrices_and_embeddings_decay() -> None:
    model = GPT2(ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=4, vocab_size=5))
    decayed, kept = build(model, SETTINGS)[0].param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert all(parameter.dim() == 2 for parameter in decayed["params"])
    assert all(parameter.dim() == 1 for parameter in kept["params"])
    assert len(decayed["params"]) + len(kept["params"]) == len(list(model.parameters()))


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_adamws_betas_are_those_of_the_settings(kind: str) -> None:
    model = GPT2(ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=4, vocab_size=5))
    adamw = build(model, TrainSettings(optimizer=kind, beta1=0.8, beta2=0.7))[0]
    assert {group["betas"] for group in adamw.param_groups} == {(0.8, 0.7)}


@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize("waits", [False, True])
def test_a_skipped_update_leaves_weights_and_moments_as_they_are(kind: str, waits: bool) -> None:
    torch.manual_seed(0)
    model = GPT2(ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=4, vocab_size=5))
    optimizers = build(model, TrainSettings(optimizer=kind))

    def update(gradient: float, skipped: float) -> list[Tensor]:
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        apply(optimizers, 0.1, torch.tensor(skipped), waits=waits)
        assert all(parameter.grad is None for parameter in model.parameters())
        moments = [m for one in optimizers for state in one.state.values() for m in state.values()]
        return [tensor.detach().clone() for tensor in (*model.parameters(), *moments)]

    before = update(1.0, skipped=0.0)
    torch.testing.assert_close(update(math.nan, skipped=1.0), before, atol=0, rtol=0)
    assert not torch.equal(update(1.0, skipped=0.0)[0], before[0])


@pytest.mark.parametrize("size", [(2, 24, 24), (1, 16, 64), (3, 64, 16)])
def test_an_orthogonalised_matrix_has_singular_values_near_1(size: tuple[int, int, int]) -> None:
    matrices = torch.randn(size, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert values.min() > 0.4 and values.max() < 1.3
    one_by_one = torch.cat([orthogonal(matrix[None]) for matrix in matrices])
    torch.testing.assert_close(orthogonal(matrices), one_by_one, atol=1e-4, rtol=0)


def test_muon_moves_the_blocks_matrices_and_adamw_the_rest() -> None:
    model = GPT2(ModelSettings(n_layer=2, n_head=1, n_embd=8, n_positions=4, vocab_size=5))
    adamw, muon = build(model, TrainSettings(optimizer="muon"))
    names = {parameter: name for name, parameter in model.named_parameters()}
    by_muon = {names[p] for group in muon.param_groups for p in group["params"]}
    by_adamw = {names[p] for group in adamw.param_groups for p in group["params"]}
    assert by_muon == {name for name in names.values() if ".h." in name and name.endswith("weight")} - {
        *(f"transformer.h.{layer}.{norm}.weight" for layer in (0, 1) for norm in ("ln_1", "ln_2"))
    }
    assert by_muon | by_adamw == set(names.values()) and not by_muon & by_adamw


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9")
@pytest.mark.parametrize("size", [(24, 24), (16, 64), (64, 16)])
def test_muon_moves_a_matrix_as_torchs_own_does(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(size, generator=generator)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    one = Muon([{"params": [ours]}], lr=0.1, weight_decay=0.5)
    other = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.5, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        ours.grad = torch.randn(size, generator=generator)
        theirs.grad = ours.grad.clone()
        one.step()
        other.step()
    torch.testing.assert_close(one.state[ours]["momentum"], other.state[theirs]["momentum_buffer"])
    moved = (theirs - start).norm()
    assert (ours - theirs).norm() < 0.02 * moved  # theirs is orthogonalised in bfloat16


def test_only_query_key_and_value_are_taken_for_three_matrices() -> None:
    model = GPT2(ModelSettings(n_layer=2, n_head=1, n_embd=8, n_positions=4, vocab_size=5))
    _, muon = build(model, TrainSettings(optimizer="muon"))
    names = {parameter: name for name, parameter in model.named_parameters()}
    blocks = {names[p]: group["blocks"] for group in muon.param_groups for p in group["params"]}
    assert blocks == {name: 3 if name.endswith("c_attn.weight") else 1 for name in blocks}


def test_query_key_and_value_are_orthogonalised_apart() -> None:
    parts = [torch.randn(8, 8, generator=torch.Generator().manual_seed(at)) for at in range(3)]
    joined, alone = nn.Parameter(torch.zeros(8, 24)), [nn.Parameter(torch.zeros(8, 8)) for _ in range(3)]
    joined.grad = torch.cat(parts, dim=1)
    for parameter, part in zip(alone, parts, strict=True):
        parameter.grad = part
    Muon([{"params": [joined], "blocks": 3}], lr=0.1, weight_decay=0.0).step()
    Muon([{"params": alone}], lr=0.1, weight_decay=0.0).step()
    torch.testing.assert_close(joined, torch.cat(tuple(alone), dim=1))


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_skipped_update_changes_nothing(name: str) -> None:
    model = GPT2(ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=4, vocab_size=5))
    optimizers = build(model, TrainSettings(optimizer=name))

    def step(factor: float, skipped: float) -> None:
        (model(torch.tensor([[1, 2]])).sum() * factor).backward()
        for optimizer in optimizers:
            optimizer.found_inf = torch.tensor(skipped)  # type: ignore[attr-defined]
            optimizer.step()
            optimizer.zero_grad()

    def everything() -> list[torch.Tensor]:
        moments = [t for one in optimizers for state in one.state.values() for t in state.values()]
        return [tensor.detach().clone() for tensor in (*model.parameters(), *moments)]

    step(1.0, 0.0)
    before = everything()
    step(float("nan"), 1.0)
    assert all(torch.equal(a, b) for a, b in zip(everything(), before, strict=True))
    step(1.0, 0.0)
    assert not any(torch.equal(a, b) for a, b in zip(everything(), before, strict=True))
