"""The model of simulate_scale.py beside small measured runs: real links, and crawls on loopback.

    python -m benchmarks.check_simulation [--rounds 3]

Links are those of reddit/links_200k.ndjson.zst of the shared data (see WEBTEXT_SHARED). Crawls are those of
bench_crawl.py: of hosts that are alike, where cores decide, and of hosts by Zipf, where the largest one does.
"""

import argparse
import random
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import bench_crawl
from benchmarks.simulate_scale import FILES_ASKED, SEED, SHARED, Crawl, Law, partition_links
from pipelines import links, recipes
from webtext import recipe
from webtext.corpus import Corpus
from webtext.engine.local import LocalEngine
from webtext.links.partitions import partition_of
from webtext.progress import Progress


def check_links() -> None:
    """Domains and partitions of real submissions, from their number and their 1,000 largest domains."""
    chosen = recipe.override(recipes.find("webtext"), ["links.min_karma=0", "links.domains_blocked=[]"])
    source = SHARED / "reddit" / "links_200k.ndjson.zst"
    with tempfile.TemporaryDirectory(prefix="webtext-") as folder, LocalEngine(1) as engine:
        corpus = Corpus(Path(folder) / "corpus")
        manifest = links.harvest(corpus, engine, chosen, [str(source)], Progress(quiet=True))
        table = corpus.table("links")
        sizes = [part.rows for part in manifest.partitions]
        domains = Counter[str]()
        for part in manifest.partitions:
            domains.update(table.read(part.file, ["domain"])["domain"].to_pylist())
    total, head = sum(sizes), [count for _, count in domains.most_common(1000)]
    law = Law.behind(head, total)
    print(f"{total:,} real links: {len(domains):,} domains, the model says {law.domains:,.0f}", end=" ")
    print(f"({law.domains / len(domains) - 1:+.0%})")
    for count in (len(sizes), 256):
        real = np.zeros(count)
        for name, rows in domains.items():
            real[partition_of(name, count)] += rows
        said = partition_links(law, total, count)
        print(f"  {count} partitions: largest {real.max():,.0f}, said {said.max():,.0f}", end=" ")
        print(f"({said.max() / real.max() - 1:+.0%}); deviation {real.std():,.0f}, said {said.std():,.0f}")


def check_crawls() -> None:
    """Loopback crawls: one tells this machine's pages a CPU-second, the others are foretold."""
    pages_told = [10] * 200
    even = _crawl(pages_told, 0.0)
    cpu_rate = sum(pages_told) / even.cpu_s
    print(f"200 hosts of 10 pages, no delay: {sum(pages_told) / even.told['wall_s']:,.0f} pages/s", end=", ")
    print(f"{cpu_rate:,.0f} pages/CPU-s: by that the others are foretold")
    skewed = [max(1, round(120 / rank)) for rank in range(1, 201)]
    random.Random(SEED).shuffle(skewed)
    for name, pages, delay_s in (("1,000 hosts of 5", [5] * 1000, 0.2), ("200 hosts by Zipf", skewed, 0.3)):
        wall_s = _crawl(pages, delay_s).told["wall_s"]
        hosts, response_s = np.array(pages, np.float64), sum(bench_crawl.LATENCY_S) / 2
        others = FILES_ASKED * len(pages)
        said = Crawl(hosts, sum(pages), delay_s, response_s, 64, 1, cpu_rate, 1.0, others)
        print(f"{name}, {delay_s} s delay: {wall_s:.1f} s, said {said.wall_s:.1f}", end=" ")
        print(f"({said.wall_s / wall_s - 1:+.0%}: largest host {said.tail_s:.1f}", end=", ")
        print(f"threads {said.threads_s:.1f}, core {said.cores_s:.1f})", end="; ")
        print(f"{sum(pages) / wall_s:,.0f} pages/s, said {sum(pages) / said.wall_s:,.0f}", flush=True)


def _crawl(pages: Sequence[int], delay_s: float) -> bench_crawl.Run:
    """Our crawl of hosts with so many pages each."""
    options = Namespace(hosts=len(pages), plain=False, threads=64, delay=delay_s)
    urls = [
        f"http://{bench_crawl.address(host)}:{bench_crawl.PORT}/{page}"
        for host, count in enumerate(pages)
        for page in range(count)
    ]
    with tempfile.TemporaryDirectory(prefix="webtext-") as folder:
        corpus = Path(folder) / "corpus"
        bench_crawl.link(corpus, urls)
        with bench_crawl.served(options):
            return bench_crawl.run(bench_crawl.our_command(corpus, options))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1, help="of the crawls")
    given = parser.parse_args()
    check_links()
    for _ in range(given.rounds):
        check_crawls()


if __name__ == "__main__":
    main()
