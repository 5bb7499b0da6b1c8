"""Duplicate detection end to end, at size: time, memory, disk, step by step.

    python -m benchmarks.bench_dedup_scale generate FOLDER [--documents 1000000] [--kind mixed]
    python -m benchmarks.bench_dedup_scale run FOLDER [--workers 2]

Kinds of corpora, all of documents of 3,600 characters, made of passages of text/novels.ndjson.zst of the
shared data (see WEBTEXT_SHARED):
- mixed: of twenty documents three repeat another one but for case and spacing, three have 1 % of its words
  replaced; 70 % are their own.
- copies: one page again and again. variants: one page, in which each document has a word of its own.
- boilerplate: one site; each page shares 70 % with every other; one in ten is a near copy of another one.

Linux only. Memory is of all processes together, sampled twice a second: PSS, in which the pages of mapped
files count that the kernel has not taken back yet, and what no file backs.
"""

import argparse
import json
import os
import random
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from benchmarks.bench_dedup import CHARACTERS, novels
from benchmarks.tree import tree_bytes
from pipelines import clusters
from webtext import files, parquet, schemas
from webtext.corpus import Corpus
from webtext.engine import Report
from webtext.engine.local import LocalEngine
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Bar, Progress
from webtext.recipe import Recipe
from webtext.table import partition_name

PARTITION_DOCUMENTS = 8192
PASSAGE, PASSAGES = CHARACTERS // 6, 6
SAMPLE_S = 0.5
KINDS = ("mixed", "copies", "variants", "boilerplate")
EXACT, NEAR = (0, 1, 2), (3, 4, 5)  # of twenty documents
SHARED_WORDS, OWN_WORDS = 480, 103  # Jaccard about 0.7


@dataclass(frozen=True)
class Share:
    root: Path
    kind: str
    documents: int
    number: int
    partitions: int


@cache
def prose() -> str:
    return "".join(novels())


def own(number: int) -> str:
    generator = random.Random(number)
    text, places = prose(), [generator.randrange(len(prose()) - PASSAGE) for _ in range(PASSAGES)]
    return "\n".join(text[place : place + PASSAGE] for place in places)


def edited(text: str, number: int, share: float) -> str:
    generator = random.Random(-1 - number)
    words = text.split(" ")
    for place in generator.sample(range(len(words)), max(1, int(share * len(words)))):
        words[place] = f"edit{number}"
    return " ".join(words)


