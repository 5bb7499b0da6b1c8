"""A dry run: what a training would be and take, measured on micro-batches of it. Nothing is written."""

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from train import checkpoint, device, files, prepare, rundir, saving
from train.data import Batch
from train.ranks import joined
from train.settings import Settings
from train.training import Training

ENOUGH_S = 10.0  # of measuring
ENOUGH_MICRO_BATCHES = 4  # of a step: the update after them is then little of what is measured
ENOUGH_TIMES = 5


def rehearse(
    tokens: Path, run: Path, settings: Settings, told: Callable[[str], None] = lambda _line: None
) -> dict[str, Any]:
    """What `loop.train` would do with the same arguments, from where the run stands; `told` hears meanwhile
    what is being done.

    Raises TrainError for all that would keep it from its first step. Seconds are those of steps alone,
    without evaluations and checkpoints; memory is the most while measuring, in 1e9 bytes. Where a CPU
    needs hours for a step, one sequence is timed, and memory is not known.
    """
    with joined() as ranks:
        settings, corpus = prepare.resolve(tokens, run, settings, ranks)
        if ranks.leads:
            rundir.check(run, settings)
            files.check_made(run, "give another --out")
        told(f"reading {corpus.train.tokens:,} tokens")
        with prepare.memory_told(settings.train):
            prepare.census(corpus, run, settings, ranks)
            training = Training(settings, corpus, ranks, checkpoint.newest(run))
            if slow := prepare.slow_told(training):
                told(f"{slow}; one sequence is timed, without compiling")
                del training  # memory may not hold two
                training = Training(_least(settings), corpus, ranks, checkpoint.newest(run))
            after_step = training.step
            with device.attention(training.attention):
                told(f"{'compiling and ' if training.compiles else ''}timing on {training.device.name}")
                training.check_compiled()
                seconds = _seconds_a_step(training)
        return _estimate(training, run, settings, after_step, seconds, memory_known=not slow)


def _estimate(
    training: Training, run: Path, settings: Settings, after_step: int, seconds: float, *, memory_known: bool
) -> dict[str, Any]:
    """What the steps that are left take, by the seconds of one: measuring has taken some itself."""
    left = max(0, settings.train.steps - after_step)
    work = device.flops_per_token(training.model) * training.tokens_per_step
    peak = training.device.peak_flops()
    each, number = saving.room(training.model, settings.train)
    return {
        "run": str(run),
        "settings": dataclasses.asdict(settings),
        "parameters": training.model.parameter_count(),
        "device": training.device.name,
        "precision": str(training.device.precision).removeprefix("torch."),
        "attention": training.attention_reason,
        "after_step": after_step,
        "steps": left,
        "tokens_per_step": training.tokens_per_step,
        "tokens": left * training.tokens_per_step,
        "corpus_tokens": training.corpus.train.tokens,
        "epochs": round(settings.train.steps * settings.train.batch_size / training.order.windows, 3),
        "flops": left * work,
        "seconds_per_step": seconds,
        "seconds": left * seconds,
        "tokens_per_s": round(training.tokens_per_step / seconds, 1),
        "mfu": None if peak is None else round(work / seconds / (peak * training.ranks.size), 4),
        "memory_gb": round(training.device.memory_gb(), 3) if memory_known else None,
        "checkpoint_gb": round(each / 1e9, 3),
        "checkpoints": number,
        "free_gb": round(_free_bytes(run) / 1e9, 3),
    }


def _least(settings: Settings) -> Settings:
    """As little at a time as there is, of a step that takes hours."""
    return dataclasses.replace(
        settings, train=dataclasses.replace(settings.train, micro_batch_size=1, compile=False)
    )


def _seconds_a_step(training: Training) -> float:
    """Of a step's first micro-batches and an update, as if the others took as long."""
    batches = training.micro_batches(training.step)
    first = training.ranks.from_leader(_seconds(training, batches[:1]))  # kernels are chosen and loaded
    if first > ENOUGH_S:
        return first * len(batches)
    some = batches[: min(ENOUGH_MICRO_BATCHES, int(ENOUGH_S / first))]
    times = max(1, min(ENOUGH_TIMES, int(ENOUGH_S / first / len(some))))
    return median(_seconds(training, some) for _ in range(times)) * len(batches) / len(some)


def _seconds(training: Training, batches: list[Batch]) -> float:
    training.device.wait()
    began = time.perf_counter()
    _, measured = training.learn_from(batches)
    measured.tolist()  # waits for the device
    return time.perf_counter() - began


def _free_bytes(run: Path) -> int:
    there = next(path for path in (run, *run.absolute().parents) if path.is_dir())
    return shutil.disk_usage(there).free
