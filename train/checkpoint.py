"""A run's state at one step: `checkpoints/step-00000040/` with tensors as safetensors, the rest as JSON.

What has no DONE is not a checkpoint. There is no pickle in it, so that reading one cannot run code. Weights
are always whole; moments are in one file, or in one a rank where the ranks hold shards. Any number of ranks
can go on from it. `state.json` has the sha256 of each file of tensors: a flipped bit would be another model.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer

from train import files, generators
from train.errors import TrainError
from train.parallel import placed_like
from train.ranks import Ranks

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
            if state.get("step", self.step) != self.step:
                raise ValueError(f"it is of step {state['step']}: give the folder its name back")
        return state

    def require_weights(self) -> None:
        """Raises TrainError if it has no file of weights."""
        with self._whole(MODEL):
            pass

    def load_weights(self, model: nn.Module) -> None:
        """Puts its weights into a model that is not sharded yet. Raises TrainError if they are damaged, or
        another model's."""
        weights = self._tensors(MODEL)
        with self._whole(MODEL):
            for name, tensor in model.state_dict().items():
                _fits(name, weights.get(name), tensor)
                if not weights[name].isfinite().all():
                    raise ValueError(f"{name} has weights that are no numbers")
            if others := weights.keys() - model.state_dict().keys():
                raise ValueError(f"{min(others)} is of another model")
        model.load_state_dict({name: weights[name] for name in model.state_dict()})

    def load_moments(self, model: nn.Module, optimizers: Sequence[Optimizer], ranks: Ranks) -> None:
        """Puts its moments into the model's optimisers and this rank's generators' states into torch."""
        parameters = dict(model.named_parameters())
        owners = {p: one for one in optimizers for group in one.param_groups for p in group["params"]}
        for key, tensor in self._moments().items():
            kind, _, name = key.partition(".")
            with self._whole(moments_file(0)):
                parameter = parameters[name]
                _fits(key, tensor, parameter if kind != "step" else torch.tensor(0.0))
            owners[parameter].state[parameter][kind] = placed_like(tensor, parameter)
        with self._whole(moments_file(0)):
            for one in optimizers:
                _alike([one.state.get(p, {}) for group in one.param_groups for p in group["params"]])
        saved = self.state["rng"]
        with self._whole(STATE):
            generators.restore(saved[ranks.rank % len(saved)])

    def _moments(self) -> dict[str, Tensor]:
        there = len(list(self.path.glob(f"{MOMENTS}*.safetensors")))
        number, parts = self.state.get("moment_files", max(1, there)), []
        for rank in range(number):
            parts.append(self._tensors(moments_file(rank)))
        return {
            key: torch.cat([part[key] for part in parts]) if number > 1 and tensor.dim() > 0 else tensor
            for key, tensor in parts[0].items()
        }

    def _tensors(self, name: str) -> dict[str, Tensor]:
        """What one of its files holds, which must be what was saved."""
        saved = self.state.get("sha256", {}).get(name)  # None of an earlier version's
        with self._whole(name) as file:
            if saved and files.sha256(file) != saved:
                raise ValueError("its bytes are not those that were saved")
            return load_file(file)

    @contextmanager
    def _whole(self, name: str) -> Iterator[Path]:
        """One of its files, and what to do where it is not whole; a disk that fails says so itself."""
        try:
            if os.path.lexists(self.path / name) and not (self.path / name).is_file():
                raise ValueError("it is no file")  # but a folder, a circle of links, a pipe that never ends
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


def _odd(state: Any) -> str:
    """What state.json does not say as a checkpoint's does; "" where it says all that is read of it."""
    if not (isinstance(state, dict) and state.get("rng")):
        return "it says nothing of the random generators"
    if not (isinstance(state.get("data"), dict) and "sha256" in state["data"]):
        return "it says nothing of the tokens"
    if not isinstance(state.get("sha256", {}), dict):
        return "its sha256 are none"
    if not (type(number := state.get("moment_files", 1)) is int and number > 0):
        return "it says nothing of the files of moments"
    losses, scale = state.get("recent_losses"), state.get("loss_scale") or [1.0, 0.0]  # None: not in float16
    if not (isinstance(losses, list) and isinstance(scale, list) and len(scale) == 2):
        return "it says nothing of the losses, or half of their scale"
    val_loss = state.get("val_loss")  # None: not evaluated then
    numbers = [*losses, *scale, 0.0 if val_loss is None else val_loss]
    return "" if all(isinstance(one, int | float) for one in numbers) else "its losses are no numbers"


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


def moments_file(rank: int) -> str:
    return f"{MOMENTS}{rank}.safetensors"
