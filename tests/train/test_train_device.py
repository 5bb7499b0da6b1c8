from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from train import device
from train.device import Device, check_attention, choose_attention, time_attention
from train.errors import TrainError
from train.settings import ModelSettings

SHAPE = ModelSettings(n_layer=1, n_head=2, n_embd=16, n_positions=8, vocab_size=5)
CPU = Device(torch.device("cpu"), "CPU", torch.float32)
GPU = Device(torch.device("cuda", 0), "NVIDIA H200", torch.bfloat16)


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> dict[str, float | None]:
    """How long each kernel takes on a GPU that is not here."""
    found: dict[str, float | None] = {"flash": 2.0, "efficient": 3.0, "cudnn": 1.0}
    monkeypatch.setattr(device, "time_attention", lambda kernel, *_: found.get(kernel))
    return found


def test_a_kernel_is_timed_where_it_runs() -> None:
    took = time_attention("math", SHAPE, 2, CPU)
    assert took is not None and took > 0
    assert time_attention("cudnn", SHAPE, 2, CPU) is None


def test_on_a_cpu_the_choice_is_torchs() -> None:
    assert choose_attention("auto", None, SHAPE, 2, CPU) == ("auto", "torch's choice")


def test_on_a_gpu_the_fastest_wins_and_the_times_are_told(times: dict[str, float | None]) -> None:
    chosen, why = choose_attention("auto", None, SHAPE, 2, GPU)
    assert chosen == "cudnn"
    assert why == "cudnn (flash 2.00 ms, efficient 3.00 ms, cudnn 1.00 ms)"
    times["cudnn"] = None
    assert choose_attention("auto", None, SHAPE, 2, GPU)[0] == "flash"


def test_a_resumed_run_keeps_its_kernel_where_it_still_runs(times: dict[str, float | None]) -> None:
    assert choose_attention("auto", "efficient", SHAPE, 2, GPU) == ("efficient", "efficient, as before")
    times["efficient"] = None
    assert choose_attention("auto", "efficient", SHAPE, 2, GPU)[0] == "cudnn"


def test_a_kernel_that_is_asked_for_and_does_not_run_is_an_error() -> None:
    with pytest.raises(TrainError, match=r"train\.attention = 'cudnn' does not run on CPU"):
        choose_attention("cudnn", None, SHAPE, 2, CPU)


def test_a_gpus_peak_is_that_of_its_name() -> None:
    assert GPU.peak_flops() == 989e12
    assert Device(GPU.where, "NVIDIA H100 PCIe", torch.bfloat16).peak_flops() == 756e12
    assert CPU.peak_flops() is None


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_attention_that_is_right_passes_in_every_precision(precision: torch.dtype) -> None:
    check_attention(Device(torch.device("cpu"), "CPU", precision))


def sees_the_next_three(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
    """What pytorch#195910 is: the mask is that of the last of four queries."""
    rows = torch.arange(query.size(2))[:, None] // 4 * 4 + 3
    mask = rows >= torch.arange(key.size(2)) if is_causal else None
    return ATTENTION(query, key, value, attn_mask=mask)


def forgets_the_rest_of_a_block(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
    """Like pytorch#169222: one query is right only where the keys are a multiple of 32."""
    full = key.size(2) if is_causal else key.size(2) // 32 * 32
    return ATTENTION(query, key[:, :, :full], value[:, :, :full], is_causal=is_causal)


ATTENTION: Callable[..., Tensor] = F.scaled_dot_product_attention


@pytest.mark.parametrize("wrong", [sees_the_next_three, forgets_the_rest_of_a_block])
def test_attention_that_is_wrong_is_an_error_before_anything_is_trained_or_read(
    wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(F, "scaled_dot_product_attention", wrong)
    with pytest.raises(TrainError, match=r"is wrong on CPU in torch\.float32: .*train\.dtype=float32, or"):
        check_attention(CPU)
