"""What moves from step to step: a model, its optimisers, its place in the data."""

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from train import compiled, data, device, evaluate, huggingface, memory, optimizer, parallel
from train.census import Census
from train.checkpoint import Checkpoint
from train.corpus import Corpus
from train.device import Device
from train.loss_scale import LossScale
from train.model import GPT2, NextTokenLoss
from train.ranks import Ranks
from train.settings import Settings
from train.spikes import SpikeGuard

PADDED_FROM = 12_800  # vocabulary entries: from here on pads cost less than 1 %


class Training:
    """A model, its optimisers and its place in the data."""

    def __init__(
        self, settings: Settings, corpus: Corpus, ranks: Ranks, saved: Checkpoint | None = None
    ) -> None:
        """Starts from the checkpoint, or else from `init_from`'s or from random weights."""
        self.settings, self.corpus, self.ranks = settings, corpus, ranks
        asked, shape, state = settings.train, settings.model, saved.state if saved else {}
        self.device: Device = device.choose(asked.dtype, asked.deterministic, ranks)
        if self.device.where.type == "cpu":
            memory.check_machine(shape.matrix_weights)
        self.attention, self.attention_reason = ranks.from_leader(
            device.choose_attention(
                asked.attention, state.get("attention"), shape, asked.micro_batch_size, self.device
            )
        )
        torch.manual_seed(asked.seed)
        self.model = GPT2(shape)
        if saved:
            saved.load_weights(self.model)
        elif asked.init_from:
            huggingface.load(self.model, asked.init_from)
        objective = NextTokenLoss(self.model, vocab_multiple=128 if shape.vocab_size >= PADDED_FROM else 1)
        parallel.distribute(objective, shard=asked.shard, device=self.device, ranks=ranks)
        self.optimizers = optimizer.build(self.model, asked)
        self.step = saved.step if saved else 0
        if saved:
            saved.load_moments(self.model, self.optimizers, ranks)
        self.spikes = SpikeGuard(asked, self.device.where, state.get("recent_losses", []))
        self.scale = LossScale(self.device, state.get("loss_scale"))
        self._plain = objective
        self.objective = cast(nn.Module, torch.compile(objective)) if asked.compile else objective
        self.synchronised = parallel.replicated(self.objective, shard=asked.shard, ranks=ranks)
        self.order = data.Order(corpus.train.tokens, shape.n_positions, asked.seed)
        self.loader = data.Loader(self.micro_batches)

    @property
    def compiles(self) -> bool:
        """Whether the next step is one of a compiled model, which takes minutes to make."""
        return self.settings.train.compile and self.step < self.settings.train.steps

    def check_compiled(self) -> None:
        """Raises TrainError if the compiled model does not compute what the model does."""
        if self.compiles:
            compiled.check(self._plain, self.objective, self.micro_batches(self.step)[0], self.device)

    @property
    def tokens_per_step(self) -> int:
        return self.settings.train.batch_size * self.settings.model.n_positions

    def update(self) -> tuple[float, Tensor]:
        """One step: its learning rate and, on the device, (mean loss in nats, gradient norm, the loss's
        z-score among the latest, 1 if the update was skipped, the loss scale). Nothing here waits for a CUDA
        device."""
        return self.learn_from(self.loader.take(self.step))

    def learn_from(self, batches: list[data.Batch]) -> tuple[float, Tensor]:
        """`update` on these micro-batches instead of the step's own."""
        asked = self.settings.train
        lr = optimizer.learning_rate(self.step + 1, asked)
        loss = torch.zeros((), device=self.device.where)
        for ids, targets in batches[:-1]:
            with parallel.accumulating(self.synchronised):
                loss += self._backward(ids, targets)
        loss += self._backward(*batches[-1])
        loss = self.ranks.total(loss) / self.ranks.size
        self.scale.off(self.model.parameters())
        norm = parallel.whole(nn.utils.clip_grad_norm_(self.model.parameters(), asked.grad_clip))
        z, skipped = self.spikes.judge(loss, norm)
        optimizer.apply(self.optimizers, lr, skipped, waits=self.device.waits_to_skip)
        measured = torch.stack([loss, norm, z, skipped, self.scale.factor])
        self.scale.adapt(norm)
        self.step += 1
        return lr, measured

    def _backward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Adds a micro-batch's gradient to the parameters', and returns its part of the loss."""
        scored = self.settings.train.batch_size // self.ranks.size * ids.size(1)
        with self.device.autocast():
            loss: Tensor = self.synchronised(self.device.put(ids), self.device.put(targets)) / scored
        self.scale.on(loss).backward()
        return loss.detach()

    def micro_batches(self, step: int) -> list[data.Batch]:
        """This rank's, of the step that follows so many finished ones."""
        asked = self.settings.train
        batches = data.training_batches(
            self.corpus.train, self.order, step, asked.batch_size, asked.micro_batch_size, self.ranks
        )
        return [(self.device.staged(ids), self.device.staged(targets)) for ids, targets in batches]

    def validation(
        self, utf8_bytes: int | None, told: Callable[[int, int], None]
    ) -> tuple[float | None, float | None]:
        """Loss in nats per token and bits per UTF-8 byte on the validation split, which has so many bytes;
        None where it has no tokens, its bytes are not known, or the loss is no number. `told` hears how many
        windows are done, of how many."""
        split, length = self.corpus.validation, self.settings.model.n_positions
        rows = self.settings.train.micro_batch_size
        loss = evaluate.loss(self.objective, split, length, rows, self.device, self.ranks, told)
        if loss is None or not math.isfinite(loss):
            return None, None
        return loss, evaluate.bits_per_byte(loss, split.tokens, utf8_bytes)

    def state(self, census: Census, val_loss: float | None) -> dict[str, Any]:
        """What a checkpoint's state.json says beside the generators."""
        sequences = self.step * self.settings.train.batch_size
        return {
            "step": self.step,
            "tokens": self.step * self.tokens_per_step,
            "data": {
                "sequences": sequences,
                "epoch": round(sequences / self.order.windows, 3),
                "tokens": self.corpus.train.tokens,
                "sha256": census.sha256,
            },
            "schedule": {"lr": self.optimizers[0].param_groups[0]["lr"], "steps": self.settings.train.steps},
            "recent_losses": self.spikes.state(),
            "loss_scale": self.scale.state(),
            "val_loss": val_loss,
            "unigram_entropy": census.unigram_entropy,
            "parameters": self.model.parameter_count(),
            "device": self.device.name,
            "attention": self.attention,
            "ranks": self.ranks.size,
            "torch": torch.__version__,
        }
