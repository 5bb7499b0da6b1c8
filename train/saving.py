"""Writing a checkpoint, and which of a run's stay.

A checkpoint is written under another name, fsynced, renamed, and only then marked DONE.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from train import files, generators
from train.checkpoint import DONE, FOLDER, MODEL, NAME, STATE, Checkpoint, finished, moments_file
from train.errors import RunFailed, TrainError
from train.parallel import is_sharded, own_part, whole
from train.ranks import Ranks
from train.settings import TrainSettings


def save(
    run: Path,
    step: int,
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    state: dict[str, Any],
    settings: TrainSettings,
    ranks: Ranks,
) -> Checkpoint:
    """Writes the checkpoint of `step`, then removes all but those to keep. Every rank must call it.

    Raises RunFailed if it cannot be written; those before it are as they were.
    """
    path = run / FOLDER / f"step-{step:08}"
    try:
        _write(path, model, optimizers, {"version": 1, "step": step, **state}, ranks)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(_beside(path), ignore_errors=True)
        raise RunFailed(
            f"step {step:,} could not be saved in {run}: {error}; once it can, the same command goes on from "
            "the newest checkpoint"
        ) from None
    if ranks.leads:
        tidy(run, settings)
    return Checkpoint(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _write(
    path: Path, model: nn.Module, optimizers: Sequence[Optimizer], state: dict[str, Any], ranks: Ranks
) -> None:
    beside = _beside(path)
    if ranks.leads:
        for stale in (beside, path):
            _remove(stale)
        beside.mkdir(parents=True)
    ranks.wait()
    sharded = any(is_sharded(parameter) for parameter in model.parameters())
    mine, sums = moments_file(ranks.rank), dict[str, str]()
    if ranks.leads or sharded:
        save_file(_moments(model, optimizers), beside / mine)
        sums[mine] = files.sha256(beside / mine)
    weights = {name: _for_file(whole(tensor), ranks) for name, tensor in model.state_dict().items()}
    everyones = ranks.all((generators.states(), sums))  # also tells that every rank has written its file
    if ranks.leads:
        save_file(weights, beside / MODEL, metadata={"format": "pt"})
        for _, each in everyones:
            sums |= each
        sums[MODEL] = files.sha256(beside / MODEL)
        state |= {"moment_files": ranks.size if sharded else 1, "sha256": sums}
        state["rng"] = [states for states, _ in everyones]
        (beside / STATE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        readers = (beside / STATE).stat().st_mode  # as the umask says; safetensors lets its owner alone read
        for written in beside.iterdir():
            written.chmod(readers)
            files.sync(written)
        files.sync(beside)
        beside.rename(path)
        files.sync(path.parent)
        files.write(path / DONE, "")


def room(model: nn.Module, settings: TrainSettings) -> tuple[int, int]:
    """The bytes of a checkpoint at most, weights and two moments, and how many are on disk at a time."""
    each = 3 * sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    return each, settings.keep_last + settings.keep_best + 1  # the new one, before an old one goes


def tidy(run: Path, settings: TrainSettings) -> None:
    """Keeps the last ones and those with the lowest validation loss; removes the others and torn ones."""
    found = finished(run)
    judged = [(loss, one) for one in found if (loss := _val_loss(one)) is not None]
    judged.sort(key=lambda item: item[0])  # of equal ones the oldest stays first
    best = [one for _, one in judged[: settings.keep_best]]
    kept = {one.path for one in (*found[-settings.keep_last :], *best)}
    for path in (run / FOLDER).iterdir():
        if path not in kept and NAME.fullmatch(path.name.removeprefix(".").removesuffix(".tmp")):
            _remove(path)


def _remove(path: Path) -> None:
    """Of what a link leads to, which the user has put elsewhere, only the link goes."""
    if path.is_symlink():
        path.unlink()
        return
    (path / DONE).unlink(missing_ok=True)  # first, so that a half-removed one does not count
    shutil.rmtree(path, ignore_errors=True)


def _val_loss(one: Checkpoint) -> float | None:
    """None also of a damaged one, which is no reason to stop a run that has gone on."""
    try:
        loss: float | None = one.state.get("val_loss")
    except TrainError:
        return None
    return loss


def _moments(model: nn.Module, optimizers: Sequence[Optimizer]) -> dict[str, Tensor]:
    """`exp_avg.transformer.wte.weight` and the like: the moments under their parameters' names."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{kind}.{names[parameter]}": own_part(tensor).contiguous()
        for optimizer in optimizers
        for parameter, moments in optimizer.state.items()
        for kind, tensor in moments.items()
    }


def _for_file(tensor: Tensor, ranks: Ranks) -> Tensor:
    """The tensor in the host's memory on the rank that writes it; an empty one on the others."""
    return tensor.contiguous().cpu() if ranks.leads else torch.empty(0)
