"""Rows a second from a compressed dump to links/, against a plain loop over the same dump.

    python -m benchmarks.bench_links [--rows 2000000] [--dump FILE] [--rounds 3]

The dump is made by synthetic_dump.py where none is given. Each figure is the best of the rounds, which are
interleaved; each measurement runs in its own process, bound to one core or two.
"""

import argparse
import io
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import zstandard
from rich.console import Console
from rich.table import Table

from benchmarks import synthetic_dump
from pipelines import links
from webtext.corpus import Corpus
from webtext.engine.local import LocalEngine
from webtext.progress import Progress
from webtext.recipe import Recipe


def plain_loop(dump: Path, _: int) -> int:
    """What a script does: each line to a dictionary, the karma rule, the URLs in memory. Writes nothing."""
    rows, urls = 0, []
    with dump.open("rb") as file:
        reader = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(file)
        for line in io.TextIOWrapper(reader, encoding="utf-8"):
            rows += 1
            post = json.loads(line)
            if not post["is_self"] and post["score"] >= 3:
                urls.append(post["url"])
    return rows


def harvest(dump: Path, workers: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="bench-links-"))
    try:
        with LocalEngine(workers) as engine:
            manifest = links.harvest(Corpus(folder), engine, Recipe(), [str(dump)], Progress(quiet=True))
        return manifest.counts.into
    finally:
        shutil.rmtree(folder)


CASES: dict[str, tuple[Callable[[Path, int], int], int]] = {
    "plain zstandard + json.loads, one core": (plain_loop, 1),
    "links, one core": (harvest, 1),
    "links, two cores": (harvest, 2),
}


class Figures(NamedTuple):
    rows_per_s: float
    rows_per_cpu_s: float
    peak_mb: float  # of the largest process


def measure(case: str, dump: Path) -> Figures:
    """One run in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(case, dump, theirs))
    process.start()
    figures: Figures = ours.recv()
    process.join()
    return figures


def _measured(case: str, dump: Path, pipe: "multiprocessing.connection.Connection[object, object]") -> None:
    function, cores = CASES[case]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    started, imports_cpu_s = time.monotonic(), time.process_time()
    rows = function(dump, cores)
    seconds = time.monotonic() - started
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(usage.ru_utime + usage.ru_stime for usage in usages) - imports_cpu_s
    pipe.send(Figures(rows / seconds, rows / cpu_s, max(usage.ru_maxrss for usage in usages) / 1024))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--dump", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-links-") as folder:
        dump = arguments.dump or Path(folder) / "RS_synthetic.zst"
        if not arguments.dump:
            size = synthetic_dump.write(dump, arguments.rows)
            print(f"{arguments.rows:,} rows, {size / arguments.rows:,.0f} bytes a row")
        rounds = [{case: measure(case, dump) for case in CASES} for _ in range(arguments.rounds)]
    table = Table("case", "rows/s", "× plain", "rows/CPU-s", "× plain", "peak RSS, MB")
    best = {case: Figures(*map(max, zip(*(each[case] for each in rounds), strict=True))) for case in CASES}
    plain = best[next(iter(CASES))]
    for case, figures in best.items():
        table.add_row(
            case,
            f"{figures.rows_per_s:,.0f}",
            f"{figures.rows_per_s / plain.rows_per_s:.2f}",
            f"{figures.rows_per_cpu_s:,.0f}",
            f"{figures.rows_per_cpu_s / plain.rows_per_cpu_s:.2f}",
            f"{figures.peak_mb:,.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
