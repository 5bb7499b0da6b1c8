from collections.abc import Callable, Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from train import device, prepare
from train.device import Device, check_attention, choose, choose_attention, time_attention
from train.errors import TrainError
from train.ranks import Ranks
from train.sample import Choice, next_tokens
from train.settings import ModelSettings, Settings
from train.training import Training

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


def test_a_kernels_time_is_that_of_one_call_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "time", SimpleNamespace(perf_counter=iter([7.0, 7.5]).__next__))
    assert time_attention("math", SHAPE, 2, CPU) == pytest.approx(500 / device.TIMED_CALLS)


@pytest.mark.parametrize("kernel", ["math", "flash"])
def test_attention_uses_the_kernel_that_is_asked_for(kernel: str) -> None:
    query = torch.ones(1, 2, 8, 4)
    assert choose_attention(kernel, None, SHAPE, 2, CPU) == (kernel, kernel)
    with device.attention(kernel), Called() as called:
        ATTENTION(query, query, query, is_causal=True)
    assert ("_scaled_dot_product_flash_attention_for_cpu" in called.names) is (kernel == "flash")


def test_on_a_cpu_the_choice_is_torchs() -> None:
    assert choose_attention("auto", None, SHAPE, 2, CPU) == ("auto", "torch's choice")


def test_on_a_gpu_the_fastest_wins_and_the_times_are_told(times: dict[str, float | None]) -> None:
    chosen, why = choose_attention("auto", None, SHAPE, 2, GPU)
    assert chosen == "cudnn"
    assert why == "cudnn (flash 2.00 ms, efficient 3.00 ms, cudnn 1.00 ms)"
    times["cudnn"] = None
    assert choose_attention("auto", None, SHAPE, 2, GPU)[0] == "flash"


def test_on_a_gpu_that_runs_no_fast_kernel_the_choice_is_torchs(times: dict[str, float | None]) -> None:
    times.clear()
    times["math"] = 4.0  # which torch takes by itself where there is no other
    assert choose_attention("auto", None, SHAPE, 2, GPU) == ("auto", "torch's choice")


def test_a_resumed_run_keeps_its_kernel_where_it_still_runs(times: dict[str, float | None]) -> None:
    assert choose_attention("auto", "efficient", SHAPE, 2, GPU) == ("efficient", "efficient, as before")
    times["efficient"] = None
    assert choose_attention("auto", "efficient", SHAPE, 2, GPU)[0] == "cudnn"


def test_a_kernel_that_is_asked_for_and_does_not_run_is_an_error() -> None:
    with pytest.raises(TrainError, match=r"train\.attention = 'cudnn' does not run on CPU"):
        choose_attention("cudnn", None, SHAPE, 2, CPU)


def test_a_kernel_that_memory_does_not_hold_is_not_taken_for_one_that_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", full)
    with pytest.raises(torch.OutOfMemoryError):
        choose_attention("math", None, SHAPE, 2, CPU)


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("NVIDIA GB200", 2500),
        ("NVIDIA B200", 2250),
        ("NVIDIA H200", 989),
        ("NVIDIA H200 NVL", 835),
        ("NVIDIA GH200 480GB", 989),
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 NVL", 835),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A10G", 70),
        ("NVIDIA L40S", 362),
        ("NVIDIA L40", 181),
        ("NVIDIA L4", 121),
        ("NVIDIA GeForce RTX 4090", 165),
        ("NVIDIA GeForce RTX 3090", 71),
        ("Tesla T4", 65),
        ("Tesla V100-PCIE-16GB", 112),
        ("Tesla V100-SXM2-32GB", 125),
    ],
)
def test_a_gpus_peak_in_half_precision_is_that_of_its_name(name: str, tflops: float) -> None:
    assert Device(GPU.where, name, torch.bfloat16).peak_flops() == tflops * 1e12
    assert Device(GPU.where, name, torch.float16).peak_flops() == tflops * 1e12
    assert Device(GPU.where, name, torch.float32).peak_flops() is None


@pytest.mark.parametrize(
    "name", ["NVIDIA RTX A1000 Laptop GPU", "NVIDIA GeForce RTX 4090 Laptop GPU", "CPU, 2 threads"]
)
def test_no_peak_is_known_of_what_is_not_in_the_table(name: str) -> None:
    assert Device(GPU.where, name, torch.bfloat16).peak_flops() is None


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_what_is_computed_forward_is_in_the_precision_chosen(precision: torch.dtype) -> None:
    with Device(CPU.where, CPU.name, precision).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == precision


