"""How well stages scale from one worker to two, here and on a Ray cluster, and what a task holds in memory.

    python -m benchmarks.bench_scale workers [--pages 950] [--documents 100000] [--rounds 3] [--no-ray]
    python -m benchmarks.bench_scale memory FOLDER [--documents 10000 100000 1000000]

`workers`: `documents` of the real pages of pages/pages.parquet, `clusters` of generated documents (both of
the shared data, see WEBTEXT_SHARED), in turns; efficiency is the time with one worker through twice the time
with two, of medians. Workers have their libraries loaded before. What two processes can do on this machine is
told by a loop that shares nothing.

`memory`: the peak of each task behind `documents`, by the size of the corpus: all that is resident, mapped
files too, and what no file backs, sampled twenty times a second. FOLDER keeps the generated corpora. Linux
only.
"""

import argparse
import os
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench_dedup_scale import generate
from benchmarks.bench_plan import real_corpus
from benchmarks.tree import process_bytes
from pipelines import clusters, documents
from pipelines.meter import forget_peak, peak_bytes
from webtext import files, stage
from webtext.corpus import Corpus
from webtext.engine import Engine, Report, Task
from webtext.engine.local import LocalEngine
from webtext.progress import Progress
from webtext.recipe import Recipe

QUIET = Progress(quiet=True)
WORKERS, PARTITIONS, SAMPLE_S = (1, 2), 32, 0.05
LOOPS, LOOP_STEPS = 16, 3_000_000


def loop(steps: int, _: Report) -> int:
    return sum(number & 7 for number in range(steps))


def run_loop(engine: Engine, _: Path) -> None:
    list(engine.map(loop, [LOOP_STEPS] * LOOPS, lambda *_: None))


def run_documents(engine: Engine, root: Path) -> None:
    corpus = Corpus(root)
    files.remove_folder(corpus.table("documents").folder)
    stage.run(corpus, engine, documents.plan(corpus, corpus.recipe()), QUIET)


def run_clusters(engine: Engine, root: Path) -> None:
    corpus = Corpus(root)
    files.remove_folder(corpus.table("clusters").folder)
    clusters.build(corpus, engine, Recipe(), QUIET)


def engines(with_ray: bool) -> dict[str, Callable[[int], Engine]]:
    found: dict[str, Callable[[int], Engine]] = {"local": LocalEngine}
    if with_ray:
        from webtext.engine.ray import RayEngine

        found["ray"] = RayEngine
    return found


def scale(folder: Path, pages: int, count: int, rounds: int, with_ray: bool) -> None:
    cores = os.cpu_count() or 1
    real_corpus(folder / "few-pages", 2 * PARTITIONS, PARTITIONS)
    real_corpus(folder / "pages", pages, PARTITIONS)
    generate(folder / "few-texts", "mixed", 10 * PARTITIONS, cores, PARTITIONS)
    generate(folder / "texts", "mixed", count, cores, PARTITIONS)
    stages = {"loop": run_loop, "documents": run_documents, "clusters": run_clusters}
    roots = {"loop": folder, "documents": folder / "pages", "clusters": folder / "texts"}
    seconds: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for number in range(rounds):
        for name, start in engines(with_ray).items():
            for workers in WORKERS if number % 2 else WORKERS[::-1]:
                with start(workers) as engine:
                    run_documents(engine, folder / "few-pages")  # loads libraries
                    run_clusters(engine, folder / "few-texts")
                    for what, run in stages.items():
                        started = time.monotonic()
                        run(engine, roots[what])
                        took = time.monotonic() - started
                        seconds[what, name, workers].append(took)
                        print(f"  {what:10} {name:6} {workers} {took:7.1f} s", flush=True)
    for what in stages:
        for name in engines(with_ray):
            one, two = (median(seconds[what, name, workers]) for workers in WORKERS)
            print(f"{what:10} {name:6} {one:7.1f} s, {two:7.1f} s: efficiency {one / two / 2:.2f}")


class Weighed(LocalEngine):
    """Remembers the peaks of each task's process: resident, and of it what no file backs."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.peaks: dict[str, tuple[int, int]] = {}

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        name = f"{task.__module__.rpartition('.')[2]}.{task.__qualname__}"
        for result, resident, anonymous in super().map(weigh, [(task, item) for item in items], report):
            before = self.peaks.get(name, (0, 0))
            self.peaks[name] = max(before[0], resident), max(before[1], anonymous)
            yield result


def weigh(item: tuple[Task, Any], report: Report) -> tuple[Any, int, int]:
    task, argument = item
    forget_peak()
    ended, peak = threading.Event(), [0]

    def look() -> None:
        while True:
            peak[0] = max(peak[0], process_bytes(os.getpid(), "Pss_Anon"))
            if ended.wait(SAMPLE_S):
                return

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        result = task(argument, report)
    finally:
        ended.set()
        watcher.join()
    return result, peak_bytes("self"), peak[0]


def weigh_all(folder: Path, sizes: Sequence[int]) -> None:
    peaks: dict[int, dict[str, tuple[int, int]]] = {}
    for size in sizes:
        root = folder / f"texts-{size}"
        if Corpus(root).table("documents").manifest() is None:
            generate(root, "mixed", size, os.cpu_count() or 1)
        with Weighed(1) as engine:
            run_clusters(engine, root)
        peaks[size] = engine.peaks
    print("MB resident (of it not of files): " + ", ".join(f"{size:,} documents" for size in sizes))
    for name in peaks[sizes[0]]:
        told = (peaks[size].get(name, (0, 0)) for size in sizes)
        print(f"  {name:26}" + "".join(f"{a / 1e6:10,.0f} ({b / 1e6:,.0f})" for a, b in told))
    print(f"  {'largest':26}" + "".join(f"{max(peaks[s].values())[0] / 1e6:10,.0f}" for s in sizes))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    workers = commands.add_parser("workers")
    workers.add_argument("--pages", type=int, default=950)
    workers.add_argument("--documents", type=int, default=100_000)
    workers.add_argument("--rounds", type=int, default=3)
    workers.add_argument("--no-ray", action="store_true")
    memory = commands.add_parser("memory")
    memory.add_argument("folder", type=Path)
    memory.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    given = parser.parse_args()
    if given.what == "memory":
        weigh_all(given.folder, given.documents)
        return
    with tempfile.TemporaryDirectory(prefix="webtext-") as folder:
        scale(Path(folder), given.pages, given.documents, given.rounds, not given.no_ray)


if __name__ == "__main__":
    main()
