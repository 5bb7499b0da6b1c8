"""Muon beside AdamW: the tokens that each needs to the same loss, on a small model and real text.

python -m benchmarks.bench_muon [--text FILE.ndjson.zst] [--lr 2.5e-3 5e-3 1e-2]
"""

import argparse
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from train import loop, rundir, settings_file

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))


def compare(options: argparse.Namespace) -> None:
    """Tokens that Muon needs to reach the loss at which AdamW ends, each at its best rate of those given."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tokens = tokenised(Path(options.text), Path(folder) / "tokens", options.megabytes)
        curves: dict[tuple[str, float], list[tuple[int, float]]] = {}
        for optimizer in ("adamw", "muon"):
            for lr in options.lr:
                curve = validation_curve(tokens, Path(folder) / f"{optimizer}-{lr}", optimizer, lr, options)
                curves[optimizer, lr] = curve
                print(f"{optimizer} lr {lr:g}: validation loss {curve[-1][1]:.4f}", flush=True)
    best = {
        name: min((curve for (of, _), curve in curves.items() if of == name), key=lambda curve: curve[-1][1])
        for name in ("adamw", "muon")
    }
    (steps, goal) = best["adamw"][-1]
    reached = next((step for step, loss in best["muon"] if loss <= goal), None)
    print("| | validation loss at the end | steps to AdamW's last loss |\n| --- | --- | --- |")
    print(f"| AdamW | {goal:.4f} | {steps} |")
    share = f"{reached} ({reached / steps:.0%} of the tokens)" if reached else "not reached"
    print(f"| Muon | {best['muon'][-1][1]:.4f} | {share} |")


def validation_curve(
    tokens: Path, run: Path, optimizer: str, lr: float, options: argparse.Namespace
) -> list[tuple[int, float]]:
    wanted = {
        "model.n_layer": 4,
        "model.n_head": 4,
        "model.n_embd": 128,
        "model.n_positions": 128,
        "train.steps": options.steps,
        "train.batch_size": 8,
        "train.micro_batch_size": 8,
        "train.lr": lr,
        "train.min_lr": lr / 10,
        "train.warmup_steps": options.steps // 10,
        "train.optimizer": optimizer,
        "train.eval_every": 25,
        "train.save_every": options.steps,
        "train.compile": "false",
        "train.tensorboard": "off",
    }
    loop.train(
        tokens, run, settings_file.load("gpt2-124m", [f"{key}={value}" for key, value in wanted.items()])
    )
    return [(row["step"], row["val_loss"]) for row in rundir.rows(run) if "val_loss" in row]


def tokenised(text: Path, folder: Path, megabytes: float) -> Path:
    """Token files of a small vocabulary of the text's own, so that the blocks are most of the model."""
    documents = list(pieces(text, int(megabytes * 1e6)))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2048, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(documents, trainer)
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    splits = {"validation": documents[::50][:10], "train": [d for at, d in enumerate(documents) if at % 50]}
    index: dict[str, object] = {"version": 1, "dtype": "uint16", "splits": {}}
    for name, texts in splits.items():
        ids = np.array([i for one in tokenizer.encode_batch(texts) for i in [*one.ids, 0]], dtype="<u2")
        ids.tofile(folder / f"{name}-00000.bin")
        entry = {"file": f"{name}-00000.bin", "tokens": len(ids), "documents": len(texts)}
        entry |= {"bytes": sum(len(one.encode()) for one in texts)}
        entry |= {"sha256": hashlib.sha256(ids.tobytes()).hexdigest()}
        index["splits"] |= {name: {"files": [entry]}}  # type: ignore[operator]
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def pieces(text: Path, size: int) -> Iterator[str]:
    """Documents of 5,000 characters, evenly from the whole collection."""
    import zstandard

    with text.open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")
        books = [json.loads(line)["text"] for line in lines]
    each = size // len(books)
    for book in books:
        middle = book[len(book) // 3 :][:each]
        yield from (middle[at : at + 5_000] for at in range(0, len(middle), 5_000))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", default=SHARED / "text" / "novels.ndjson.zst")
    parser.add_argument("--megabytes", type=float, default=4)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--lr", type=float, nargs="+", default=[2.5e-3, 5e-3, 1e-2])
    compare(parser.parse_args())


if __name__ == "__main__":
    main()
