"""A run's state at one step: `checkpoints/step-00000040/` with tensors as safetensors, the rest as JSON.

A checkpoint is written under another name, fsynced, renamed, and only then marked DONE: what has no DONE is
not a checkpoint. There is no pickle in it, so that reading one cannot run code. Weights are always whole;
moments are in one file, or in one a rank where the ranks hold shards. Any number of ranks can go on from it.
"""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from train import files, generators
from train.errors import RunFailed, TrainError
from train.parallel import is_sharded, own_part, placed_like, whole
from train.ranks import Ranks
from train.settings import TrainSettings

FOLDER = "checkpoints"  # of a run
MODEL, STATE, DONE = "model.safetensors", "state.json", "DONE"
MOMENTS = "optimizer-"  # how their files' names begin
NAME = re.compile(r"step-[0-9]+")
# What a file that is not as it was written makes its readers raise, torch's too.
DAMAGED = (ValueError, KeyError, TypeError, RuntimeError, SafetensorError)


@dataclass(frozen=True)
class Checkpoint:
    """A finished checkpoint on disk."""

    path: Path

    @property
    def step(self) -> int:
        """How many updates it holds."""
        return int(self.path.name.removeprefix("step-"))

    @property
    def state(self) -> dict[str, Any]:
        """state.json: data position, generators, schedule, and what the run is made of."""
        with self._whole(STATE) as file:
            state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if odd := _odd(state):
                raise ValueError(odd)
        return state

    def require_weights(self) -> None:
        """Raises TrainError if it has no file of weights."""
        with self._whole(MODEL):
            pass

    def load_weights(self, model: nn.Module) -> None:
        """Puts its weights into a model that is not sharded yet. Raises TrainError if they are damaged, or
        another model's."""
        with self._whole(MODEL) as file:
            weights = load_file(file)
            for name, tensor in model.state_dict().items():
                _fits(name, weights.get(name), tensor)
                if not weights[name].isfinite().all():
                    raise ValueError(f"{name} has weights that are no numbers")
        model.load_state_dict({name: weights[name] for name in model.state_dict()})

    def load_moments(self, model: nn.Module, optimizers: Sequence[Optimizer], ranks: Ranks) -> None:
        """Puts its moments into the model's optimisers and this rank's generators' states into torch."""
        parameters = dict(model.named_parameters())
        owners = {p: one for one in optimizers for group in one.param_groups for p in group["params"]}
        for key, tensor in self._moments().items():
            kind, _, name = key.partition(".")
            with self._whole(_moments_file(0)):
                parameter = parameters[name]
                _fits(key, tensor, parameter if kind != "step" else torch.tensor(0.0))
            owners[parameter].state[parameter][kind] = placed_like(tensor, parameter)
        with self._whole(_moments_file(0)):
            for one in optimizers:
                _alike([one.state.get(p, {}) for group in one.param_groups for p in group["params"]])
        saved = self.state["rng"]
        with self._whole(STATE):
            generators.restore(saved[ranks.rank % len(saved)])

    def _moments(self) -> dict[str, Tensor]:
        there = len(list(self.path.glob(f"{MOMENTS}*.safetensors")))
        number, parts = self.state.get("moment_files", max(1, there)), []
        for rank in range(number):
            with self._whole(_moments_file(rank)) as file:
                parts.append(load_file(file))
        return {
            key: torch.cat([part[key] for part in parts]) if number > 1 and tensor.dim() > 0 else tensor
            for key, tensor in parts[0].items()
        }

    @contextmanager
    def _whole(self, name: str) -> Iterator[Path]:
        """One of its files, and what to do where it is not whole; a disk that fails says so itself."""
        try:
            if (self.path / name).is_dir():
                raise ValueError("it is a folder")
            files.require_readable(self.path / name)
            yield self.path / name
        except (FileNotFoundError, *DAMAGED) as error:
            what = "missing" if isinstance(error, FileNotFoundError) else f"damaged ({error})"
            raise TrainError(
                f"{self.path / name} is {what}: remove {self.path} to go on from the checkpoint before it, "
                "if there is one"
            ) from None


def finished(run: Path) -> list[Checkpoint]:
    """The run's checkpoints that are marked DONE, oldest first. Folders of other names are the user's. Raises
    PermissionError where this user may not look, TrainError where a file is in a folder's place, which is not
    to say that there are none."""
    folder = run / FOLDER
    paths = folder.iterdir() if files.is_folder(folder) else ()
    found = [Checkpoint(path) for path in paths if NAME.fullmatch(path.name) and files.is_folder(path)]
    return sorted((one for one in found if (one.path / DONE).exists()), key=lambda one: one.step)


def newest(run: Path) -> Checkpoint | None:
    """The checkpoint to go on from, or None."""
    return next(reversed(finished(run)), None)


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
            shutil.rmtree(stale, ignore_errors=True)
        beside.mkdir(parents=True)
    ranks.wait()
    sharded = any(is_sharded(parameter) for parameter in model.parameters())
    if ranks.leads or sharded:
        save_file(_moments(model, optimizers), beside / _moments_file(ranks.rank))
    weights = {name: _for_file(whole(tensor), ranks) for name, tensor in model.state_dict().items()}
    everyones = ranks.all(generators.states())  # also tells that every rank has written its file
    if ranks.leads:
        save_file(weights, beside / MODEL, metadata={"format": "pt"})
        state |= {"moment_files": ranks.size if sharded else 1, "rng": everyones}
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
            (path / DONE).unlink(missing_ok=True)  # first, so that a half-removed one does not count
            shutil.rmtree(path, ignore_errors=True)


def _odd(state: Any) -> str:
    """What state.json does not say as a checkpoint's does; "" where it says all that is read of it."""
    if not (isinstance(state, dict) and state.get("rng")):
        return "it says nothing of the random generators"
    if not (isinstance(state.get("data"), dict) and "sha256" in state["data"]):
        return "it says nothing of the tokens"
    losses, judged = state.get("recent_losses"), state.get("val_loss") or 0.0
    numbers = isinstance(losses, list) and all(isinstance(loss, int | float) for loss in [*losses, judged])
    return "" if numbers else "its losses are no numbers"


def _val_loss(one: Checkpoint) -> float | None:
    """None also of a damaged one, which is no reason to stop a run that has gone on."""
    try:
        loss: float | None = one.state.get("val_loss")
    except TrainError:
        return None
    return loss


def _fits(name: str, found: Tensor | None, wanted: Tensor) -> None:
    if found is None or found.shape != wanted.shape:
        has = "missing" if found is None else f"of shape {tuple(found.shape)}"
        raise ValueError(f"{name} is {has}, the model's {tuple(wanted.shape)}")
    if found.dtype != wanted.dtype:
        raise ValueError(f"{name} is {found.dtype}, the model's {wanted.dtype}")


def _alike(moments: Sequence[dict[str, Any]]) -> None:
    """Where some of an optimiser's parameters have moments, all have them, of the same kinds."""
    if len({frozenset(each) for each in moments}) > 1:
        raise ValueError("some parameters' moments are missing")


def _moments_file(rank: int) -> str:
    return f"{MOMENTS}{rank}.safetensors"


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
    """The tensor off the device where it will be written; elsewhere nothing is held."""
    return tensor.contiguous().cpu() if ranks.leads else torch.empty(0)
