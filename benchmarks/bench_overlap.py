"""8-grams: how fast a corpus goes past the test sets, how fast and how large the paper's Bloom filters are.

    python -m benchmarks.bench_overlap [--shared ../shared/data]

Of 100 novels cut into documents of 4,000 characters, on one core, in CPU time, the ways interleaved, medians
of ROUNDS. The test sets are all files of FILES that are there. A filter is filled to what it is made for
before a million random strings are asked for, and 10^8 random hashes, of which one is expected.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import zstandard

from pipelines.overlap import STRINGS, random_strings
from webtext.overlap import bloom, ngrams
from webtext.overlap.lookup import Lookup

ROUNDS, DOCUMENT_CHARS, BATCH = 5, 4000, 250
FILES = (
    *("lambada/lambada_test.jsonl", "ptb/ptb.test.txt", "wikitext-2-raw/wiki.test.raw"),
    *("cnn_dm/mturk_cnndm.jsonl", "hellaswag/hellaswag_val_full.txt.bz2", "nq_open/NQ-open.dev.jsonl"),
)
FULL_POWER = 30  # of the filter that is filled: 128 MiB


def documents(path: Path) -> list[str]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        texts = [json.loads(line)["text"] for line in io.TextIOWrapper(reader, "utf-8")]
    return [text[at : at + DOCUMENT_CHARS] for text in texts for at in range(0, len(text), DOCUMENT_CHARS)]


def batches(texts: list[str]) -> Iterator[np.ndarray]:
    for at in range(0, len(texts), BATCH):
        yield ngrams.of_texts(texts[at : at + BATCH])[0]


def cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    shared = parser.parse_args().shared
    texts = documents(shared / "text" / "novels.ndjson.zst")
    size = sum(len(text.encode()) for text in texts)
    tests = [ngrams.of_file(path) for name in FILES if (path := shared / "evals" / name).exists()]
    lookup = Lookup(np.concatenate([test.hashes for test in tests]))
    hashed = list(batches(texts))
    count = sum(map(len, hashed))
    _, power = bloom.size_for(count)

    def streamed() -> None:
        for hashes in batches(texts):
            lookup.mask(hashes)

    def filled() -> None:
        filter = bloom.Bloom(power)
        for hashes in batches(texts):
            filter.add(hashes)

    ways = {
        "8-grams hashed": lambda: sum(map(len, batches(texts))),
        "streamed past": streamed,
        "filter": filled,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            times[name].append(cpu_s(work))
    print(f"{size / 1e6:.1f} MB, {count:,} 8-grams; {len(lookup.hashes):,} of {len(tests)} test sets")
    for name, taken in times.items():
        print(
            f"{name}: {size / 1e6 / statistics.median(taken):.1f} MB/s a core "
            f"({min(taken):.2f}–{max(taken):.2f} s)"
        )
    false_positives()


def false_positives() -> None:
    chooser = np.random.default_rng(1)
    filter, count = bloom.Bloom(FULL_POWER), int(2**FULL_POWER / bloom.BITS_PER_NGRAM)
    for at in range(0, count, 1 << 18):
        filter.add(chooser.integers(0, 2**64, min(1 << 18, count - at), dtype=np.uint64))
    strings = random_strings(STRINGS)
    found = int(filter.contains(strings).sum())
    more = sum(
        int(filter.contains(chooser.integers(0, 2**64, 10**6, dtype=np.uint64)).sum()) for _ in range(100)
    )
    print(f"a full filter: {count:,} 8-grams in {filter.bytes:,} bytes, {filter.bytes / count:.2f} each")
    print(f"false positives: {found} of {len(strings):,} random strings, {more} of 100,000,000 random hashes")


if __name__ == "__main__":
    main()
