"""Which partitions of pages one process crawls at once: as many as its memory and its open files allow."""

import heapq
import resource
from collections.abc import Sequence

from webtext.crawl.network import HOSTS_PER_THREAD
from webtext.errors import UserError
from webtext.sections import Crawl
from webtext.stage import Work

# What one process takes at once: links for its memory (about 650 MB), partitions for its open files.
MAX_GROUP_LINKS, MAX_GROUP_PARTITIONS = 500_000, 1000
FILES_PER_PARTITION, OTHER_FILES = 2, 100  # a journal and a WARC file each


def check(settings: Crawl) -> None:
    """Raises UserError where the system does not let a process open what these settings need."""
    if allow_open_files(settings) < _sockets(settings) + FILES_PER_PARTITION:
        raise UserError(
            f"crawl.threads = {settings.threads} needs {_sockets(settings):,} open files, more than this "
            "system allows; set it lower, or raise `ulimit -n`"
        )


def most_threads(settings: Crawl) -> int:
    """As many as are asked for, or fewer that can open what they need; one at least."""
    left = allow_open_files(settings) - OTHER_FILES - FILES_PER_PARTITION
    return max(min(settings.threads, left // (HOSTS_PER_THREAD * settings.per_host_connections + 1)), 1)


def plan_groups(works: Sequence[Work], workers: int) -> list[list[Work]]:
    """As many groups as workers, or as memory and open files ask for, of about as many links each."""
    if not works:
        return []
    settings = works[0].item.settings
    partitions = max((allow_open_files(settings) - _sockets(settings)) // FILES_PER_PARTITION, 1)
    links = sum(work.rows for work in works)
    count = min(max(workers, -(-links // MAX_GROUP_LINKS), -(-len(works) // partitions)), len(works))
    groups: list[list[Work]] = [[] for _ in range(count)]
    heap = [(0, 0, number) for number in range(count)]
    for work in sorted(works, key=lambda work: -work.rows):
        rows, size, number = heapq.heappop(heap)
        groups[number].append(work)
        if size + 1 < partitions:
            heapq.heappush(heap, (rows + work.rows, size + 1, number))
    return groups


def _sockets(settings: Crawl) -> int:
    """How many files a crawl may have open beside its partitions'."""
    idle = HOSTS_PER_THREAD * settings.threads * settings.per_host_connections
    return idle + settings.threads + OTHER_FILES


def allow_open_files(settings: Crawl) -> int:
    """How many files a process may open: as many as a full group needs, if the system lets it."""
    wanted = MAX_GROUP_PARTITIONS * FILES_PER_PARTITION + _sockets(settings)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
