"""The training loop: token files and settings in, a run directory out.

`train` is the whole story in order; `Training` is what moves from step to step.
"""

import dataclasses
import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from train import (
    checkpoint,
    compiled,
    data,
    device,
    evaluate,
    huggingface,
    optimizer,
    parallel,
    report,
    rundir,
)
from train.checkpoint import Checkpoint
from train.corpus import Census, Corpus, check_split, find_corpus
from train.device import Device
from train.errors import Interrupted, TrainError
from train.journal import Journal
from train.model import GPT2, NextTokenLoss
from train.progress import Progress
from train.ranks import Ranks, joined
from train.settings import Settings, one_line_each
from train.spikes import SpikeGuard, SpikePolicy
from train.stopping import StopRequest, stop_request

PADDED_FROM = 12_800  # vocabulary entries: from here on pads cost less than 1 %


def train(tokens: Path, run: Path, settings: Settings, progress: Progress | None = None) -> dict[str, Any]:
    """Trains a GPT-2 on a corpus's token files, or goes on where this run stopped, up to `train.steps`.

    `tokens` is a corpus or its `tokens/`; `run` is made or resumed. Returns `report.summary(run)`.
    Raises TrainError for what the user can mend, before the first step; Interrupted after a SIGTERM or
    Ctrl-C, saved; RunFailed when the loss is no longer a number, or as `train.on_spike` says.
    """
    progress = progress or Progress()
    with joined() as ranks, stop_request() as stop:
        settings = _with_shape_of_init(settings, run)
        corpus = find_corpus(tokens, settings.data, settings.model.vocab_size)
        shape = dataclasses.replace(settings.model, vocab_size=corpus.vocab_size)
        settings = dataclasses.replace(settings, model=shape)
        _check_shares(settings, ranks)
        with rundir.opened(run, settings, corpus.tokenizer) if ranks.leads else nullcontext():
            census = _check_tokens(corpus, run, settings.train.init_from) if ranks.leads else None
            census = ranks.from_leader(census)
            assert census is not None
            training = Training(settings, corpus, ranks, checkpoint.newest(run))
            with device.attention(training.attention), _no_collection_pauses():
                training.check_compiled()
                _go_on(training, run, census, stop, progress if ranks.leads else Progress())
            if ranks.leads:
                report.write(run)
            ranks.wait()
    return report.summary(run)


class Training:
    """A model, its optimisers and its place in the data."""

    def __init__(
        self, settings: Settings, corpus: Corpus, ranks: Ranks, saved: Checkpoint | None = None
    ) -> None:
        """Starts from the checkpoint, or else from `init_from`'s or from random weights."""
        self.settings, self.corpus, self.ranks = settings, corpus, ranks
        asked, shape, state = settings.train, settings.model, saved.state if saved else {}
        self.device: Device = device.choose(asked.dtype, asked.deterministic, ranks)
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
        self._plain = objective
        self.objective = cast(nn.Module, torch.compile(objective)) if asked.compile else objective
        self.synchronised = parallel.replicated(self.objective, shard=asked.shard, ranks=ranks)
        self.order = data.Order(corpus.train.tokens, shape.n_positions, asked.seed)
        self.loader = data.Loader(self._read)

    def check_compiled(self) -> None:
        """Raises TrainError if the compiled model does not compute what the model does."""
        if self.settings.train.compile and self.step < self.settings.train.steps:
            compiled.check(self._plain, self.objective, self._read(self.step)[0], self.device)

    @property
    def tokens_per_step(self) -> int:
        return self.settings.train.batch_size * self.settings.model.n_positions

    def update(self) -> tuple[float, Tensor]:
        """One step: its learning rate and, on the device, (mean loss in nats, gradient norm, the loss's
        z-score among the latest, 1 if the update was skipped). Nothing here waits for a CUDA device."""
        asked = self.settings.train
        lr = optimizer.learning_rate(self.step + 1, asked)
        loss = torch.zeros((), device=self.device.where)
        batches = self.loader.take(self.step)
        for ids, targets in batches[:-1]:
            with parallel.accumulating(self.synchronised):
                loss += self._backward(ids, targets)
        loss += self._backward(*batches[-1])
        loss = self.ranks.total(loss) / self.ranks.size
        norm = parallel.whole(nn.utils.clip_grad_norm_(self.model.parameters(), asked.grad_clip))
        z, skipped = self.spikes.judge(loss, norm)
        optimizer.apply(self.optimizers, lr, skipped, waits=self.device.waits_to_skip)
        self.step += 1
        return lr, torch.stack([loss, norm, z, skipped])

    def _backward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Adds a micro-batch's gradient to the parameters', and returns its part of the loss."""
        scored = self.settings.train.batch_size // self.ranks.size * ids.size(1)
        with self.device.autocast():
            loss: Tensor = self.synchronised(self.device.put(ids), self.device.put(targets)) / scored
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _read(self, step: int) -> list[data.Batch]:
        asked = self.settings.train
        batches = data.training_batches(
            self.corpus.train, self.order, step, asked.batch_size, asked.micro_batch_size, self.ranks
        )
        return [(self.device.staged(ids), self.device.staged(targets)) for ids, targets in batches]

    def validation(self) -> tuple[float | None, float | None]:
        """Loss in nats per token and bits per UTF-8 byte on the validation split."""
        split, length = self.corpus.validation, self.settings.model.n_positions
        rows = self.settings.train.micro_batch_size
        loss = evaluate.loss(self.objective, split, length, rows, self.device, self.ranks)
        return loss, evaluate.bits_per_byte(loss, split)

    def state(self, census: Census, val_loss: float | None) -> dict[str, Any]:
        """What a checkpoint's state.json says beside the step and the generators."""
        sequences = self.step * self.settings.train.batch_size
        return {
            "tokens": self.step * self.tokens_per_step,
            "data": {
                "sequences": sequences,
                "epoch": round(sequences / self.order.windows, 3),
                "tokens": self.corpus.train.tokens,
                "sha256": census.sha256,
            },
            "schedule": {"lr": self.optimizers[0].param_groups[0]["lr"], "steps": self.settings.train.steps},
            "recent_losses": self.spikes.state(),
            "val_loss": val_loss,
            "unigram_entropy": census.unigram_entropy,
            "parameters": self.model.parameter_count(),
            "device": self.device.name,
            "attention": self.attention,
            "ranks": self.ranks.size,
            "torch": torch.__version__,
        }


