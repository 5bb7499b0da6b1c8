"""The trainer beside nanoGPT, in one run, on the same tokens and from the same weights.

    python benchmarks/bench_train.py cpu --nanogpt FOLDER [--rounds 3]
    python benchmarks/bench_train.py pads
    python benchmarks/bench_train.py gpu --nanogpt FOLDER [--tokens FILE] [--minutes 8] [--toy]

FOLDER holds nanoGPT's model.py; without it only ours is measured. FILE is a .bin of GPT-2's tokens; without
it they are made up. On a CPU the two take turns step by step and CPU-seconds count. On a GPU each size and
micro-batch is timed in tokens/s beside the GPU's own speed in large bf16 matrix products; what does not fit
into the minutes is left out and said. `--toy` does the same on tiny models, anywhere. Needs only what
`train/` needs.
"""

import argparse
import dataclasses
import gc
import importlib.util
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from torch import Tensor, nn

from train import device, optimizer, settings
from train.corpus import find_corpus
from train.data import Loader
from train.loop import Training
from train.model import GPT2, NextTokenLoss
from train.ranks import Ranks

VOCABULARY = 50_257
CPU_SHAPE = {"n_layer": 6, "n_head": 6, "n_embd": 384, "n_positions": 256}
SIZES = {
    "124M": {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024},
    "355M": {"n_layer": 24, "n_head": 16, "n_embd": 1024, "n_positions": 1024},
    "774M": {"n_layer": 36, "n_head": 20, "n_embd": 1280, "n_positions": 1024},
    "1558M": {"n_layer": 48, "n_head": 25, "n_embd": 1600, "n_positions": 1024},
}
TOY = {name: {"n_layer": 1, "n_head": 2, "n_embd": 32, "n_positions": 32} for name in SIZES}


class Trainer(Protocol):
    def step(self) -> Tensor:
        """One update; its loss, still on the device."""


class Ours:
    """The trainer's own step, token file and loader included."""

    def __init__(self, tokens: Path, shape: dict[str, int], **train: object) -> None:
        wanted = {f"model.{key}": value for key, value in shape.items()}
        wanted |= {"model.vocab_size": VOCABULARY, "data.train": tokens, "data.validation": tokens}
        wanted |= {"train.tensorboard": "off", "train.warmup_steps": 10, "train.deterministic": "false"}
        wanted |= {f"train.{key}": value for key, value in train.items()}
        asked = settings.load("gpt2-124m", [f"{key}={str(value).lower()}" for key, value in wanted.items()])
        corpus = find_corpus(tokens.parent, asked.data, VOCABULARY)
        self.training = Training(asked, corpus, Ranks())

    def step(self) -> Tensor:
        with device.attention(self.training.attention):
            return self.training.update()[1][0]


class NanoGPT:
    """nanoGPT's model and optimiser, stepped as its train.py does, batches read ahead as ours are.

    It gets the weights of `ours`; its own vocabulary is 50,304 with the pads in the softmax.
    """

    def __init__(self, folder: Path, ours: Training, vocabulary: int) -> None:
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
        self.forward = torch.compile(self.model) if self.asked.compile else self.model
        self.loader, self.done = Loader(ours._read), 0

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


def cpu(options: argparse.Namespace) -> None:
    """CPU-seconds a token on one thread, float32, no compiler: FACTS' shape unless --toy."""
    torch.set_num_threads(1)
    shape, rows = (TOY["124M"], 2) if options.toy else (CPU_SHAPE, 12)
    with tempfile.TemporaryDirectory() as folder:
        tokens = synthetic(Path(folder), 200_000)
        ours = Ours(
            tokens, shape, batch_size=rows, micro_batch_size=rows, compile=False, steps=1000, dtype="float32"
        )
        sides: dict[str, Trainer] = {"ours": ours}
        if options.nanogpt:
            sides["nanoGPT"] = NanoGPT(options.nanogpt, ours.training, VOCABULARY)
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        losses: dict[str, list[float]] = {name: [] for name in sides}
        for round_ in range(options.rounds + 1):
            for name in list(sides)[:: 1 if round_ % 2 else -1]:
                began = time.process_time()
                losses[name].append(sides[name].step().item())
                if round_:  # the first step of each only warms up
                    seconds[name].append(time.process_time() - began)
        ours.training.loader.close()
    scored = rows * shape["n_positions"]
    print("| | tokens per CPU-second | range | loss, first and last step |\n| --- | --- | --- | --- |")
    for name, took in seconds.items():
        middle, low, high = (scored / f(took) for f in (statistics.median, max, min))
        ends = f"{losses[name][0]:.5f}, {losses[name][-1]:.5f}"
        print(f"| {name} | {middle:.1f} | {low:.1f}–{high:.1f} | {ends} |")
    if "nanoGPT" in sides:
        ratio = statistics.median(a / b for a, b in zip(seconds["ours"], seconds["nanoGPT"], strict=True))
        apart = max(abs(a - b) for a, b in zip(losses["ours"], losses["nanoGPT"], strict=True))
        print(f"CPU-seconds per token, ours to nanoGPT's: {ratio:.3f}; losses at most {apart:.1e} apart")


