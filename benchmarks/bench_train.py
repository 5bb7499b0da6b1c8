"""The trainer beside nanoGPT on a CPU: on the same tokens, from the same weights, in turns step by step.

    python -m benchmarks.bench_train cpu --nanogpt FOLDER [--rounds 3] [--toy]
    python -m benchmarks.bench_train pads

FOLDER holds nanoGPT's model.py; without it only ours is measured. CPU-seconds count. `--toy` does the same on
a tiny model. bench_train_gpu.py is the same question on a GPU, bench_losses.py asks what both learn.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.both_trainers import VOCABULARY, NanoGPT, Ours, Trainer, synthetic
from train import settings
from train.model import GPT2, NextTokenLoss

SHAPE = {"n_layer": 6, "n_head": 6, "n_embd": 384, "n_positions": 256}
TOY = {"n_layer": 1, "n_head": 2, "n_embd": 32, "n_positions": 32}


def cpu(options: argparse.Namespace) -> None:
    """CPU-seconds a token on one thread, float32, no compiler: 6 layers, 384 wide, unless --toy."""
    torch.set_num_threads(1)
    shape, rows = (TOY, 2) if options.toy else (SHAPE, 12)
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
    model = GPT2(settings.ModelSettings(**{**SHAPE, "n_layer": 1}, vocab_size=VOCABULARY))
    ids = torch.randint(VOCABULARY, (2, SHAPE["n_positions"] + 1))
    took: dict[int, list[float]] = {1: [], 128: []}
    for round_ in range(options.rounds + 1):
        for multiple in (1, 128) if round_ % 2 else (128, 1):
            objective, began = NextTokenLoss(model, multiple), time.process_time()
            objective(ids[:, :-1], ids[:, 1:]).backward()
            if round_:
                took[multiple].append(time.process_time() - began)
    ratio = statistics.median(a / b for a, b in zip(took[128], took[1], strict=True))
    print(f"padded to plain: {ratio:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands: Any = parser.add_subparsers(required=True)
    for command in (cpu, pads):
        one = commands.add_parser(command.__name__, help=command.__doc__)
        one.set_defaults(run=command)
        one.add_argument("--rounds", type=int, default=3)
        if command is cpu:
            one.add_argument("--nanogpt", type=Path)
            one.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
