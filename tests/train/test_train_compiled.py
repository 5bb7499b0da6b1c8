import math
from collections.abc import Callable
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from train.compiled import check
from train.device import Device
from train.errors import TrainError
from train.model import GPT2, NextTokenLoss
from train.settings import ModelSettings

CPU = Device(torch.device("cpu"), "CPU", torch.float32)
BATCH = (torch.tensor([[1, 2, 3], [4, 0, 1]]), torch.tensor([[2, 3, 4], [0, 1, 2]]))


@pytest.fixture
def plain() -> NextTokenLoss:
    torch.manual_seed(0)
    return NextTokenLoss(GPT2(ModelSettings(n_layer=1, n_head=2, n_embd=8, n_positions=3, vocab_size=5)))


class Miscompiled(nn.Module):
    """The same parameters, another loss."""

    def __init__(self, plain: NextTokenLoss, wrong: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.plain, self.wrong = plain, wrong

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        return self.wrong(self.plain(ids, targets))


@pytest.mark.slow
def test_what_is_compiled_here_passes() -> None:
    torch.manual_seed(0)
    shape = ModelSettings(n_layer=2, n_head=2, n_embd=64, n_positions=64, vocab_size=12_900)
    plain = NextTokenLoss(GPT2(shape), vocab_multiple=128)
    ids = torch.randint(12_900, (4, 65))
    device = Device(CPU.where, CPU.name, torch.bfloat16)
    check(plain, cast(nn.Module, torch.compile(plain)), (ids[:, :-1], ids[:, 1:]), device)


@pytest.mark.parametrize("rounded", [1.0, 0.995, 1.005])
def test_what_computes_the_same_up_to_rounding_passes_and_leaves_no_gradients(
    rounded: float, plain: NextTokenLoss
) -> None:
    check(plain, Miscompiled(plain, lambda loss: loss * rounded), BATCH, CPU)
    assert all(parameter.grad is None for parameter in plain.parameters())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda loss: loss * math.nan, r"loss nan and"),
        (lambda loss: loss + 0.3, r"loss 1\.6\d+ and .* uncompiled 1\.6\d+ and"),
        (lambda loss: loss * 0.8 + loss.detach() * 0.2, r"gradient norm [\d.]+, uncompiled"),
    ],
)
def test_another_loss_or_another_gradient_is_an_error_that_says_what_to_do(
    wrong: Callable[[Tensor], Tensor], told: str, plain: NextTokenLoss
) -> None:
    with pytest.raises(TrainError, match=rf"wrongly for CPU: .*{told}.*--set train\.compile=false"):
        check(plain, Miscompiled(plain, wrong), BATCH, CPU)


def test_a_model_that_is_no_number_itself_is_not_the_compilers_fault(plain: NextTokenLoss) -> None:
    with torch.no_grad():
        plain.model.transformer.wte.weight.fill_(math.nan)
    check(plain, Miscompiled(plain, lambda loss: loss), BATCH, CPU)


class Heard(Miscompiled):
    """Computes the same, and remembers of how many rows, and whether in half precision."""

    def __init__(self, plain: NextTokenLoss) -> None:
        super().__init__(plain, lambda loss: loss)
        self.calls: list[tuple[int, bool]] = []

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        self.calls.append((len(ids), torch.is_autocast_enabled("cpu")))
        return super().forward(ids, targets)


@pytest.mark.parametrize("half", [False, True])
def test_the_plain_model_takes_a_row_at_a_time_in_the_precision_of_the_run(
    half: bool, plain: NextTokenLoss
) -> None:
    alone, compiled = Heard(plain), Heard(plain)
    check(alone, compiled, BATCH, Device(CPU.where, CPU.name, torch.bfloat16 if half else torch.float32))
    assert alone.calls == [(1, half), (1, half)]
    assert compiled.calls == [(2, half)]


def test_many_rows_are_not_too_much_for_float16(plain: NextTokenLoss) -> None:
    ids, targets = (part.repeat(256, 1) for part in BATCH)
    half = Device(CPU.where, CPU.name, torch.float16)
    check(
        Miscompiled(plain, lambda loss: loss * 2**12),
        Miscompiled(plain, lambda loss: loss * 2**12),
        (ids, targets),
        half,
    )


def test_where_the_plain_model_does_not_run_nothing_is_compared(plain: NextTokenLoss) -> None:
    rows = iter("1")

    def fails(loss: Tensor) -> Tensor:
        if not next(rows, None):
            raise torch.OutOfMemoryError
        return loss

    check(Miscompiled(plain, fails), plain, BATCH, CPU)
    assert all(parameter.grad is None for parameter in plain.parameters())


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GiB)"),
    ],
)
def test_a_compiled_model_that_memory_does_not_hold_is_not_said_not_to_compile(
    error: RuntimeError, plain: NextTokenLoss
) -> None:
    def fails(_: Tensor) -> Tensor:
        raise error

    with pytest.raises(type(error), match="out of memory"):
        check(plain, Miscompiled(plain, fails), BATCH, CPU)


def test_a_model_that_cannot_be_compiled_is_told_why_and_how_to_train_it(plain: NextTokenLoss) -> None:
    def fails(_: Tensor) -> Tensor:
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\n\nSet TORCHDYNAMO_VERBOSE=1")

    told = r"cannot be compiled here \(InvalidCxx.* compiler found\): --set train\.compile=false$"
    with pytest.raises(TrainError, match=told):
        check(plain, Miscompiled(plain, fails), BATCH, CPU)
