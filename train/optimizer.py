"""AdamW as GPT-2's successors use it, or Muon for hidden matrices; the learning rate's schedule."""

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from train.muon import Muon
from train.settings import TrainSettings


def build(model: nn.Module, settings: TrainSettings) -> list[Optimizer]:
    """What moves the model: weight decay on matrices and embeddings, none on biases and norms.

    AdamW (Loshchilov & Hutter 2019; the split as in Brown et al. 2020, appendix B) for everything, or, with
    `optimizer = "muon"`, Muon for the blocks' matrices and AdamW for embeddings, biases and norms.
    """
    named = dict(model.named_parameters())
    hidden = [name for name, p in named.items() if p.dim() == 2 and ".h." in name]
    by_muon = set(hidden) if settings.optimizer == "muon" else set()
    rest = [p for name, p in named.items() if name not in by_muon]
    groups = [
        {"params": [p for p in rest if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
    ]
    # fused: one kernel for all parameters; it exists on every device this trainer knows.
    adamw = AdamW(groups, lr=settings.lr, betas=(settings.beta1, settings.beta2), fused=True)
    if not by_muon:
        return [adamw]
    joined = [named[name] for name in hidden if name.endswith("c_attn.weight")]  # query, key, value
    single = [named[name] for name in hidden if not name.endswith("c_attn.weight")]
    muon = Muon([{"params": joined, "blocks": 3}, {"params": single}], settings.lr, settings.weight_decay)
    return [adamw, muon]


def apply(optimizers: Sequence[Optimizer], lr: float, skipped: Tensor, *, waits: bool) -> None:
    """Moves the parameters at rate `lr`, or nothing at all where `skipped` is 1; then forgets the gradients.

    `skipped` is on the device, where the kernels look at it. Where they do not, the host `waits` and looks.
    """
    moving = not (waits and skipped)
    for one in optimizers:
        for group in one.param_groups:
            group["lr"] = lr
        if not waits:
            one.found_inf = skipped  # type: ignore[attr-defined]  # how torch's fused optimisers are told
        if moving:
            one.step()
        one.zero_grad(set_to_none=True)


def learning_rate(step: int, settings: TrainSettings) -> float:
    """The rate of update `step` (the first is 1): linear up to `lr`, then a half cosine down to `min_lr`."""
    if step <= settings.warmup_steps:
        return settings.lr * step / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return settings.min_lr + (settings.lr - settings.min_lr) * cosine