def test_the_memory_of_a_cpu_is_the_most_the_process_had_in_1e9_bytes() -> None:
    torch.ones(50_000_000)
    assert 0.2 <= CPU.memory_gb() < 20


@pytest.mark.parametrize(("where", "waited"), [("cuda", ["cuda"]), ("mps", ["mps"]), ("cpu", [])])
def test_a_gpu_is_waited_for(where: str, waited: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: found.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: found.append("mps"))
    Device(torch.device(where), where, torch.float32).wait()
    assert found == waited


def test_only_for_apples_gpu_does_the_host_look_whether_an_update_is_left_out() -> None:
    assert Device(torch.device("mps"), "Apple MPS", torch.float32).waits_to_skip
    assert not CPU.waits_to_skip and not GPU.waits_to_skip


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """Puts back what `choose` sets in torch."""
    deterministic, precision = (
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
    )
    yield
    torch.use_deterministic_algorithms(deterministic)
    torch.set_float32_matmul_precision(precision)


@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize("wanted", [True, False])
def test_kernels_add_in_a_fixed_order_where_that_is_asked_for(wanted: bool) -> None:
    choose("auto", wanted, Ranks())
    assert torch.are_deterministic_algorithms_enabled() is wanted
    assert not torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]


@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize(("dtype", "precision"), [("auto", torch.float32), ("bfloat16", torch.bfloat16)])
def test_a_cpu_computes_in_float32_unless_another_precision_is_asked_for(
    dtype: str, precision: torch.dtype
) -> None:
    assert choose(dtype, True, Ranks()).precision == precision


def _computes_in_bf16(by_itself: bool, *, including_emulation: bool = True) -> bool:
    return by_itself or including_emulation


