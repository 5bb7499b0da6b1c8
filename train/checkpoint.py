"""A run's state at one step: `checkpoints/step-00000040/` with tensors as safetensors, the rest as JSON.

A checkpoint is written under another name, fsynced, renamed, and only then marked DONE: what has no DONE is
not a checkpoint. There is no pickle in it, so that reading one cannot run code.
"""

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from train import files

MODEL, OPTIMIZER, STATE, DONE = "model.safetensors", "optimizer-0.safetensors", "state.json", "DONE"


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
        state: dict[str, Any] = json.loads((self.path / STATE).read_text(encoding="utf-8"))
        return state

    def load(self, model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
        """Puts its weights into the model and, to go on training, its moments into the optimiser
        and its generators' states into torch."""
        model.load_state_dict(load_file(self.path / MODEL))
        if optimizer is not None:
            _load_optimizer(optimizer, _names(model), load_file(self.path / OPTIMIZER))
            _restore_generators(self.state["rng"])


def finished(run: Path) -> list[Checkpoint]:
    """The run's checkpoints that are marked DONE, oldest first."""
    return [Checkpoint(done.parent) for done in sorted((run / "checkpoints").glob(f"step-*/{DONE}"))]


def newest(run: Path) -> Checkpoint | None:
    """The checkpoint to go on from, or None."""
    return next(reversed(finished(run)), None)


def save(
    run: Path,
    step: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    keep_last: int,
) -> Checkpoint:
    """Writes the checkpoint of `step`, then removes all but the `keep_last` newest and any torn one."""
    path = run / "checkpoints" / f"step-{step:08}"
    beside = path.with_name(f".{path.name}.tmp")
    for stale in (beside, path):
        shutil.rmtree(stale, ignore_errors=True)
    beside.mkdir(parents=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, beside / MODEL, metadata={"format": "pt"})
    save_file(_optimizer_tensors(optimizer, _names(model)), beside / OPTIMIZER)
    state = {"version": 1, "step": step, **state, "rng": _generators()}
    (beside / STATE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    for written in (*beside.iterdir(), beside):
        files.sync(written)
    beside.rename(path)
    files.sync(path.parent)
    files.write(path / DONE, "")
    _tidy(run, keep_last)
    return Checkpoint(path)


def _tidy(run: Path, keep_last: int) -> None:
    kept = {checkpoint.path for checkpoint in finished(run)[-keep_last:]}
    for path in (run / "checkpoints").iterdir():
        if path not in kept:
            (path / DONE).unlink(missing_ok=True)  # first, so that a half-removed one does not count
            shutil.rmtree(path, ignore_errors=True)


def _names(model: nn.Module) -> dict[Tensor, str]:
    return {parameter: name for name, parameter in model.named_parameters()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer, names: dict[Tensor, str]) -> dict[str, Tensor]:
    """`exp_avg.transformer.wte.weight` and the like: the moments under their parameters' names."""
    return {
        f"{kind}.{names[parameter]}": tensor.contiguous()
        for parameter, moments in optimizer.state.items()
        for kind, tensor in moments.items()
    }


def _load_optimizer(
    optimizer: torch.optim.Optimizer, names: dict[Tensor, str], tensors: dict[str, Tensor]
) -> None:
    parameters = {name: parameter for parameter, name in names.items()}
    for key, tensor in tensors.items():
        kind, _, name = key.partition(".")
        parameter = parameters[name]
        optimizer.state[parameter][kind] = tensor.to(parameter.device)


def _generators() -> dict[str, str | None]:
    """The states of torch's random generators; all ranks' are alike, seeded alike and drawn from alike."""
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    return {"cpu": _text(torch.get_rng_state()), "cuda": None if cuda is None else _text(cuda)}


def _restore_generators(states: dict[str, str | None]) -> None:
    if states["cpu"]:
        torch.set_rng_state(_tensor(states["cpu"]))
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(_tensor(states["cuda"]))


def _text(state: Tensor) -> str:
    return base64.b64encode(state.numpy().tobytes()).decode()


def _tensor(text: str) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
