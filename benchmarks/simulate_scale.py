"""A model, not a run, of 45 million and 4.5 billion links: the host tail, CPU, bandwidth, partitions.

    python -m benchmarks.simulate_scale [--workers 64]

`check_simulation.py` holds the model against small measured runs.

**Links.** A corpus has WebText's domains: OpenAI's list of 1,000 with their link counts (webtext/domains.txt
of the shared data, see WEBTEXT_SHARED), 21.8 of 45 million links, and behind it the one power law that
begins at the last listed count, has the rest of the links, and ends at a domain with one. A hundred times
the links: each listed domain has a hundred times its links, and a new law behind them. A label of the list
is one host, which makes the largest hosts larger than they are (`google` is many, `blogspot` is half a
million).

**Crawl.** A host is asked one thing at a time, `per_host_delay_s` after the last answer, for robots.txt and
tdmrep.json too. A live crawl ends when its largest host does, or its threads (a request a second each, 1.3
requests a link: redirects), or its cores, whichever is last. A time limit leaves over what the large hosts
have beyond it; that and what is dead goes to archives, whose own pace is counted as the product keeps it, or
to the user's own WARC files, which have none.

**The rest.** CPU as measured on one core (RESULTS.md); of the links 62 % are fetched (of ten years old ones
38 % are dead), of the pages 74 % are kept (as of 300 real ones); bytes as measured on 950 real pages. A
partition is the top bits of a domain's hash, so a domain is in one: its size is the mean of all small ones
and what large ones fall into it, drawn with a seed. What one task holds is that of the largest partition,
which is extracted in pieces and then judged by one task.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines import pieces
from pipelines.build_estimate import JUDGING, PAGE_ROW_BYTES
from pipelines.crawl_estimate import DEAD_SHARE, REQUESTS_PER_LINK, SECONDS_PER_REQUEST
from webtext.audit.sections.fidelity import read
from webtext.crawl.archives.chosen import seconds_per_link
from webtext.errors import UserError
from webtext.links.partitions import partitions_for

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
WEBTEXT_LINKS, WEBTEXT_SUBMISSIONS = 45_000_000, 500_000_000
DAY_S, HOUR_S = 86_400, 3600
SEED, SINGLE = 8, 1_000_000  # domains that are drawn one by one; smaller ones count as their mean
FILES_ASKED = 2  # of each host: robots.txt, tdmrep.json


@dataclass(frozen=True)
class Measured:
    """Of one core, and per page or document; each from RESULTS.md."""

    submissions_per_cpu_s: float = 90_000
    pages_per_cpu_s: float = 225  # 225 to 447
    documents_per_cpu_s: float = 30
    duplicates_cpu_s: float = 0.12e-3
    shards_cpu_s: float = 0.55e-3
    kept_share: float = 0.74
    wire_bytes: float = 40_000  # a gzipped page and its exchange
    warc_bytes: float = 34_000
    documents_bytes: float = 3_600
    clusters_bytes: float = 1_694  # at most, while it runs
    shards_bytes: float = 4_300
    tokens_bytes: float = 4_300
    mapped_bytes: float = 44  # a document's share of the arrays that one task maps


MEASURED = Measured()


@dataclass(frozen=True)
class Law:
    """Links by domain, largest first: `head` one by one, then `first` × (rank / len(head)) ** -exponent."""

    head: npt.NDArray[np.float64]
    exponent: float
    domains: float

    @classmethod
    def behind(cls, head: Sequence[float], links: float) -> "Law":
        """The law that has the rest of the links and ends at a domain with one."""
        counts = np.sort(np.asarray(head, np.float64))[::-1]
        low, high, rest = 0.2, 8.0, links - counts.sum()
        for _ in range(100):
            exponent = (low + high) / 2
            low, high = (exponent, high) if _tail_links(counts, exponent) > rest else (low, exponent)
        return cls(counts, exponent, len(counts) * counts[-1] ** (1 / exponent))

    def largest(self, count: int) -> npt.NDArray[np.float64]:
        ranks = np.arange(len(self.head) + 1, min(count, int(self.domains)) + 1)
        tail = self.head[-1] * (ranks / len(self.head)) ** -self.exponent
        return np.concatenate([self.head, tail])[:count]


def _tail_links(head: npt.NDArray[np.float64], exponent: float) -> float:
    """The integral of the law from the last of the head to the domain that has one link."""
    last, rank = head[-1], len(head)
    if abs(exponent - 1) < 1e-9:
        return float(last * rank * np.log(last))
    end = last ** ((1 - exponent) / exponent)
    return float(last * rank * (1 - end) / (exponent - 1))


def partition_links(law: Law, links: float, partitions: int) -> npt.NDArray[np.float64]:
    """The links of each partition."""
    single = law.largest(SINGLE)
    places = np.random.default_rng(SEED).integers(0, partitions, len(single))
    sizes = np.bincount(places, single, partitions).astype(np.float64, copy=False)
    return sizes + max(links - float(single.sum()), 0.0) / partitions


@dataclass(frozen=True)
class Crawl:
    """A live crawl of hosts with so many links each, by all workers' threads and cores together."""

    hosts: npt.NDArray[np.float64]  # the largest ones' links
    links: float
    delay_s: float
    response_s: float
    threads: int
    cores: float
    pages_per_cpu_s: float = MEASURED.pages_per_cpu_s
    requests_per_link: float = REQUESTS_PER_LINK
    other_requests: float = 0.0

    @property
    def tail_s(self) -> float:
        return float((self.hosts.max() + FILES_ASKED) * (self.delay_s + self.response_s))

    @property
    def threads_s(self) -> float:
        requests = self.links * self.requests_per_link + self.other_requests
        return requests * self.response_s / self.threads

    @property
    def cores_s(self) -> float:
        return self.links / self.pages_per_cpu_s / self.cores

    @property
    def wall_s(self) -> float:
        return max(self.tail_s, self.threads_s, self.cores_s)