def pads(options: argparse.Namespace) -> None:
    """CPU-seconds of a step of one layer with the padded vocabulary, as a share of those without."""
    torch.set_num_threads(1)
    model = GPT2(settings.ModelSettings(**{**CPU_SHAPE, "n_layer": 1}, vocab_size=VOCABULARY))
    ids = torch.randint(VOCABULARY, (2, CPU_SHAPE["n_positions"] + 1))
    took: dict[int, list[float]] = {1: [], 128: []}
    for round_ in range(options.rounds + 1):
        for multiple in (1, 128) if round_ % 2 else (128, 1):
            objective, began = NextTokenLoss(model, multiple), time.process_time()
            objective(ids[:, :-1], ids[:, 1:]).backward()
            if round_:
                took[multiple].append(time.process_time() - began)
    ratio = statistics.median(a / b for a, b in zip(took[128], took[1], strict=True))
    print(f"padded to plain: {ratio:.3f}")


@dataclass(frozen=True)
class Measured:
    """What one trainer did."""

    tokens_per_s: float
    memory_gb: float
    losses: list[float]
    note: str = ""


@dataclass(frozen=True)
class Case:
    """One row of the table: who trains what, in which batches, for how many timed steps."""

    who: str
    size: str
    micro_batch: int
    batch: int
    steps: int
    changes: dict[str, object] = dataclasses.field(default_factory=dict)


