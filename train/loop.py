"""The training loop: token files and settings in, a run directory out.

`train` is the whole story in order; `Training` is what moves from step to step.
"""

import dataclasses
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train import checkpoint, data, device, evaluate, huggingface, optimizer, report, rundir
from train.corpus import Census, Corpus, check_split, find_corpus
from train.device import Device
from train.errors import Interrupted, TrainError
from train.journal import Journal
from train.model import GPT2, NextTokenLoss
from train.progress import Progress
from train.ranks import Ranks, joined
from train.settings import Settings
from train.stopping import StopRequest, stop_request


def train(tokens: Path, run: Path, settings: Settings, progress: Progress | None = None) -> dict[str, Any]:
    """Trains a GPT-2 on a corpus's token files, or goes on where this run stopped, up to `train.steps`.

    `tokens` is a corpus or its `tokens/`; `run` is made or resumed. Returns `report.summary(run)`.
    Raises TrainError for what the user can mend, before the first step; Interrupted after a SIGTERM or
    Ctrl-C, saved; RunFailed when the loss is no longer a number.
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
            ranks.wait()
            training = Training(settings, corpus, ranks)
            with device.attention(settings.train.attention, training.device, shape.n_embd // shape.n_head):
                _go_on(training, run, census, stop, progress)
            if ranks.leads:
                report.write(run)
            ranks.wait()
    return report.summary(run)


class Training:
    """A model, its optimiser and its place in the data."""

    def __init__(self, settings: Settings, corpus: Corpus, ranks: Ranks) -> None:
        self.settings, self.corpus, self.ranks = settings, corpus, ranks
        self.order = data.Order(corpus.train.tokens, settings.model.n_positions, settings.train.seed)
        self.device: Device = device.choose(settings.train.dtype, ranks)
        torch.manual_seed(settings.train.seed)
        self.model = GPT2(settings.model).to(self.device.where)
        self.optimizer = optimizer.build(self.model, settings.train)
        self.step = 0
        objective: nn.Module = NextTokenLoss(self.model)
        self.objective = cast(nn.Module, torch.compile(objective)) if settings.train.compile else objective
        self.synchronised = DistributedDataParallel(self.objective) if ranks.size > 1 else None

    @property
    def tokens_per_step(self) -> int:
        return self.settings.train.batch_size * self.settings.model.n_positions

    def update(self) -> tuple[float, Tensor]:
        """One step: its learning rate and, on the device, (mean loss in nats of this rank, gradient norm)."""
        asked = self.settings.train
        lr = optimizer.learning_rate(self.step + 1, asked)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        share = asked.batch_size // self.ranks.size
        loss = torch.zeros((), device=self.device.where)
        batches = data.training_batches(
            self.corpus.train, self.order, self.step, asked.batch_size, asked.micro_batch_size, self.ranks
        )
        for at, (ids, targets) in enumerate(batches, start=1):
            last = at * asked.micro_batch_size >= share
            loss += self._backward(ids, targets, share * ids.size(1), synchronise=last)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), asked.grad_clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return lr, torch.stack([loss, norm])

    def _backward(self, ids: Tensor, targets: Tensor, scored: int, *, synchronise: bool) -> Tensor:
        """Adds a micro-batch's gradient; the ranks' gradients are averaged after the last one only."""
        objective = self.synchronised or self.objective
        alone = self.synchronised is None or synchronise
        with nullcontext() if alone else cast(DistributedDataParallel, objective).no_sync():
            with self.device.autocast():
                loss: Tensor = objective(self.device.put(ids), self.device.put(targets)) / scored
            loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def validation(self) -> tuple[float | None, float | None]:
        """Loss in nats per token and bits per UTF-8 byte on the validation split."""
        split, length = self.corpus.validation, self.settings.model.n_positions
        rows = self.settings.train.micro_batch_size
        loss = evaluate.loss(self.objective, split, length, rows, self.device, self.ranks)
        return loss, evaluate.bits_per_byte(loss, split)

    def state(self, census: Census) -> dict[str, Any]:
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
            "schedule": {"lr": self.optimizer.param_groups[0]["lr"], "steps": self.settings.train.steps},
            "unigram_entropy": census.unigram_entropy,
            "parameters": self.model.parameter_count(),
            "device": self.device.name,
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


def _check_tokens(corpus: Corpus, run: Path, source: str) -> Census:
    """Reads all tokens once: they are whole, of this vocabulary, and those the run was started on."""
    census = check_split(corpus.train, corpus.vocab_size)
    check_split(corpus.validation, corpus.vocab_size)
    saved = checkpoint.newest(run)
    if source and not saved:
        huggingface.check_vocabulary(source, corpus.tokenizer)
    if saved and saved.state["data"]["sha256"] != census.sha256:
        raise TrainError(f"{run} was trained on other tokens: give the same corpus, or another --out")
    return census


def _go_on(
    training: Training, run: Path, census: Census | None, stop: StopRequest, progress: Progress
) -> None:
    """Resumes from the newest checkpoint and steps on to the end, to a request to stop, or to a failure."""
    saved = checkpoint.newest(run)
    if saved:
        saved.load(training.model, training.optimizer)
        training.step = saved.step
    elif training.settings.train.init_from:
        huggingface.load(training.model, training.settings.train.init_from)
    work = device.flops_per_token(training.model)
    journal = Journal(run, training.step, training.tokens_per_step, work, training.device, training.ranks)
    progress = progress if training.ranks.leads else Progress()
    try:
        progress.begin(_about(training, census), training.step, training.settings.train.steps)
        journal.restart_clock()
        while training.step < training.settings.train.steps:
            journal.add(*training.update())
            _after_step(training, run, census, journal, stop, progress)
    finally:
        progress.end()
        journal.close()


def _after_step(
    training: Training,
    run: Path,
    census: Census | None,
    journal: Journal,
    stop: StopRequest,
    progress: Progress,
) -> None:
    """Logs, evaluates, saves and stops, each where it is due."""
    asked, step, ranks = training.settings.train, training.step, training.ranks
    last = step == asked.steps
    evaluating = last or step % asked.eval_every == 0
    saving = last or step % asked.save_every == 0
    alone_and_asked = ranks.size == 1 and stop.asked
    if not (evaluating or saving or alone_and_asked or step % asked.log_every == 0):
        return
    if found := journal.flush(step):
        progress.stepped(found[-1])
    # Several ranks agree on stopping where they look at the device anyway.
    stopping = bool(ranks.total(torch.tensor(float(stop.asked), device=training.device.where)) > 0)
    if evaluating:
        progress.evaluated(journal.evaluated(step, *training.validation()))
    if saving or stopping:
        if census:
            journal.sync()
            checkpoint.save(
                run, step, training.model, training.optimizer, training.state(census), asked.keep_last
            )
            report.write(run)
            progress.saved(step)
        journal.restart_clock()
    if stopping and not last:
        raise Interrupted(f"interrupted after step {step:,}, saved; the same command goes on from there")


def _about(training: Training, census: Census | None) -> str:
    entropy = f", unigram entropy {census.unigram_entropy:.2f} nats" if census else ""
    return (
        f"GPT-2 of {training.model.parameter_count() / 1e6:,.1f} M parameters on {training.device.name}; "
        f"{training.corpus.train.tokens:,} training tokens{entropy}"
    )
