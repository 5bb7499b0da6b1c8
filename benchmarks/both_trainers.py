"""Our trainer and nanoGPT as two things that can be stepped, on the same tokens and from the same weights.

Needs only what `train/` needs, and nanoGPT's model.py in a folder.
"""

import importlib.util
import sys
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from train import device, optimizer, settings_file
from train.corpus import find_corpus
from train.data import Loader
from train.ranks import Ranks
from train.training import Training

VOCABULARY = 50_257


class Trainer(Protocol):
    def step(self) -> Tensor:
        """One update; its loss, still on the device."""


class Ours:
    """The trainer's own step, token file and loader included."""

    def __init__(self, tokens: Path, shape: dict[str, int], **train: object) -> None:
        """A GPT-2 of this shape, GPT-2's vocabulary unless it says another; `train` are training settings."""
        shape = {"vocab_size": VOCABULARY, **shape}
        wanted: dict[str, object] = {f"model.{key}": value for key, value in shape.items()}
        wanted |= {"data.train": tokens, "data.validation": tokens}
        wanted |= {"train.tensorboard": "off", "train.warmup_steps": 10, "train.deterministic": "false"}
        wanted |= {f"train.{key}": value for key, value in train.items()}
        asked = settings_file.load(
            "gpt2-124m", [f"{key}={str(value).lower()}" for key, value in wanted.items()]
        )
        corpus = find_corpus(tokens.parent, asked.data, shape["vocab_size"])
        self.training = Training(asked, corpus, Ranks())

    def step(self) -> Tensor:
        with device.attention(self.training.attention):
            return self.training.update()[1][0]


class NanoGPT:
    """nanoGPT's model and optimiser, stepped as its train.py does, batches read ahead as ours are.

    It gets the weights of `ours`, whose settings it follows; pads of its vocabulary stay in its softmax.
    """

    def __init__(self, folder: Path, ours: Training, vocabulary: int, *, compiled: bool = False) -> None:
        spec = importlib.util.spec_from_file_location("nanogpt_model", folder / "model.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules["nanogpt_model"] = module
        spec.loader.exec_module(module)
        shape, self.asked, self.device = ours.settings.model, ours.settings.train, ours.device
        config = module.GPTConfig(
            block_size=shape.n_positions,
            vocab_size=vocabulary,
            n_layer=shape.n_layer,
            n_head=shape.n_head,
            n_embd=shape.n_embd,
        )
        self.model = module.GPT(config)
        copy_weights(ours.model, self.model)
        self.model.to(self.device.where)
        betas, kind = (self.asked.beta1, self.asked.beta2), self.device.where.type
        self.optimizer = self.model.configure_optimizers(self.asked.weight_decay, self.asked.lr, betas, kind)
        self.forward = torch.compile(self.model) if compiled else self.model
        self.loader, self.done = Loader(ours.micro_batches), 0

    def step(self) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = optimizer.learning_rate(self.done + 1, self.asked)
        found = torch.zeros((), device=self.device.where)
        batches = self.loader.take(self.done)
        for ids, targets in batches:
            with self.device.autocast():
                _, loss = self.forward(self.device.put(ids), self.device.put(targets).contiguous())
                loss = loss / len(batches)
            loss.backward()
            found += loss.detach()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.asked.grad_clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.done += 1
        return found


@torch.no_grad()
def copy_weights(ours: nn.Module, theirs: nn.Module) -> None:
    """Ours are stored (inputs, outputs), nanoGPT's are nn.Linear's; its additional rows of pads stay."""
    wanted = theirs.state_dict()
    for name, tensor in ours.state_dict().items():
        linear = tensor.dim() == 2 and ".h." in name
        wanted[name][: len(tensor.t() if linear else tensor)].copy_(tensor.t() if linear else tensor)


def synthetic(folder: Path, count: int, vocabulary: int = VOCABULARY) -> Path:
    """Token ids with something to learn: common ones are common, and every second repeats a recent one."""
    random = np.random.default_rng(1)
    ids = (vocabulary ** random.random(count)).astype(np.uint16)  # about 1/rank, as words are
    back = random.integers(1, 16, count)
    at = np.arange(16, count, 2)
    ids[at] = ids[at - back[at]]
    ids.tofile(folder / "train.bin")
    return folder / "train.bin"
