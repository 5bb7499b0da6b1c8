"""A compiled objective is held against the one it was compiled from, before the first step.

Compilers have been wrong without a word, by device and version: pytorch/pytorch#171764 (on Macs no numbers),
#191433 (bf16 on some GPUs). The training graph itself is tried, on a micro-batch of the run.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from train.data import Batch
from train.device import Device
from train.errors import TrainError
from train.memory import is_out_of_memory
from train.parallel import whole

LOSS_TOLERANCE, NORM_TOLERANCE = 0.01, 0.1  # relative; bf16 rounds by a tenth of these


def check(plain: nn.Module, compiled: nn.Module, batch: Batch, device: Device) -> None:
    """Raises TrainError if the two have another loss or another gradient on a micro-batch, or if there is
    no compiling here.

    The plain one is given a row at a time, which seldom takes more memory than the compiled one with all.
    Leaves no gradients.
    """
    ids, targets = (device.put(part) for part in batch)
    try:
        loss, norm = _loss_and_norm(compiled, [(ids, targets)], len(ids), device)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise TrainError(
            f"the model cannot be compiled here ({reason}): --set train.compile=false"
        ) from error
    rows = zip(ids[:, None], targets[:, None], strict=True)
    try:
        plain_loss, plain_norm = _loss_and_norm(plain, rows, len(ids), device)
    except RuntimeError:  # out of memory, or of what `deterministic` allows: then there is nothing to compare
        plain.zero_grad(set_to_none=True)
        return
    if not math.isfinite(plain_loss + plain_norm):
        return  # then the compiler is not to blame, and the first step will tell
    # written so that what is no number is no agreement
    alike = abs(loss - plain_loss) <= LOSS_TOLERANCE * plain_loss
    alike &= abs(norm - plain_norm) <= NORM_TOLERANCE * plain_norm
    if not alike:
        raise TrainError(
            f"torch {torch.__version__} compiles this model wrongly for {device.name}: loss {loss:.4f} and "
            f"gradient norm {norm:.4g}, uncompiled {plain_loss:.4f} and {plain_norm:.4g}; "
            "--set train.compile=false, or take another version of torch"
        )


def _loss_and_norm(
    objective: nn.Module, parts: Iterable[Batch], rows: int, device: Device
) -> tuple[float, float]:
    """Nats a token and their gradient's norm, over all parts, so many rows; the gradients are gone again."""
    total, tokens = torch.zeros((), device=device.where), 0
    for ids, targets in parts:
        with device.autocast():
            loss: Tensor = objective(ids, targets)
        (loss / rows).backward()  # so that no number of rows leaves float16's range
        total += loss.detach()
        tokens += targets.numel()
    norm = whole(nn.utils.clip_grad_norm_(objective.parameters(), math.inf))
    objective.zero_grad(set_to_none=True)
    return total.item() / tokens, norm.item() * rows / tokens
