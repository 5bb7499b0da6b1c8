"""The trainer beside nanoGPT on a GPU, in one run: tokens/s, utilisation, memory, of every size.

    python -m benchmarks.bench_train_gpu --nanogpt FOLDER [--tokens FILE] [--minutes 8] [--toy]

FOLDER holds nanoGPT's model.py; without it only ours is measured. FILE is a .bin of GPT-2's tokens; without
it they are made up. Each size and micro-batch is timed beside the GPU's own speed in large bf16 matrix
products; what does not fit into the minutes is left out and said. `--toy` does the same on tiny models,
anywhere. Needs only what `train/` needs.
"""

import argparse
import dataclasses
import gc
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.both_trainers import VOCABULARY, NanoGPT, Ours, Trainer, synthetic
from train import device, settings
from train.model import GPT2

SIZES = {
    "124M": {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024},
    "355M": {"n_layer": 24, "n_head": 16, "n_embd": 1024, "n_positions": 1024},
    "774M": {"n_layer": 36, "n_head": 20, "n_embd": 1280, "n_positions": 1024},
    "1558M": {"n_layer": 48, "n_head": 25, "n_embd": 1600, "n_positions": 1024},
}
TOY = {name: {"n_layer": 1, "n_head": 2, "n_embd": 32, "n_positions": 32} for name in SIZES}


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


def compare_trainers(options: argparse.Namespace) -> None:
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


def build(case: Case, shape: dict[str, int], tokens: Path, options: argparse.Namespace) -> Trainer:
    compiled = not options.toy
    asked = {"steps": 1000, "batch_size": case.batch, "micro_batch_size": case.micro_batch, **case.changes}
    if case.who != "nanoGPT":
        return Ours(tokens, shape, compile=compiled, **asked)
    ours = Ours(tokens, shape, compile=False, **asked).training
    return NanoGPT(options.nanogpt, ours, 50_304, compiled=compiled)


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nanogpt", type=Path)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--toy", action="store_true")
    compare_trainers(parser.parse_args())


if __name__ == "__main__":
    main()
