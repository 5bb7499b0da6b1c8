"""How well a model predicts text it was not trained on."""

import math
from collections.abc import Callable

import torch
from torch import nn

from train.corpus import Split
from train.data import evaluation_batches, evaluation_windows
from train.device import Device
from train.model import IGNORED
from train.ranks import Ranks


@torch.no_grad()
def loss(
    objective: nn.Module,
    split: Split,
    length: int,
    batch_size: int,
    device: Device,
    ranks: Ranks,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> float | None:
    """Mean nats per token over the split's evaluation windows, the same at every call; None if it is empty.

    Each window starts without context, as in training; the end-of-text tokens are predicted too. `told` hears
    how many windows are done, of how many.
    """
    windows, done = len(evaluation_windows(split.tokens, length)), 0
    if not windows:
        return None
    told(0, windows)
    found = torch.zeros(2, dtype=torch.float32, device=device.where)  # nats, tokens
    for ids, targets in evaluation_batches(split, length, batch_size, ranks):
        with device.autocast():
            nats = objective(device.put(ids), device.put(targets))
        found += torch.stack([nats.float(), (targets != IGNORED).sum().float().to(device.where)])
        done += ranks.size * batch_size
        told(min(done, windows), windows)
    nats_sum, tokens = ranks.total(found).tolist()
    return float(nats_sum / tokens)


def bits_per_byte(nats_per_token: float | None, tokens: int, utf8_bytes: int | None) -> float | None:
    """Bits per UTF-8 byte of a text of so many tokens and bytes, comparable between tokenizers; None where
    the bytes are not known."""
    if nats_per_token is None or not utf8_bytes:
        return None
    return nats_per_token / math.log(2) * tokens / utf8_bytes
