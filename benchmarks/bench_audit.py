"""How long `webtext audit` takes on a corpus of so many documents, and its memory.

    python benchmarks/tree.py python -m benchmarks.bench_audit [--documents 100000] [--out DIR] [--workers 2]

Without `--workers` everything is done in one process.

The corpus is planted: a row of every table for each document, texts cut from the shared data's novels
(WEBTEXT_SHARED), a tenth of them duplicates, a fifth refused.
"""

import argparse
import io
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import zstandard

from benchmarks.bench_dedup_scale import cpu_seconds
from pipelines import audit
from tests.audit.conftest import Planted, Writer
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.progress import Progress

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
CHARS, PARTITIONS = 4000, 16
BEGIN = datetime(2008, 1, 1, tzinfo=UTC)


def texts() -> Iterator[str]:
    """Pieces of novels without end."""
    with (SHARED / "text" / "novels.ndjson.zst").open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")
        novels = [json.loads(line)["text"] for line in lines]
    chosen = random.Random(1)
    while True:
        novel = chosen.choice(novels)
        start = chosen.randrange(max(1, len(novel) - CHARS))
        yield novel[start : start + CHARS]


def planted(documents: int) -> list[Planted]:
    source, rows = texts(), list[Planted]()
    for number in range(documents):
        url = f"http://d{number % 5000}.example/{number}"
        fate = ("language", "too_short")[number % 2] if number % 5 == 1 else "kept"
        of = rows[-1].url if number % 10 == 5 else ""
        text = next(source)
        rows.append(
            Planted(
                url,
                "exact" if of else fate,
                domain=f"d{number % 5000}.example",
                of=of,
                posted=BEGIN + timedelta(hours=number % 80_000),
                words=len(text.split()),
                text=text,
            )
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, links = Path(given.out or folder) / "corpus", planted(given.documents)
        corpus = Writer(root, links, {}, 1000, PARTITIONS).write("tokens")
        started, before = time.monotonic(), cpu_seconds()
        with LocalEngine(given.workers) if given.workers else InlineEngine() as engine:
            audit.run(corpus, None, Progress(quiet=True), engine=engine)
        took, used = time.monotonic() - started, cpu_seconds() - before
        print(f"audit of {given.documents:,} documents: {used:.1f} s of CPU, {took:.1f} s")


if __name__ == "__main__":
    main()