def webtext_law(times: int) -> Law:
    listed = read(SHARED / "webtext" / "domains.txt")
    return Law.behind([times * count for count in listed.values()], times * WEBTEXT_LINKS)


def tell(times: int, workers: int) -> None:
    total, law = times * WEBTEXT_LINKS, webtext_law(times)
    crawl = Crawl(law.head, total, 1.0, 0.0, 64 * workers, workers)
    print(f"\n{total:,} links on {law.domains:,.0f} domains (exponent {law.exponent:.2f}), {workers} workers")
    _tell_tail(law, total, crawl)
    _tell_cpu(total, times * WEBTEXT_SUBMISSIONS, workers)
    _tell_network(total, workers)
    _tell_partitions(law, total, times)


def _tell_tail(law: Law, total: float, crawl: Crawl) -> None:
    threads_s = total * REQUESTS_PER_LINK * SECONDS_PER_REQUEST / crawl.threads
    print(f"  live, all of it: the largest host {crawl.tail_s / DAY_S:,.1f} days", end=", ")
    print(f"threads {threads_s / DAY_S:,.2f}, cores {crawl.cores_s / DAY_S:,.2f} days")
    for days in (3, 7, 30):
        over = np.maximum(law.largest(SINGLE) - days * DAY_S, 0).sum()
        dead = (total - over) * DEAD_SHARE
        waits = {name: (over + dead) * seconds_per_link(name) / DAY_S for name in ("wayback", "commoncrawl")}
        print(f"  live for {days} days: {over:,.0f} links left over ({over / total:.1%})", end=", ")
        print(", ".join(f"{name} {wait:,.0f} days" for name, wait in waits.items()), end=" ")
        print("for them and the dead; own WARC files: none")


def _tell_cpu(total: float, submissions: float, workers: int) -> None:
    fetched = total * (1 - DEAD_SHARE)
    texts = fetched * MEASURED.kept_share
    hours = {
        "links": submissions / MEASURED.submissions_per_cpu_s / HOUR_S,
        "pages": total / MEASURED.pages_per_cpu_s / HOUR_S,
        "documents": fetched / MEASURED.documents_per_cpu_s / HOUR_S,
        "duplicates": texts * MEASURED.duplicates_cpu_s / HOUR_S,
        "shards, tokens": texts * MEASURED.shards_cpu_s / HOUR_S,
    }
    told = ", ".join(f"{name} {value:,.1f}" for name, value in hours.items())
    print(
        f"  CPU-hours: {told}; all {sum(hours.values()):,.0f}, {sum(hours.values()) / workers:,.1f} a worker"
    )
    disk = {
        "warc": fetched * MEASURED.warc_bytes,
        "documents": fetched * MEASURED.documents_bytes,
        "clusters at most": texts * MEASURED.clusters_bytes,
        "shards": texts * MEASURED.shards_bytes,
        "tokens": texts * MEASURED.tokens_bytes,
    }
    print("  TB: " + ", ".join(f"{name} {size / 1e12:,.2f}" for name, size in disk.items()))


def _tell_network(total: float, workers: int) -> None:
    by_threads = 64 / REQUESTS_PER_LINK / SECONDS_PER_REQUEST
    rate = min(by_threads, MEASURED.pages_per_cpu_s) * workers
    print(f"  network: {rate:,.0f} pages/s with {workers} workers", end=", ")
    print(
        f"{rate * MEASURED.wire_bytes * 8 / 1e9:,.2f} Gbit/s, {total / rate / DAY_S:,.1f} days at that rate"
    )


def _tell_partitions(law: Law, total: float, times: int) -> None:
    own = partitions_for(times * WEBTEXT_SUBMISSIONS)
    for count in sorted({1024, 8192, own}):
        found = partition_links(law, total, count)
        mean, most = (round(links_ * (1 - DEAD_SHARE)) for links_ in (found.mean(), found.max()))
        warc_gb = [pages * MEASURED.warc_bytes / 1e9 for pages in (mean, most)]
        print(f"  {count:,} partitions{' (the product’s)' if count == own else ''}", end=": ")
        print(f"{found.mean():,.0f} links in the mean, {found.max():,.0f} in the largest", end="; ")
        hours = most / MEASURED.documents_per_cpu_s / HOUR_S
        print(
            f"WARC {warc_gb[0]:,.2f} and {warc_gb[1]:,.1f} GB; the largest: {hours:,.1f} h to extract",
            end=" ",
        )
        print(
            f"in {-(-most // pieces.PAGES):,} pieces, judged by one task in {hours * JUDGING:,.1f} h",
            end=", ",
        )
        print(f"with {most * PAGE_ROW_BYTES / 1e9:,.1f} GB of rows in memory")
    texts = total * (1 - DEAD_SHARE) * MEASURED.kept_share
    print(f"  on one node: mapped arrays of duplicates {texts * MEASURED.mapped_bytes / 1e9:,.1f} GB", end="")
    print(f"; {texts:,.0f} texts, of at most {2**32:,}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=64)
    given = parser.parse_args()
    try:
        for times in (1, 100):
            tell(times, given.workers)
    except UserError as error:
        parser.error(f"{error}, as webtext/domains.txt in the folder that WEBTEXT_SHARED names")


if __name__ == "__main__":
    main()