def _with_shape_of_init(settings: Settings, run: Path) -> Settings:
    """`train.init_from`'s shape; a run that has a checkpoint knows it and needs that model no more."""
    source = settings.train.init_from
    if not source:
        return settings
    if checkpoint.newest(run) and rundir.load(run).train.init_from == source:
        return dataclasses.replace(settings, model=rundir.load(run).model)
    return dataclasses.replace(settings, model=huggingface.shape(source))


def _check_shares(settings: Settings, ranks: Ranks) -> None:
    asked = settings.train
    if asked.batch_size % (asked.micro_batch_size * ranks.size):
        raise TrainError(
            f"train.batch_size = {asked.batch_size} does not divide into micro-batches of "
            f"{asked.micro_batch_size} on {ranks.size} ranks; change train.micro_batch_size or the ranks"
        )


def _check_tokens(corpus: Corpus, run: Path, init_from: str) -> Census:
    """Reads all tokens once: they are whole, of this vocabulary, and those the run was started on."""
    census = check_split(corpus.train, corpus.vocab_size)
    check_split(corpus.validation, corpus.vocab_size)
    saved = checkpoint.newest(run)
    if saved and saved.state["data"]["sha256"] != census.sha256:
        raise TrainError(f"{run} was trained on other tokens: give the same corpus, or another --out")
    if init_from and not saved:
        huggingface.check_vocabulary(init_from, corpus.tokenizer)
    return census


def _go_on(training: Training, run: Path, census: Census, stop: StopRequest, progress: Progress) -> None:
    """Steps on to the end, to a request to stop, or to a failure."""
    settings = training.settings
    work = device.flops_per_token(training.model)
    journal = Journal(run, training.step, settings, work, training.device, training.ranks)
    policy = SpikePolicy(settings.train)
    try:
        progress.begin(_about(training, census, run), training.step, settings.train.steps)
        journal.restart_clock()
        while training.step < settings.train.steps:
            journal.add(*training.update())
            _after_step(training, run, census, journal, policy, stop, progress)
    finally:
        progress.end()
        journal.close()
        training.loader.close()


def _after_step(
    training: Training,
    run: Path,
    census: Census,
    journal: Journal,
    policy: SpikePolicy,
    stop: StopRequest,
    progress: Progress,
) -> None:
    """Logs, evaluates, saves and stops, each where it is due."""
    asked, step, ranks = training.settings.train, training.step, training.ranks
    last = step == asked.steps
    evaluating = last or step % asked.eval_every == 0
    saving = last or step % asked.save_every == 0
    stopping = ranks.any(stop.asked)
    if not (evaluating or saving or stopping or step % asked.log_every == 0):
        return
    found = journal.flush(step)
    for row in found:
        if "spike_z" in row:
            progress.spiked(row)
    policy.look(found)
    progress.stepped(found[-1])
    val_loss = None
    if evaluating:
        val_loss, bits_per_byte = training.validation()
        progress.evaluated(journal.evaluated(step, val_loss, bits_per_byte))
    if saving or stopping:
        journal.sync()
        state = training.state(census, val_loss)
        checkpoint.save(run, step, training.model, training.optimizers, state, asked, ranks)
        if ranks.leads:
            report.write(run)
        progress.saved(step)
        journal.restart_clock()
    if evaluating or saving:
        gc.collect()
    if stopping and not last:
        raise Interrupted(f"interrupted after step {step:,}, saved; the same command goes on from there")


@contextmanager
def _no_collection_pauses() -> Iterator[None]:
    """Python's garbage is collected beside evaluations and checkpoints, not in the middle of a step."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _about(training: Training, census: Census, run: Path) -> str:
    peak = training.device.peak_flops()
    each, number = checkpoint.room(training.model, training.settings.train)
    free, kept = shutil.disk_usage(run).free, len(checkpoint.finished(run))
    short = ": too little, the run will end when it is used up" if free < each * (number - kept) else ""
    lines = (
        one_line_each(training.settings),
        f"GPT-2 of {training.model.parameter_count() / 1e6:,.1f} M parameters on {training.device.name}, "
        f"{str(training.device.precision).removeprefix('torch.')}, attention: {training.attention_reason}",
        f"MFU: (6N + 12LdT) FLOPs a token against {peak / 1e12:,.0f} TFLOP/s" if peak else "",
        f"{training.corpus.train.tokens:,} training tokens, unigram entropy "
        f"{census.unigram_entropy:.2f} nats",
        f"a checkpoint takes {each / 1e9:,.3g} GB, up to {number} at a time; "
        f"{free / 1e9:,.3g} GB are free{short}",
    )
    return "\n".join(line for line in lines if line)