def mixed(number: int) -> str:
    turn = number % 20
    if turn not in EXACT + NEAR:
        return own(number)
    other = random.Random(number).randrange(number // 20 + 1) * 20 + 6 + number % 14
    return own(other).upper().replace(" ", "  ") if turn in EXACT else edited(own(other), number, 0.01)


@cache
def boilerplate_words() -> list[str]:
    return own(0).split()[:SHARED_WORDS]


def boilerplate(number: int) -> str:
    if number % 10 == 0 and number:
        return edited(boilerplate(number - 9), number, 0.001)
    generator = random.Random(number)
    words: list[str] = []
    while len(words) < OWN_WORDS:  # some passages are rows of stars, or tables
        place = generator.randrange(len(prose()) - 20 * OWN_WORDS)
        words = [word for word in prose()[place : place + 20 * OWN_WORDS].split() if word.isalpha()]
    return " ".join(boilerplate_words() + words[:OWN_WORDS])


def text_of(kind: str, number: int) -> str:
    if kind == "copies":
        return own(0)
    if kind == "variants":
        return edited(own(0), number, 0)
    return mixed(number) if kind == "mixed" else boilerplate(number)


def write_share(share: Share, report: Report) -> tuple[Part, Part]:
    """A partition of links and one of documents."""
    numbers = range(share.number, share.documents, share.partitions)
    by_id = sorted((f"{xxhash.xxh3_64_intdigest(str(number).encode()):016x}", number) for number in numbers)
    file, corpus = partition_name(share.number), Corpus(share.root)
    links = [
        {
            "id": id,
            "url": f"https://example.org/{number}",
            "first_posted": posted(number),
            "karma": number % 7,
        }
        for id, number in by_id
    ]

    def documents() -> Iterator[pa.Table]:
        rows = iter(by_id)
        while some := list(islice(rows, 1000)):
            made = [{"id": id, "text": text_of(share.kind, number), "verdict": "keep"} for id, number in some]
            yield pa.Table.from_pylist(made, schema=schemas.DOCUMENTS)
            report(len(some), {})

    counts = Counts(len(by_id), len(by_id))
    parts = []
    for name, schema, tables in (
        ("links", schemas.LINKS, [pa.Table.from_pylist(links, schema=schemas.LINKS)]),
        ("documents", schemas.DOCUMENTS, documents()),
    ):
        written = parquet.write(corpus.table(name).folder / file, schema, tables)
        parts.append(Part(file, written.hash, written.rows, written.bytes, written.hash, counts))
    return parts[0], parts[1]


def posted(number: int) -> datetime:
    return datetime(2006 + number * 7919 % 11, 1 + number % 12, 1 + number % 28, tzinfo=UTC)


def generate(root: Path, kind: str, documents: int, workers: int, partitions: int = 0) -> None:
    partitions = partitions or -(-documents // PARTITION_DOCUMENTS)
    shares = [Share(root, kind, documents, number, partitions) for number in range(partitions)]
    with LocalEngine(workers) as engine, Progress().bar(f"generating {kind}", documents) as report:
        made = sorted(engine.map(write_share, shares, report), key=lambda parts: parts[0].file)
    for name, parts in zip(("links", "documents"), zip(*made, strict=True), strict=True):
        counts = sum((part.counts for part in parts), Counts())
        Corpus(root).table(name).publish(Manifest(name, 1, "", "", tuple(parts), counts))


class Measured(Progress):
    """Times each step of a build and samples its memory and its disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(quiet=True)
        self.folder = folder
        self.steps: list[tuple[str, float, float, int, int]] = []
        self.memory = self.anonymous = self.disk = 0
        threading.Thread(target=self._sample, daemon=True).start()

    @contextmanager
    def bar(self, name: str, total: int, kept: Path | None = None) -> Iterator[Bar]:
        started, cpu = time.monotonic(), cpu_seconds()
        self.memory = self.anonymous = 0
        with super().bar(name, total, kept) as report:
            yield report
        self._look()
        took, used = time.monotonic() - started, cpu_seconds() - cpu
        self.steps.append((name, took, used, self.memory, self.anonymous))
        print(
            f"  {name:22} {took:8.1f} s {used:8.1f} CPU-s {self.memory / 1e6:8,.0f} MB "
            f"{self.anonymous / 1e6:8,.0f} MB",
            flush=True,
        )

    def _sample(self) -> None:
        while True:
            self._look()
            time.sleep(SAMPLE_S)

    def _look(self) -> None:
        self.memory = max(self.memory, tree_bytes(os.getpid()))
        self.anonymous = max(self.anonymous, tree_bytes(os.getpid(), "Pss_Anon"))
        self.disk = max(self.disk, disk_bytes(self.folder))


def cpu_seconds() -> float:
    """Of this process and of all that lives below it."""
    own_, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = os.sysconf("SC_CLK_TCK")
    living = sum(child_ticks(pid) for pid in Path(f"/proc/{os.getpid()}/task").glob("*/children"))
    return own_.ru_utime + own_.ru_stime + ended.ru_utime + ended.ru_stime + living / ticks


def child_ticks(children: Path) -> int:
    used = 0
    for pid in children.read_text().split():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used


def disk_bytes(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:  # a step has removed it meanwhile
            continue
        size += status.st_blocks * 512 if path.is_file() else 0
    return size


def run(root: Path, workers: int, assignments: dict[str, Any]) -> None:
    corpus = Corpus(root)
    recipe = Recipe.model_validate({"dedup": assignments})
    documents = corpus.table("documents").manifest()
    assert documents is not None
    count = documents.counts.out
    files.remove_folder(corpus.table("clusters").folder)
    print(f"{count:,} documents, {workers} workers; step, seconds, CPU-seconds, memory, of it not of files")
    measured, started, cpu = Measured(corpus.table("clusters").folder), time.monotonic(), cpu_seconds()
    with LocalEngine(workers) as engine:
        manifest = clusters.build(corpus, engine, recipe, measured)
        took, used = time.monotonic() - started, cpu_seconds() - cpu
    peak = max(step[3] for step in measured.steps) / 1e6
    anonymous = max(step[4] for step in measured.steps) / 1e6
    most, left = measured.disk / count, disk_bytes(corpus.table("clusters").folder) / count
    print(
        f"in all {took:,.1f} s, {used:,.1f} CPU-s, {peak:,.0f} MB ({anonymous:,.0f} MB not of files), "
        f"{most:,.0f} bytes of disk a document at most, {left:,.0f} at the end"
    )
    found = {name: manifest.extra[name] for name in ("pairs", "clusters", "sizes")}
    print(json.dumps({"dropped": manifest.counts.dropped} | found))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["generate", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=KINDS, default="mixed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--dedup", type=json.loads, default={}, help="a JSON object of [dedup] keys")
    given = parser.parse_args()
    if given.what == "generate":
        generate(given.folder, given.kind, given.documents, given.workers)
    else:
        run(given.folder, given.workers, given.dedup)


if __name__ == "__main__":
    main()
