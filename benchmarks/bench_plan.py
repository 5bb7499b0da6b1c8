"""What `build-shards --dry-run` estimates, beside what the build then takes, stage by stage.

    python -m benchmarks.bench_plan [--pages 950] [--partitions 8] [--workers 1]

The pages are those of pages/pages.parquet of the shared data (see WEBTEXT_SHARED), as a crawl would have left
them. CPU is counted as the estimate counts it, in this one process; then the same is built again with
`--workers` processes, for its wall time.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from pipelines import build_estimate, build_shards, clusters, documents, recipes, shards
from pipelines.build_sample import STAGES, folder_bytes
from pipelines.meter import Meter, extractor_bytes
from tests.extract.web import Web, crawled
from webtext import parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.engine.local import LocalEngine
from webtext.links.hosts import registered_domain
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
QUIET = Progress(quiet=True)


def real_corpus(root: Path, count: int, partitions: int) -> Corpus:
    """A corpus of real pages, partitioned by registered domain."""
    rows = pq.read_table(SHARED / "pages" / "pages.parquet", columns=["url", "html"]).to_pylist()[:count]
    split: list[list[Web]] = [[] for _ in range(partitions)]
    for url, body in {
        row["url"] or f"http://none{n}.example/": row["html"] for n, row in enumerate(rows)
    }.items():
        number = xxhash.xxh3_64_intdigest((registered_domain(url) or url).encode()) % partitions
        split[number].append(Web(url, body))
    corpus = crawled(root, *split)
    _link(corpus, split)
    corpus.freeze(recipes.find("webtext"))
    return corpus


def _link(corpus: Corpus, split: Sequence[Sequence[Web]]) -> None:
    table, parts = corpus.table("links"), list[Part]()
    for number, pages in enumerate(split):
        rows = [
            {
                "id": xxhash.xxh3_64_hexdigest(page.url.encode()),
                "url": page.url,
                "domain": registered_domain(page.url),
                "karma": 3,
                "first_posted": datetime(2012, 1, 1, tzinfo=UTC),
            }
            for page in pages
        ]
        written = parquet.write(
            table.path(number), schemas.LINKS, [pa.Table.from_pylist(rows, schema=schemas.LINKS)]
        )
        counts = Counts(len(rows), len(rows))
        parts.append(Part(table.path(number).name, "", written.rows, written.bytes, written.hash, counts))
    table.publish(Manifest("links", 1, "", "", tuple(parts), sum((p.counts for p in parts), Counts())))


def build(corpus: Corpus, recipe: Recipe) -> Meter:
    """A whole build in this process."""
    meter = Meter(STAGES, "shards")
    stage.run(corpus, meter, documents.plan(corpus, recipe), QUIET)
    meter.memory_bytes["documents"] += extractor_bytes()
    clusters.build(corpus, meter, recipe, QUIET)
    meter.settle("duplicates")
    shards.build(corpus, meter, recipe, QUIET)
    meter.settle("tokens")
    return meter


def folder_mb(corpus: Corpus) -> dict[str, float]:
    def size(name: str) -> float:
        return folder_bytes(corpus.root / name) / 1e6

    whole = {name: size(name) for name in ("documents", "shards", "tokens")}
    signatures = size("clusters/signatures")
    return whole | {"signatures": signatures, "duplicates": size("clusters") - signatures}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=950)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="webtext-") as folder:
        corpus = real_corpus(Path(folder) / "corpus", given.pages, given.partitions)
        recipe = corpus.recipe()
        shutil.copytree(corpus.root, Path(folder) / "again")
        told = build_estimate.dry_run(corpus, recipe, {"documents"}, given.workers)
        assert told is not None
        print(f"estimated from {told['sample']}", flush=True)
        meter, sizes = build(corpus, recipe), folder_mb(corpus)
        print(f"{'':12}{'CPU-s':>8}{'real':>8}{'MB disk':>9}{'real':>8}{'MB memory':>11}{'real':>8}")
        for row in told["stages"]:
            name = row["stage"]
            print(
                f"{name:12}{row['cpu_seconds']:8.1f}{meter.seconds[name]:8.1f}{row['disk_mb']:9.2f}"
                f"{sizes[name]:8.2f}{row['memory_mb']:11,}{meter.memory_bytes[name] / 1e6:8,.0f}"
            )
        seconds = told["total"]["cpu_hours"] * 3600, sum(meter.seconds.values())
        disk = told["total"]["disk_mb"], sum(sizes.values())
        print(f"all: CPU {seconds[0] / seconds[1] - 1:+.0%}, disk {disk[0] / disk[1] - 1:+.0%}")
        started = time.monotonic()
        with LocalEngine(given.workers) as engine:
            build_shards.build(Corpus(Path(folder) / "again"), engine, recipe, QUIET)
        took = time.monotonic() - started
        print(f"{given.workers} workers: {took:.1f} s, estimated {told['total']['seconds']:.1f} s")


if __name__ == "__main__":
    main()
