"""What a run computes on, in which precision, and how much of the hardware's peak it reaches."""

import resource
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from train.errors import TrainError
from train.model import GPT2
from train.ranks import Ranks

# Dense bf16 matrix peak by a part of the GPU's name, in FLOP/s. Data sheets', except the H200's, which is the
# highest we measured in large matrix products (its data sheet says 989e12).
PEAK_FLOPS = {  # looked through in this order
    "GH200": 989e12,
    "H200": 790e12,
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
}

KERNELS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}


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

    def put(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor on the device; the copy to a GPU does not wait for it."""
        if self.where.type != "cuda":
            return tensor.to(self.where)
        return tensor.pin_memory().to(self.where, non_blocking=True)

    def memory_gb(self) -> float:
        """The most memory used so far, in 1e9 bytes: the GPU's, or this process's resident memory."""
        if self.where.type == "cuda":
            return torch.cuda.max_memory_allocated() / 1e9
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024) / 1e9

    def peak_flops(self) -> float | None:
        """The peak that `mfu` is a share of; None where none is known."""
        if self.precision != torch.bfloat16:
            return None
        return next((peak for part, peak in PEAK_FLOPS.items() if part in self.name), None)


def choose(dtype: str, ranks: Ranks) -> Device:
    """CUDA if there is one, else Apple's MPS, else the CPU; dtype "auto" is bf16 on CUDA, else float32."""
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")  # TF32 for what stays float32
        device, name = torch.device("cuda", ranks.local_rank), torch.cuda.get_device_name(ranks.local_rank)
    elif torch.backends.mps.is_available():
        device, name = torch.device("mps"), "Apple MPS"
    else:
        device, name = torch.device("cpu"), f"CPU, {torch.get_num_threads()} threads"
    automatic = "bfloat16" if device.type == "cuda" else "float32"
    return Device(device, name, getattr(torch, automatic if dtype == "auto" else dtype))


def attention(kernel: str, device: Device, head_size: int) -> AbstractContextManager[object]:
    """Attention inside uses this kernel; "auto" leaves the choice to torch.

    Raises TrainError if the kernel does not run on this device in this precision.
    """
    if kernel == "auto":
        return nullcontext()
    probe = torch.zeros(1, 1, 64, head_size, dtype=device.precision, device=device.where)
    try:
        with sdpa_kernel(KERNELS[kernel]):
            F.scaled_dot_product_attention(probe, probe, probe, is_causal=True)
    except RuntimeError:
        raise TrainError(
            f"train.attention = {kernel!r} does not run on {device.name} in {device.precision}: "
            "--set train.attention=auto"
        ) from None
    return sdpa_kernel(KERNELS[kernel])


def flops_per_token(model: GPT2) -> float:
    """6N + 12·L·d·T, forward and backward; N without position embeddings, the tied head once.

    Chowdhery et al. 2022, appendix B. The attention term counts the full square, as published figures do.
    """
    shape = model.shape
    counted = model.parameter_count() - model.transformer.wpe.weight.numel()
    return 6 * counted + 12 * shape.n_layer * shape.n_embd * shape.n_positions
