"""The states of torch's random generators, as JSON holds them."""

import base64

import torch
from torch import Tensor


def states() -> dict[str, str | None]:
    """Those of this process: base64 under "cpu" and "cuda", None for a device that is not there."""
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    return {"cpu": _text(torch.get_rng_state()), "cuda": None if cuda is None else _text(cuda)}


def restore(saved: dict[str, str | None]) -> None:
    """Puts them back into torch. What `states` did not give raises KeyError, TypeError, ValueError or
    RuntimeError."""
    if saved["cpu"]:
        torch.set_rng_state(_tensor(saved["cpu"]))
    if saved["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(_tensor(saved["cuda"]))


def _text(state: Tensor) -> str:
    return base64.b64encode(state.numpy().tobytes()).decode()


def _tensor(text: str) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
