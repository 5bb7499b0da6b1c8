"""Whether the trainer and nanoGPT learn alike: the loss after equal steps on the same tokens and weights.

    python -m benchmarks.bench_losses --nanogpt FOLDER [--tokens FILE] [--seeds 4] [--steps 100] [--warmup 50]
        [--dtype float32] [--toy | --gpt2]

FOLDER holds nanoGPT's model.py; without it only ours is trained. Each seed is other weights and another order
of the data, for either trainer, and each is trained in two sizes of micro-batches. Those differ by rounding
only: how far they end apart is the noise that the trainers' difference is held against. With a short warm-up,
as in bench_train_gpu.py, rounding alone grows to hundredths of a nat.

On a GPU 124M in bf16 on FILE, a .bin of GPT-2's tokens (four seeds take 6.5 minutes); elsewhere a small
model in `--dtype` on novels of the shared data (see WEBTEXT_SHARED); `--toy` a tiny one on made-up tokens;
`--gpt2` 124M with GPT-2's vocabulary there too, in steps of 512 tokens, some ten seconds each.
"""

import argparse
import gc
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.bench_muon import SHARED, pieces, tokenised
from benchmarks.both_trainers import VOCABULARY, NanoGPT, Ours, Trainer, synthetic

LAST = 10  # steps whose mean loss counts as where a training ends


@dataclass(frozen=True)
class Setup:
    """What is trained: a shape on a token file; nanoGPT's vocabulary, pads included; training settings."""

    tokens: Path
    shape: dict[str, int]
    vocabulary: int
    train: dict[str, Any]

    def trainer(self, who: str, seed: int, parts: int, nanogpt: Path) -> Trainer:
        """`parts`: into how many a micro-batch is cut."""
        asked = {**self.train, "seed": seed, "micro_batch_size": self.train["micro_batch_size"] // parts}
        if who == "ours":
            return Ours(self.tokens, self.shape, **asked)
        ours = Ours(self.tokens, self.shape, **asked | {"compile": False})
        return NanoGPT(nanogpt, ours.training, self.vocabulary, compiled=asked["compile"])


def setup(options: argparse.Namespace, folder: Path) -> Setup:
    """For this machine; token files are made in the folder."""
    asked = {"steps": 10 * options.steps, "warmup_steps": options.warmup, "dtype": options.dtype}
    if torch.cuda.is_available() and not options.toy:
        shape = {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024}
        asked |= {"batch_size": 64, "micro_batch_size": 64, "compile": True}
        return Setup(options.tokens or synthetic(folder, 20_000_000), shape, 50_304, asked)
    torch.set_num_threads(1)
    if options.gpt2:
        shape = {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 128}
        asked |= {"batch_size": 4, "micro_batch_size": 4, "compile": False}
        return Setup(options.tokens or novels(folder), shape, VOCABULARY, asked)
    width = 16 if options.toy else 128
    shape = {"n_layer": 4, "n_head": 4, "n_embd": width, "n_positions": width, "vocab_size": 2048}
    asked |= {"batch_size": 16, "micro_batch_size": 16, "compile": False, "lr": 2e-3, "min_lr": 2e-4}
    if options.toy:
        return Setup(synthetic(folder, 20_000, vocabulary=2048), shape, 2048, asked)
    text = SHARED / "text" / "novels.ndjson.zst"
    return Setup(tokenised(text, folder / "tokens", 8) / "train-00000.bin", shape, 2048, asked)


def novels(folder: Path) -> Path:
    """A megabyte of the shared data's novels in GPT-2's tokens, end-of-text after each piece."""
    from webtext.shards import tokenizer  # not where only a GPU's libraries are

    gpt2 = tokenizer.load(SHARED / "gpt2-bpe")
    texts = list(pieces(SHARED / "text" / "novels.ndjson.zst", 1_000_000))
    ids = [i for one in gpt2.encode_batch(texts) for i in [*one.ids, VOCABULARY - 1]]
    np.array(ids, "<u2").tofile(folder / "train.bin")
    return folder / "train.bin"


def compare_losses(options: argparse.Namespace) -> None:
    """A line a seed, then the noise of each trainer and how far they are apart."""
    trainers = ("ours", "nanoGPT") if options.nanogpt else ("ours",)
    ends: dict[tuple[str, int], list[float]] = {(who, parts): [] for who in trainers for parts in (1, 2)}
    print("| seed | " + " | ".join(f"{who}, micro-batches {parts}" for who, parts in ends) + " |")
    print("| --- |" + " --- |" * len(ends))
    with tempfile.TemporaryDirectory() as folder:
        what = setup(options, Path(folder))
        for seed in range(1, options.seeds + 1):
            for (who, parts), found in ends.items():
                found.append(end_of(what.trainer(who, seed, parts, options.nanogpt), options.steps))
            print(
                f"| {seed} | " + " | ".join(f"{found[-1]:.4f}" for found in ends.values()) + " |", flush=True
            )
    for who in trainers:
        print(f"{who}, other micro-batches: {difference(ends[who, 2], ends[who, 1])}")
    if options.nanogpt:
        print(f"ours less nanoGPT: {difference(ends['ours', 1], ends['nanoGPT', 1])}")


def difference(some: list[float], others: list[float]) -> str:
    """How far they end apart: the mean over seeds, its standard error, the largest."""
    gaps = [a - b for a, b in zip(some, others, strict=True)]
    error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
    return f"{statistics.mean(gaps):+.4f} ± {error:.4f}, at most {max(map(abs, gaps)):.4f}"


def end_of(trainer: Trainer, steps: int) -> float:
    """The mean loss of the last steps; lets go of the memory."""
    losses = torch.stack([trainer.step() for _ in range(steps)])[-LAST:].mean().item()
    del trainer
    torch._dynamo.reset()
    gc.collect()
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nanogpt", type=Path)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=50)
    parser.add_argument("--dtype", default="auto")
    smaller = parser.add_mutually_exclusive_group()
    smaller.add_argument("--toy", action="store_true")
    smaller.add_argument("--gpt2", action="store_true")
    compare_losses(parser.parse_args())


if __name__ == "__main__":
    main()
