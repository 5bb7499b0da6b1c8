import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from train.model import GPT2
from train.settings import ModelSettings, load

os.environ["HF_HUB_OFFLINE"] = "1"
SHAPE = ModelSettings(n_layer=2, n_head=4, n_embd=32, n_positions=48, vocab_size=97)


@pytest.fixture(scope="module")
def hugging_face() -> object:
    """A tiny GPT-2 of transformers with random weights, all of them: biases and norms too."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        n_layer=2, n_head=4, n_embd=32, n_positions=48, vocab_size=97, bos_token_id=0, eos_token_id=0
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def ids() -> torch.Tensor:
    return torch.randint(97, (3, 48), generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def test_weights_that_transformers_wrote_give_its_logits(hugging_face, tmp_path: Path) -> None:
    hugging_face.save_pretrained(tmp_path)
    model = GPT2(SHAPE)
    model.load_state_dict(load_file(tmp_path / "model.safetensors"))
    torch.testing.assert_close(model(ids()), hugging_face(ids()).logits, atol=1e-4, rtol=0)


@torch.no_grad()
def test_transformers_reads_our_weights_and_gives_our_logits(hugging_face, tmp_path: Path) -> None:
    model = GPT2(SHAPE)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    save_file(model.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    hugging_face.config.save_pretrained(tmp_path)
    theirs = type(hugging_face).from_pretrained(tmp_path).eval()
    torch.testing.assert_close(theirs(ids()).logits, model(ids()), atol=1e-4, rtol=0)


def test_the_state_dict_has_the_names_and_shapes_that_transformers_writes(
    hugging_face, tmp_path: Path
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
    block = GPT2(shape).requires_grad_(False).transformer.h[3]
    assert block.mlp.c_fc.weight.std() == pytest.approx(0.02, rel=0.05)
    assert block.mlp.c_proj.weight.std() == pytest.approx(0.02 / 16**0.5, rel=0.05)
    assert block.attn.c_proj.weight.std() == pytest.approx(0.02 / 16**0.5, rel=0.05)


@torch.no_grad()
def test_reading_token_by_token_with_a_cache_gives_the_same_logits() -> None:
    model, tokens = GPT2(SHAPE).eval(), ids()
    cache = model.new_cache(3)
    pieces = [model(tokens[:, :10], cache), *(model(tokens[:, at : at + 1], cache) for at in range(10, 48))]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(tokens), atol=1e-5, rtol=0)


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
