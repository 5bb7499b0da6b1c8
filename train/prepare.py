"""What can be wrong before the first step: settings, tokens, ranks, and whether they are this run's."""

import dataclasses
from contextlib import AbstractContextManager
from pathlib import Path

from train import checkpoint, device, huggingface, memory, rundir, tensorboard
from train.census import Census, take_census
from train.corpus import Corpus, find_corpus
from train.errors import TrainError
from train.ranks import Ranks
from train.settings import Settings, TrainSettings
from train.training import Training

CPU_FLOPS_PER_S = 1e11  # of some cores of a laptop, as an order of magnitude
SLOW_STEP_HOURS = 0.5


def resolve(tokens: Path, run: Path, settings: Settings, ranks: Ranks) -> tuple[Settings, Corpus]:
    """The settings with nothing left open, and the token files, by their index; `tokens` is a corpus or its
    `tokens/`. Raises TrainError for what does not fit together."""
    settings = _with_shape_of_init(settings, run)
    corpus = find_corpus(tokens, settings.data, settings.model.vocab_size)
    shape = dataclasses.replace(settings.model, vocab_size=corpus.vocab_size)
    asked = settings.train
    if asked.batch_size % (asked.micro_batch_size * ranks.size):
        raise TrainError(
            f"train.batch_size = {asked.batch_size} does not divide into micro-batches of "
            f"{asked.micro_batch_size} on {ranks.size} ranks; change train.micro_batch_size or the ranks"
        )
    if ranks.leads:  # which alone writes
        tensorboard.require(asked.tensorboard)
    return dataclasses.replace(settings, model=shape), corpus


def _with_shape_of_init(settings: Settings, run: Path) -> Settings:
    """`train.init_from`'s shape; a run that has a checkpoint knows it and needs that model no more."""
    source = settings.train.init_from
    if not source:
        return settings
    if checkpoint.newest(run) and rundir.load(run).train.init_from == source:
        return dataclasses.replace(settings, model=rundir.load(run).model)
    return dataclasses.replace(settings, model=huggingface.shape(source))


def census(corpus: Corpus, run: Path, settings: Settings, ranks: Ranks) -> Census:
    """What the leading rank finds when it reads all tokens once. Raises TrainError if they are not whole, of
    this vocabulary, and those the run was started on."""
    found = _checked(corpus, run, settings.train.init_from) if ranks.leads else None
    found = ranks.from_leader(found)
    assert found is not None
    return found


def _checked(corpus: Corpus, run: Path, init_from: str) -> Census:
    found = take_census(corpus)
    saved = checkpoint.newest(run)
    if saved and saved.state["data"]["sha256"] != found.sha256:
        raise TrainError(f"{run} was trained on other tokens: give the same corpus, or another --out")
    if init_from and not saved:
        huggingface.check_vocabulary(init_from, corpus.tokenizer)
    return found


def slow_told(training: Training) -> str | None:
    """What a person should hear before a step that takes a CPU the better part of an hour, or more."""
    if training.device.where.type != "cpu":
        return None
    hours = device.flops_per_token(training.model) * training.tokens_per_step / CPU_FLOPS_PER_S / 3600
    if hours < SLOW_STEP_HOURS:
        return None
    return f"a step takes a CPU about {hours:,.1f} hours: --config demo and --config laptop are made for CPUs"


def memory_told(asked: TrainSettings) -> AbstractContextManager[None]:
    """Memory that is too small for what happens inside is a TrainError."""
    rows = asked.micro_batch_size
    less = f"train.micro_batch_size={rows // 2}" if rows > 1 else "train.shard=true on several GPUs"
    what = (
        f"the model and a step of {asked.batch_size:,} sequences, train.micro_batch_size = {rows:,} at a time"
    )
    return memory.told(what, f"--set {less}, or take a smaller model")
