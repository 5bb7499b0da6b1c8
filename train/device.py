"""What a run computes on, in which precision, with which attention, and how much of the peak it reaches."""

import re
import resource
import sys
import time
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from train.errors import TrainError
from train.memory import is_out_of_memory
from train.model import GPT2
from train.ranks import Ranks
from train.settings import ModelSettings

# Dense peak of half-precision matrices by words of the GPU's name, in FLOP/s, as the data sheets say.
PEAK_FLOPS = {  # looked through in this order
    "GB200": 2500e12,
    "B200": 2250e12,
    "H200 NVL": 835e12,
    "H200": 989e12,
    "GH200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "A100": 312e12,
    "A10G": 70e12,
    "L40S": 362e12,
    "L40": 181e12,
    "L4": 121e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
    "T4": 65e12,  # from here on GPUs without bf16
    "V100-PCIE": 112e12,
    "V100-SXM2": 125e12,
}

KERNELS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}
TIMED_CALLS = 10
# (queries, keys): kernels differ by whether there is one query, a few or many, and from 1,024 keys on.
ATTENTION_CHECKED = ((1, 39), (1, 1030), (3, 3), (39, 39), (64, 64))


@dataclass(frozen=True)
class Device:
    """A torch device, its name for people, the precision of its matrix products."""

    where: torch.device
    name: str
    precision: torch.dtype

    def autocast(self) -> AbstractContextManager[object]:
        """Forward passes inside compute in `precision`; weights and optimiser stay float32."""
        if self.precision == torch.float32:
            return nullcontext()
        return torch.autocast(self.where.type, dtype=self.precision)

    def staged(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor in memory that a GPU fetches by itself."""
        return tensor.contiguous().pin_memory() if self.where.type == "cuda" else tensor

    def put(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor on the device; the copy of a staged one does not wait for a GPU."""
        return tensor.to(self.where, non_blocking=self.where.type == "cuda")

    def wait(self) -> None:
        """Returns when everything asked of the device is done."""
        if self.where.type == "cuda":
            torch.cuda.synchronize()
        elif self.where.type == "mps":
            torch.mps.synchronize()

    def memory_gb(self) -> float:
        """The most memory used so far, in 1e9 bytes: a GPU's (Apple's: what it holds now), or this process's
        resident memory."""
        if self.where.type == "cuda":
            return torch.cuda.max_memory_allocated() / 1e9
        if self.where.type == "mps":
            return torch.mps.driver_allocated_memory() / 1e9
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024) / 1e9

    @property
    def waits_to_skip(self) -> bool:
        """Whether the host must look if an update is to be left out: fused optimisers on MPS did not look
        themselves before June 2026 (pytorch/pytorch#186360)."""
        return self.where.type == "mps"

    def peak_flops(self) -> float | None:
        """The peak that `mfu` is a share of; None where none is known: a laptop's hangs on its power."""
        if self.precision == torch.float32 or "Laptop" in self.name:
            return None
        known = (peak for words, peak in PEAK_FLOPS.items() if re.search(rf"\b{words}\b", self.name))
        return next(known, None)


def choose(dtype: str, deterministic: bool, ranks: Ranks) -> Device:
    """CUDA if there is one, else Apple's MPS, else the CPU; dtype "auto" is bf16 on CUDA, float16
    on a GPU that has no bf16, else float32.

    `deterministic` has kernels add in a fixed order: a GPU's, and compiled ones on several threads of a CPU.
    Raises TrainError where several ranks would share Apple's GPU, or its attention is wrong.
    """
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")  # TF32 for what stays float32
        device, name = torch.device("cuda", ranks.local_rank), torch.cuda.get_device_name(ranks.local_rank)
    elif torch.backends.mps.is_available():
        if ranks.size > 1:  # it is one, and ranks have no way to exchange what is on it
            raise TrainError("on Apple's GPU one process trains: give the command without torchrun")
        device, name = torch.device("mps"), "Apple MPS"
    else:
        device, name = torch.device("cpu"), f"CPU, {torch.get_num_threads()} threads"
    if device.type != "mps":  # which has no such kernels
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    half = "bfloat16" if has_bfloat16(device) else "float16"
    automatic = half if device.type == "cuda" else "float32"
    chosen = Device(device, name, getattr(torch, automatic if dtype == "auto" else dtype))
    if device.type == "mps":
        check_attention(chosen)
    return chosen


def has_bfloat16(where: torch.device) -> bool:
    """Whether it computes in bf16 itself: to torch a GPU before Ampere has it, too, many times slower."""
    return where.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