@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize(("has_bf16", "half"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_rank_has_the_gpu_of_its_number_in_the_half_precision_of_that_gpu_and_tf32(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, half: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", partial(_computes_in_bf16, has_bf16))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    assert choose("auto", True, Ranks(9, 16, 1)) == Device(torch.device("cuda", 1), "GPU 1", half)
    assert torch.get_float32_matmul_precision() == "high"


def test_attention_is_tried_on_apples_gpu_before_anything_is_computed_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[Device] = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(device, "check_attention", tried.append)
    chosen = choose("float32", True, Ranks())
    assert (tried, chosen.where.type) == ([chosen], "mps")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_attention_that_is_right_passes_in_every_precision(precision: torch.dtype, masked: bool) -> None:
    check_attention(Device(torch.device("cpu"), "CPU", precision), masked=masked)


def sees_the_next_three(query: Tensor, key: Tensor, value: Tensor, is_causal: bool, **_: None) -> Tensor:
    """What pytorch#195910 is: the mask is that of the last of four queries."""
    rows = torch.arange(query.size(2))[:, None] // 4 * 4 + 3
    mask = rows >= torch.arange(key.size(2)) if is_causal else None
    return ATTENTION(query, key, value, attn_mask=mask)


def forgets_the_rest_of_a_block(
    query: Tensor, key: Tensor, value: Tensor, is_causal: bool, **_: None
) -> Tensor:
    """Like pytorch#169222: one query is right only where the keys are a multiple of 32."""
    full = key.size(2) if is_causal else key.size(2) // 32 * 32
    return ATTENTION(query, key[:, :, :full], value[:, :, :full], is_causal=is_causal)


def forgets_the_second_half_of_many(
    query: Tensor, key: Tensor, value: Tensor, is_causal: bool, **_: None
) -> Tensor:
    """One query uses a kernel of its own from 1,024 keys on."""
    seen = key.size(2) // 2 if key.size(2) >= 1024 else key.size(2)
    return ATTENTION(query, key[:, :, :seen], value[:, :, :seen], is_causal=is_causal)


def mixes_up_a_few(query: Tensor, key: Tensor, value: Tensor, is_causal: bool, **_: None) -> Tensor:
    """Like pytorch#181133: 2 to 8 queries are read as if their heads lay one after the other."""
    if query.size(2) <= 8:
        query = query.transpose(1, 2).contiguous().view(query.shape)
    return ATTENTION(query, key, value, is_causal=is_causal)


def gives_all_rows_the_first_mask(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor, **_: bool
) -> Tensor:
    """Like pytorch#184180."""
    return ATTENTION(query, key, value, attn_mask=attn_mask[:1])


ATTENTION: Callable[..., Tensor] = F.scaled_dot_product_attention


@pytest.mark.parametrize(
    ("wrong", "masked"),
    [
        (sees_the_next_three, False),
        (forgets_the_rest_of_a_block, False),
        (forgets_the_second_half_of_many, False),
        (mixes_up_a_few, False),
        (gives_all_rows_the_first_mask, True),
    ],
)
def test_attention_that_is_wrong_is_an_error_before_anything_is_trained_or_read(
    wrong: Any, masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(F, "scaled_dot_product_attention", wrong)
    with pytest.raises(TrainError, match=r"is wrong on CPU in torch\.float32: install a newer torch"):
        check_attention(CPU, masked=masked)


def test_where_half_precision_may_be_why_attention_is_wrong_the_other_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(F, "scaled_dot_product_attention", sees_the_next_three)
    with pytest.raises(TrainError, match=r"in torch\.bfloat16: use --set train\.dtype=float32, or install"):
        check_attention(Device(torch.device("cpu"), "CPU", torch.bfloat16))


def test_several_ranks_do_not_share_apples_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(TrainError, match="give the command without torchrun"):
        choose("auto", True, Ranks(0, 2, 0))


class NoDoubles(TorchDispatchMode):
    """A device without float64, as Apple's GPU is."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        assert all(getattr(each, "dtype", None) != torch.float64 for each in tree_leaves((args, result)))
        return result


class Called(TorchDispatchMode):
    """Remembers which of torch's operators are called."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        space, _, name = str(function).partition(".")
        if space == "aten":
            self.names.add(name.removesuffix(".default"))
        return function(*args, **(kwargs or {}))


def train_validate_and_sample(settings: Settings, corpus: Path, run: Path) -> None:
    asked, tokens = prepare.resolve(corpus, run, settings, Ranks())
    training = Training(asked, tokens, Ranks())
    for _ in range(2):
        training.update()
    training.validation(None, lambda _done, _of: None)
    next(next_tokens(training.model, [1], 2, Choice(), torch.Generator()))
    training.loader.close()


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_nothing_that_is_trained_validated_or_sampled_takes_float64(
    optimizer: str, corpus: Path, tiny: Callable[..., Settings], tmp_path: Path
) -> None:
    with NoDoubles():  # type: ignore[no-untyped-call]
        train_validate_and_sample(tiny(train__optimizer=optimizer), corpus, tmp_path)


@pytest.fixture(scope="module")
def no_kernel_on_apples_gpu() -> set[str]:
    """By torch's own table: the operators without one, and not made of others."""
    table = resources.files("torchgen") / "packaged" / "ATen" / "native" / "native_functions.yaml"
    entries = yaml.load(table.read_text("utf-8"), yaml.CSafeLoader)
    operators = {entry["func"].partition("(")[0]: entry for entry in entries}
    keys = {
        name: str(operators[entry.get("structured_delegate", name)].get("dispatch", "Composite"))
        for name, entry in operators.items()
    }
    return {name for name, found in keys.items() if "MPS" not in found and "Composite" not in found}


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_all_but_attention_has_the_same_operators_on_apples_gpu(
    optimizer: str,
    corpus: Path,
    tiny: Callable[..., Settings],
    tmp_path: Path,
    no_kernel_on_apples_gpu: set[str],
) -> None:
    with Called() as called:
        train_validate_and_sample(tiny(train__optimizer=optimizer), corpus, tmp_path)
    assert called.names & no_kernel_on_apples_gpu == {
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention_for_cpu_backward",
    }


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_step_reads_no_number_back_from_the_device(
    optimizer: str, dtype: str, corpus: Path, tiny: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = tiny(train__optimizer=optimizer, train__dtype=dtype, train__micro_batch_size=2)
    training = Training(*prepare.resolve(corpus, tmp_path, settings, Ranks()), Ranks())
    with Called() as called:
        training.update()
    assert "_local_scalar_dense" not in called.names  # what item(), float() and bool() of a tensor call
    training.loader.close()
