"""The training loop: token files and settings in, a run directory out.

`train` is the whole story in order; training.py is what moves from step to step.
"""

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from train import checkpoint, device, prepare, report, rundir, saving
from train.census import Census
from train.errors import Interrupted, RunFailed
from train.journal import Journal
from train.progress import Progress
from train.ranks import joined
from train.settings import Settings
from train.settings_file import one_line_each
from train.spikes import SpikePolicy
from train.stopping import StopRequest, stop_request
from train.training import Training


def train(tokens: Path, run: Path, settings: Settings, progress: Progress | None = None) -> dict[str, Any]:
    """Trains a GPT-2 on a corpus's token files, or goes on where this run stopped, up to `train.steps`.

    `tokens` is a corpus or its `tokens/`; `run` is made or resumed. Returns `report.summary(run)`.
    Raises TrainError for what the user can mend, before the first step; Interrupted after a SIGTERM or
    Ctrl-C, saved; RunFailed when the loss is no longer a number, or as `train.on_spike` says.
    """
    with joined() as ranks:
        shown = progress if progress and ranks.leads else Progress()
        settings, corpus = prepare.resolve(tokens, run, settings, ranks)
        with rundir.opened(run, settings) if ranks.leads else nullcontext():
            with prepare.memory_told(settings.train):
                shown.preparing(f"reading {corpus.train.tokens:,} tokens")
                census = prepare.census(corpus, run, settings, ranks)
                training = Training(settings, corpus, ranks, checkpoint.newest(run))
                if slow := prepare.slow_told(training):
                    shown.preparing(slow)
                with device.attention(training.attention), _no_collection_pauses():
                    if training.compiles:
                        shown.preparing(f"compiling for {training.device.name}")
                    training.check_compiled()
                    if ranks.leads:
                        rundir.describe(run, settings, corpus.tokenizer)
                        saving.tidy(run, settings.train)  # a kill may have come before the last time
                    ranks.wait()  # so that a signal does not end one at once and ask another to save
                    with stop_request(shown.saves_in_vain) as stop:  # until here there is nothing to save
                        _go_on(training, run, census, stop, shown)
            if ranks.leads:
                report.write(run)
            ranks.wait()
    return report.summary(run)


def _go_on(training: Training, run: Path, census: Census, stop: StopRequest, progress: Progress) -> None:
    """Steps on to the end, to a request to stop, or to a failure."""
    settings = training.settings
    work = device.flops_per_token(training.model)
    journal = Journal(run, training.step, settings, work, training.device, training.ranks)
    policy, kept = SpikePolicy(settings.train, run), report.Kept(run)
    try:
        progress.begin(_about(training, census, run), training.step, settings.train.steps)
        journal.restart_clock()
        while training.step < settings.train.steps:
            journal.add(*training.update())
            _after_step(training, run, census, journal, policy, stop, progress, kept)
    except RunFailed:
        if training.ranks.leads:
            with suppress(OSError):  # a full disk may be why
                kept.write(training.state(census, None))
        raise
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
    kept: report.Kept,
) -> None:
    """Logs, evaluates, saves and stops, each where it is due."""
    asked, step, ranks = training.settings.train, training.step, training.ranks
    last = step == asked.steps
    to_evaluate = last or step % asked.eval_every == 0
    to_save = last or step % asked.save_every == 0
    stopping = ranks.any(stop.asked)
    if not (to_evaluate or to_save or stopping or step % asked.log_every == 0):
        return
    _log(step, journal, policy, progress)
    val_loss = None
    if to_evaluate:
        val_loss, bits_per_byte = training.validation(census.validation_bytes, progress.evaluating)
        progress.evaluated(journal.evaluated(step, val_loss, bits_per_byte))
    if not (to_evaluate or to_save or stopping):
        return
    state = training.state(census, val_loss)
    if to_save or stopping:
        journal.sync()
        saving.save(run, step, training.model, training.optimizers, state, asked, ranks)
        if ranks.leads:
            kept.write(state)
        progress.saved(step)
    elif ranks.leads:
        kept.write_if_due(state)
    gc.collect()
    journal.restart_clock()
    if stopping and not last:
        raise Interrupted(f"interrupted after step {step:,}, saved; the same command goes on from there")


def _log(step: int, journal: Journal, policy: SpikePolicy, progress: Progress) -> None:
    """Writes down and shows what is not yet; raises RunFailed for spikes, as the settings say."""
    found = journal.flush(step)
    for row in found:
        if "spike_z" in row:
            progress.spiked(row)
    policy.look(found)
    progress.stepped(found[-1])


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
    asked = training.settings.train
    each, number = saving.room(training.model, asked)
    free, kept = shutil.disk_usage(run).free, len(checkpoint.finished(run))
    short = ": too little, the run will end when it is used up" if free < each * (number - kept) else ""
    lines = (
        one_line_each(training.settings),
        f"GPT-2 of {training.model.parameter_count() / 1e6:,.1f} M parameters on {training.device.name}, "
        f"{str(training.device.precision).removeprefix('torch.')}, attention: {training.attention_reason}",
        f"MFU: (6N + 12LdT) FLOPs a token against {peak / 1e12:,.0f} TFLOP/s" if peak else "",
        f"{training.corpus.train.tokens:,} training tokens, unigram entropy "
        f"{census.unigram_entropy:.2f} nats",
        f"a checkpoint takes {_gigabytes(each)}, up to {number} at a time; "
        f"{_gigabytes(free)} are free{short}",
        f"train.warmup_steps = {asked.warmup_steps:,} of {asked.steps:,} steps: "
        f"lr never comes to {asked.lr:g}"
        if asked.warmup_steps > asked.steps
        else "",
    )
    return "\n".join(line for line in lines if line)


def _gigabytes(size_bytes: int) -> str:
    """To three digits, or whole ones."""
    count = size_bytes / 1e9
    return f"{count:,.0f} GB" if count >= 100 else f"{count:.3g} GB"
