import math
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from train.model import GPT2, NextTokenLoss
from train.settings import ModelSettings
from train.settings_file import load

os.environ["HF_HUB_OFFLINE"] = "1"
SHAPE = ModelSettings(n_layer=2, n_head=4, n_embd=32, n_positions=48, vocab_size=97)


@pytest.fixture(scope="module")
def hugging_face() -> Any:
    """A tiny GPT-2 of transformers."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_layer=2, n_head=4, n_embd=32, n_positions=48, vocab_size=97, bos_token_id=0, eos_token_id=0
    )
    return transformers.GPT2LMHeadModel(config)


def gradient(parameter: torch.Tensor) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


def ids() -> torch.Tensor:
    return torch.randint(97, (3, 48), generator=torch.Generator().manual_seed(2))


def test_the_state_dict_has_the_names_and_shapes_that_transformers_writes(
    hugging_face: Any, tmp_path: Path
) -> None:
    hugging_face.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        theirs = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert {name: tuple(tensor.shape) for name, tensor in GPT2(SHAPE).state_dict().items()} == theirs


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        ("gpt2-124m", 124_439_808),
        ("gpt2-355m", 354_823_168),
        ("gpt2-774m", 774_030_080),
        ("gpt2-1558m", 1_557_611_200),
    ],
)
def test_each_size_has_gpt2s_number_of_parameters(config: str, parameters: int) -> None:
    with torch.device("meta"):
        model = GPT2(load(config, ["model.vocab_size=50257"]).model)
    assert model.parameter_count() == parameters


def test_projections_into_the_residual_stream_start_smaller_by_the_depth() -> None:
    torch.manual_seed(0)
    shape = ModelSettings(n_layer=8, n_head=2, n_embd=128, n_positions=8, vocab_size=50)
    block = GPT2(shape).requires_grad_(False).get_submodule("transformer.h.3")
    assert block.get_parameter("mlp.c_fc.weight").std() == pytest.approx(0.02, rel=0.05)
    assert block.get_parameter("mlp.c_proj.weight").std() == pytest.approx(0.02 / 16**0.5, rel=0.05)
    assert block.get_parameter("attn.c_proj.weight").std() == pytest.approx(0.02 / 16**0.5, rel=0.05)


@torch.no_grad()
def test_reading_token_by_token_with_a_cache_gives_the_same_logits() -> None:
    model, tokens = GPT2(SHAPE).eval(), ids()
    cache = model.new_cache(3)
    pieces = [model(tokens[:, :10], cache), *(model(tokens[:, at : at + 1], cache) for at in range(10, 48))]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(tokens), atol=1e-5, rtol=0)


def test_a_padded_vocabulary_gives_the_same_loss_and_gradients() -> None:
    model, tokens = GPT2(SHAPE), ids()
    found = []
    for multiple in (1, 64):
        model.zero_grad()
        loss = NextTokenLoss(model, multiple)(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        found.append((loss.detach(), *(gradient(parameter).clone() for parameter in model.parameters())))
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-5)


def test_the_pads_never_win_even_if_every_logit_is_far_below_zero() -> None:
    model = GPT2(SHAPE).requires_grad_(False)
    model.transformer.ln_f.weight.zero_()
    model.transformer.ln_f.bias.fill_(1.0)
    model.transformer.wte.weight.copy_(torch.full((97, 32), -30.0))
    nats = NextTokenLoss(model, 64)(torch.zeros(1, 4, dtype=torch.int64), torch.ones(1, 4, dtype=torch.int64))
    assert nats.item() == pytest.approx(4 * math.log(97))


@torch.no_grad()
def test_in_bfloat16_the_loss_is_nearly_that_of_float32() -> None:
    model, tokens = GPT2(SHAPE), ids()
    exact = NextTokenLoss(model)(tokens[:, :-1], tokens[:, 1:])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = NextTokenLoss(model)(tokens[:, :-1], tokens[:, 1:])
    assert rounded.item() == pytest.approx(exact.item(), rel=1e-3)


@pytest.mark.slow
def test_model_and_loss_are_one_graph_for_the_compiler() -> None:
    model, tokens = GPT2(SHAPE), ids()
    objective = NextTokenLoss(model, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        compiled = torch.compile(objective, backend="aot_eager", fullgraph=True)  # raises if there were two
        found = compiled(tokens[:, :-1], tokens[:, 1:])
        assert found.item() == pytest.approx(objective(tokens[:, :-1], tokens[:, 1:]).item(), rel=1e-3)
    found.backward()
    assert gradient(model.transformer.wte.weight).shape == (97, 32)


def test_a_token_does_not_see_what_follows_it() -> None:
    model, tokens = GPT2(SHAPE), ids()
    changed = tokens.clone()
    changed[:, 20:] = 0
    assert torch.equal(model(tokens)[:, :20], model(changed)[:, :20])


def test_the_model_needs_only_torch_numpy_and_the_file_libraries(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    absent = "['webtext', 'pipelines', 'data', 'typer', 'rich', 'pydantic', 'tomli_w', 'transformers']"
    hide = f"import sys; sys.modules.update(dict.fromkeys({absent}))"
    done = python("-c", f"{hide}; import train.model, train.loop, train.sample")
    assert done.returncode == 0, done.stderr
