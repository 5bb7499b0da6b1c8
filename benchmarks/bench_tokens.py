"""Encoding speed: the encoder that writes token files beside tiktoken, both with GPT-2's vocabulary.

    python -m benchmarks.bench_tokens [--megabytes 10] [--rounds 5]

Text: text/novels.ndjson.zst of the shared data (see WEBTEXT_SHARED), cut into documents of 5,000 characters.
Each encodes the same batches of 1,000 documents on one thread, with a new encoder in each round since some
remember words; the ways take turns, the median of MB of UTF-8 per CPU-second counts. The ids are compared.
"""

import argparse
import io
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import tiktoken
import zstandard
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from tiktoken_ext.openai_public import r50k_pat_str

from webtext.shards import tokenizer
from webtext.shards.encode import Fast, Reference

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
CHARACTERS = 5_000
BATCH = 1_000

Encode = Callable[[list[str]], Iterable[Iterable[int]]]


def documents(megabytes: float) -> list[str]:
    """Evenly from all novels."""
    found: list[str] = []
    with (SHARED / "text" / "novels.ndjson.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            text = json.loads(line)["text"]
            found.extend(text[begin : begin + CHARACTERS] for begin in range(0, len(text), CHARACTERS))
    step = max(1, int(len(found) * CHARACTERS / (megabytes * 1e6)))
    return found[::step]


def ways() -> dict[str, Encode]:
    folder = SHARED / "gpt2-bpe"
    ranks = data_gym_to_mergeable_bpe_ranks(str(folder / "vocab.bpe"), str(folder / "encoder.json"))
    gpt2 = tiktoken.Encoding("gpt2", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={})
    vocabulary = tokenizer.load(folder).to_str()
    return {
        "ours: gigatoken": Fast(vocabulary).encode,
        "tokenizers": Reference(vocabulary).encode,
        "tiktoken": lambda texts: gpt2.encode_ordinary_batch(texts, num_threads=1),
    }


def batches(texts: list[str]) -> Iterator[list[str]]:
    return (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))


def seconds(encode: Encode, texts: list[str]) -> float:
    started = time.process_time()
    for batch in batches(texts):
        encode(batch)
    return time.process_time() - started


def identical(encoders: Sequence[Encode], texts: list[str]) -> bool:
    return all(
        len({tuple(ids) for ids in of_all}) == 1
        for batch in batches(texts)
        for of_all in zip(*(encode(batch) for encode in encoders), strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts, names = documents(options.megabytes), list(ways())
    size_mb = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts):,} documents, {size_mb:.1f} MB; ids identical:", end=" ")
    print("yes" if identical(list(ways().values()), texts) else "NO")
    took: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name, encode in ways().items():
            took[name].append(seconds(encode, texts))
    reference = statistics.median(took["tiktoken"])
    print("| way | MB per CPU-second | range | against tiktoken |\n| --- | --- | --- | --- |")
    for name, times in took.items():
        middle = statistics.median(times)
        low, high = size_mb / max(times), size_mb / min(times)
        print(f"| {name} | {size_mb / middle:.2f} | {low:.2f}–{high:.2f} | {reference / middle:.2f} |")


if __name__ == "__main__":
    main()
