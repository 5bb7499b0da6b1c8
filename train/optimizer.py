"""AdamW as GPT-2's successors use it, and the learning rate's schedule."""

import math

import torch
from torch import nn

from train.settings import TrainSettings


def build(model: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW over the model: weight decay on matrices and embeddings, none on biases and norms.

    Loshchilov & Hutter 2019; the split as in Brown et al. 2020, appendix B, and every GPT-2 rebuild.
    """
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    # fused: one kernel for all parameters; it exists on every device this trainer knows.
    return torch.optim.AdamW(groups, lr=settings.lr, betas=(settings.beta1, settings.beta2), fused=True)


def learning_rate(step: int, settings: TrainSettings) -> float:
    """The rate of update `step` (the first is 1): linear up to `lr`, then a half cosine down to `min_lr`."""
    if step <= settings.warmup_steps:
        return settings.lr * step / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return settings.min_lr + (settings.lr - settings.min_lr) * cosine