def gpu(options: argparse.Namespace) -> None:
    """Tokens/s, utilisation and memory of every size, nanoGPT beside ours at 124M."""
    began, cuda = time.monotonic(), torch.cuda.is_available()
    if not (cuda or options.toy):
        sys.exit("no GPU here: --toy runs the same on tiny models")
    sizes = TOY if options.toy else SIZES
    ceiling = matmul_flops("cuda" if cuda else "cpu", 8192 if cuda else 256)
    where = torch.cuda.get_device_name() if cuda else "CPU"
    print(f"{where}, torch {torch.__version__}; large bf16 matrix products: {ceiling / 1e12:.2f} TFLOP/s")
    print("| | micro-batch | tokens/s | MFU of that | peak GB | loss after the last step | notes |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    done: list[tuple[Case, Measured]] = []
    with tempfile.TemporaryDirectory() as folder:
        tokens = options.tokens or synthetic(Path(folder), 200_000 if options.toy else 20_000_000)
        for case in plan(options.toy, options.nanogpt is not None):
            left = options.minutes * 60 - (time.monotonic() - began)
            if left < 75 and not options.toy:
                print(
                    f"| {case.who} {case.size} | {case.micro_batch} | left out: no time | | | | |", flush=True
                )
                continue
            found = measure(case, sizes[case.size], tokens, options)
            done.append((case, found))
            print(row(case, found, sizes[case.size], ceiling), flush=True)
    compare(done)
    print(f"took {time.monotonic() - began:.0f} s")


def plan(toy: bool, nanogpt: bool) -> list[Case]:
    """The most telling first; the first of each name at 124M see the same tokens."""
    if toy:
        rows = [Case(who, size, 2, 4, 4) for size in ("124M", "355M") for who in ("ours", "nanoGPT")]
        rows.append(Case("ours, Muon", "124M", 2, 4, 4, {"optimizer": "muon"}))
    else:
        rows = [Case(who, "124M", 64, 128, 60) for who in ("ours", "nanoGPT")]
        rows += [Case("ours", "1558M", 8, 32, 12), Case("ours", "774M", 16, 64, 12)]
        rows.append(Case("ours", "355M", 32, 64, 12))
        rows.append(Case("ours, Muon", "124M", 64, 128, 60, {"optimizer": "muon"}))
        rows.append(Case("ours, deterministic", "124M", 64, 128, 12, {"deterministic": True}))
        rows += [Case(who, "124M", micro, 128, 12) for micro in (32, 128) for who in ("ours", "nanoGPT")]
    return [case for case in rows if nanogpt or case.who != "nanoGPT"]


def compare(done: list[tuple[Case, Measured]]) -> None:
    """Best speed to best speed, and the losses of those that saw the same tokens, all at 124M."""
    best: dict[str, float] = {}
    curves: dict[str, list[float]] = {}
    for case, found in done:
        if case.size == "124M":
            best[case.who] = max(best.get(case.who, 0.0), found.tokens_per_s)
            curves.setdefault(case.who, found.losses)
    ours = curves["ours"]
    if best.get("nanoGPT"):
        apart = [abs(a - b) for a, b in zip(ours, curves["nanoGPT"], strict=True)]
        print(f"tokens/s at 124M, ours to nanoGPT's: {best['ours'] / best['nanoGPT']:.2f}")
        print(f"losses apart: {max(apart):.4f} at most, {statistics.median(apart):.4f} in the median")
    if muon := curves.get("ours, Muon"):
        at = next((step for step, loss in enumerate(muon, 1) if loss <= ours[-1]), None)
        print(f"Muon is at AdamW's last loss after {at} of {len(ours)} steps")


def with_compile(training: Training, wanted: bool) -> Training:
    train = dataclasses.replace(training.settings.train, compile=wanted)
    training.settings = dataclasses.replace(training.settings, train=train)
    return training


def build(case: Case, shape: dict[str, int], tokens: Path, options: argparse.Namespace) -> Trainer:
    compiled = not options.toy
    asked = {"steps": 1000, "batch_size": case.batch, "micro_batch_size": case.micro_batch, **case.changes}
    if case.who != "nanoGPT":
        return Ours(tokens, shape, compile=compiled, **asked)
    ours = Ours(tokens, shape, compile=False, **asked).training
    return NanoGPT(options.nanogpt, with_compile(ours, compiled), 50_304)


def measure(case: Case, shape: dict[str, int], tokens: Path, options: argparse.Namespace) -> Measured:
    """Builds, compiles, times the steps after the first two, and lets go of the memory."""
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        trainer = build(case, shape, tokens, options)
        losses = [trainer.step() for _ in range(2)]
        wait()
        began = time.perf_counter()
        losses += [trainer.step() for _ in range(case.steps)]
        wait()
        seconds = time.perf_counter() - began
        note = trainer.training.attention_reason if isinstance(trainer, Ours) else ""
        memory = torch.cuda.max_memory_allocated() / 1e9 if cuda else 0.0
        scored = case.batch * shape["n_positions"] * case.steps
        return Measured(scored / seconds, memory, torch.stack(losses).tolist(), note)
    except torch.OutOfMemoryError:
        return Measured(0.0, 0.0, [float("nan")], "does not fit")
    finally:
        trainer = None  # type: ignore[assignment]
        torch._dynamo.reset()
        gc.collect()


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def row(case: Case, found: Measured, shape: dict[str, int], ceiling: float) -> str:
    with torch.device("meta"):
        model = GPT2(settings.ModelSettings(**shape, vocab_size=VOCABULARY))
    used = device.flops_per_token(model) * found.tokens_per_s / ceiling
    return (
        f"| {case.who} {case.size} | {case.micro_batch} | {found.tokens_per_s:,.0f} | {used:.1%} "
        f"| {found.memory_gb:.1f} "
        f"| {found.losses[-1]:.4f} | {found.note} |"
    )


def matmul_flops(where: str, size: int) -> float:
    """The most FLOP/s of bf16 products of square matrices: what utilisation is a share of."""
    a, b = (torch.randn(size, size, device=where, dtype=torch.bfloat16) for _ in range(2))
    best = 0.0
    for _ in range(5):
        wait()
        began = time.perf_counter()
        for _ in range(10):
            a @ b
        wait()
        best = max(best, 10 * 2 * size**3 / (time.perf_counter() - began))
    return best


def synthetic(folder: Path, count: int) -> Path:
    """Token ids with something to learn: common ones are common, and every second repeats a recent one."""
    random = np.random.default_rng(1)
    ids = (VOCABULARY ** random.random(count)).astype(np.uint16)  # about 1/rank, as words are
    back = random.integers(1, 16, count)
    at = np.arange(16, count, 2)
    ids[at] = ids[at - back[at]]
    ids.tofile(folder / "train.bin")
    return folder / "train.bin"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands: Any = parser.add_subparsers(required=True)
    for command in (cpu, pads, gpu):
        one = commands.add_parser(command.__name__, help=command.__doc__)
        one.set_defaults(run=command)
        one.add_argument("--nanogpt", type=Path)
        one.add_argument("--rounds", type=int, default=3)
        one.add_argument("--minutes", type=float, default=8)
        one.add_argument("--toy", action="store_true")
        if command is gpu:
            one.add_argument("--tokens", type=Path)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