@torch.no_grad()
def check_attention(device: Device, *, masked: bool = False) -> None:
    """Raises TrainError where torch's attention of forward passes alone is not what its formula says: causal
    or, as evaluations have it, `masked` otherwise in each row.

    On Apple's GPUs it was not, without a word, in several versions of torch: pytorch/pytorch#163597, #169222
    (one query), #181133 (a few), #182285, #184180 (masks), #195910 (half precision sees later tokens). What
    has a backward pass uses other kernels.
    """
    drawn = torch.Generator().manual_seed(0)
    for queries, keys in ATTENTION_CHECKED:
        query, key, value = (torch.randn(2, n, 4, 64, generator=drawn) for n in (queries, keys, keys))
        seen = torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries).expand(2, 1, -1, -1)
        if masked:
            seen = seen & (torch.rand(seen.shape, generator=drawn) < 0.5)
            seen[..., 0] = True
        scores = torch.einsum("bqhd,bkhd->bhqk", query, key) / 8
        scores = scores.masked_fill(~seen, -torch.inf)
        wanted = torch.einsum("bhqk,bkhd->bhqd", scores.softmax(-1), value)
        q, k, v = (part.transpose(1, 2).to(device.where, device.precision) for part in (query, key, value))
        mask = seen.to(device.where) if masked else None
        causal = queries > 1 and not masked
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        if not torch.allclose(found.float().cpu(), wanted, atol=0.05):  # bf16 is within 0.02
            half = device.precision != torch.float32
            raise TrainError(
                f"attention in torch {torch.__version__} is wrong on {device.name} in {device.precision}: "
                f"{'use --set train.dtype=float32, or ' if half else ''}install a newer torch"
            )


def attention(kernel: str) -> AbstractContextManager[object]:
    """Attention inside uses this kernel; "auto" leaves the choice to torch."""
    return nullcontext() if kernel == "auto" else sdpa_kernel(KERNELS[kernel])


def choose_attention(
    asked: str, before: str | None, shape: ModelSettings, rows: int, device: Device
) -> tuple[str, str]:
    """The attention kernel to use, and why in words.

    "auto" on a GPU: the one that the run used `before`, so that resuming changes nothing, else the fastest
    in a trial; elsewhere torch's choice. Raises TrainError if the kernel asked for does not run here.
    """
    if asked == "auto" and device.where.type != "cuda":
        return "auto", "torch's choice"
    if asked != "auto":
        if time_attention(asked, shape, rows, device) is None:
            raise TrainError(
                f"train.attention = {asked!r} does not run on {device.name} in {device.precision}: "
                "--set train.attention=auto"
            )
        return asked, asked
    if before in KERNELS and time_attention(before, shape, 1, device) is not None:
        return before, f"{before}, as before"
    times = {kernel: time_attention(kernel, shape, rows, device) for kernel in KERNELS if kernel != "math"}
    timed = {kernel: ms for kernel, ms in times.items() if ms is not None}
    if not timed:
        return "auto", "torch's choice"
    fastest = min(timed, key=lambda kernel: timed[kernel])
    return fastest, f"{fastest} ({', '.join(f'{kernel} {ms:.2f} ms' for kernel, ms in timed.items())})"


def time_attention(kernel: str, shape: ModelSettings, rows: int, device: Device) -> float | None:
    """Milliseconds of one layer's attention, forward and backward, on `rows` sequences; None if the kernel
    does not run on this device in this precision. Raises what torch does where memory does not hold it."""
    size = (rows, shape.n_positions, 3, shape.n_head, shape.n_embd // shape.n_head)
    heads = torch.randn(size, dtype=device.precision, device=device.where, requires_grad=True)
    query, key, value = heads.permute(2, 0, 3, 1, 4)  # laid out as the model has them
    began = 0.0
    try:
        with attention(kernel), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they say why a kernel does not run here
            for call in range(-2, TIMED_CALLS):  # the first ones choose and load code
                if call == 0:
                    device.wait()
                    began = time.perf_counter()
                y = F.scaled_dot_product_attention(query, key, value, is_causal=True)
                torch.autograd.grad(y, heads, y.detach(), retain_graph=call < TIMED_CALLS - 1)
            device.wait()
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        return None
    return (time.perf_counter() - began) / TIMED_CALLS * 1000


def flops_per_token(model: GPT2) -> float:
    """6N + 12·L·d·T, forward and backward; N without position embeddings, the tied head once.

    Chowdhery et al. 2022, appendix B. The attention term counts the full square, as published figures do.
    """
    shape = model.shape
    counted = model.parameter_count() - model.transformer.wpe.weight.numel()
    return 6 * counted + 12 * shape.n_layer * shape.n_embd * shape.n_positions
