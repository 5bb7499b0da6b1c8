"""The three maps of the links stage, each a task over files that the one before it left.

Sources are spilled by domain and by submission id, ids are settled bucket by bucket, and each partition of
links is merged from the rows of its domains: memory is bounded by a bucket, not by the dumps.
"""

import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from webtext import files, parquet, schemas
from webtext.corpus import Corpus
from webtext.engine import Report
from webtext.links.codes import SELECTED, count_reasons
from webtext.links.glance import Glancer
from webtext.links.merging import merge
from webtext.links.readers import Reading
from webtext.links.selection import Rules
from webtext.links.sifting import Sieve
from webtext.links.slices import Slice
from webtext.links.sources import Source
from webtext.links.spill import Spill, Spilled
from webtext.links.superseding import (
    BUCKETS,
    code_of,
    rows_of,
    selected_by_bucket,
    source_of,
    superseded,
    with_source,
)
from webtext.manifest import Counts, Part
from webtext.table import partition_name

REPORT_EVERY_S = 0.2
LOCK_SECONDS = 0.001
SUFFIXES = (".json", ".keys", ".rows")  # of a spill's files
ROW_GROUP_ROWS = 10_000
FIRST_ROWS = 1000  # of a source, that are looked at before it is read
REPEATING = ("domain", "submissions.list.element.subreddit")  # dictionaries of the rest cost time for nothing


@dataclass(frozen=True)
class SourceItem:
    """A source, or a slice of it, to be spilled under `key`."""

    folder: Path
    key: str
    source: Source
    share: Slice
    rules: Rules


def spill_source(item: SourceItem, report: Report) -> None:
    """Sifts one source, or a slice of it, into its spill."""
    files.here(item.source.path)  # which may be a copy in the corpus
    rules, scored = item.rules, item.source.scored
    reading, sieve = Reading(item.source, item.share, Glancer(rules, scored)), Sieve(rules, scored)
    live = _Throttled(report)
    with _tuned_interpreter(), Spill(item.folder, item.key, item.source.has_submissions) as spill:
        for batch in reading:
            sifted = sieve.sift(batch.posts, batch.rows)
            spill.add(sifted, batch.refused.keys)
            dropped = dict(Counter(count_reasons(sifted.codes)) + Counter(batch.refused.reasons))
            examples = sifted.examples
            if batch.malformed:
                dropped["malformed"] = len(batch.malformed)
                examples |= {"malformed": batch.malformed[0]}
            spill.summary.count(batch.count, dropped, examples, batch.first_row)
            live.add(batch.count, dropped)
        spill.summary.broken = reading.broken
    live.flush()


def first_urls(source: Source, rules: Rules) -> list[str]:
    """What the rules select of a source's first rows. Few of those are superseded by later ones, or have too
    little karma in sum."""
    files.here(source.path)
    if (first := next(iter(Reading(source)), None)) is None:
        return []
    sifted = Sieve(rules, source.scored).sift(first.posts[:FIRST_ROWS], first.rows[:FIRST_ROWS])
    return [each.url for each in sifted.selected]


@dataclass(frozen=True)
class IdsItem:
    """Buckets [first_bucket, end_bucket) of submission ids to be settled."""

    folder: Path
    keys: tuple[tuple[str, ...], ...]  # of the spills, source by source
    first_bucket: int
    end_bucket: int

    @property
    def losers(self) -> Path:
        return self.folder / f"{self.first_bucket:03d}.superseded"


def settle_ids(item: IdsItem, _: Report) -> list[dict[str, int]]:
    """Finds the superseded rows of some buckets of ids, and writes down those that were selected.

    Gives per source how many rows of each reason were superseded, selected ones under "".
    """
    keys = [
        with_source(spilled(item.folder, key).keys(item.first_bucket, item.end_bucket), source)
        for source, slices in enumerate(item.keys)
        for key in slices
    ]
    lost = superseded(np.concatenate(keys))
    item.losers.write_bytes(selected_by_bucket(lost).tobytes())
    files.put(item.losers)
    counts = []
    for source in range(len(item.keys)):
        codes = code_of(lost[source_of(lost) == source]).tolist()
        counts.append(count_reasons(codes) | {"": codes.count(SELECTED)})
    return counts


@dataclass(frozen=True)
class Job:
    """What all partitions of links are merged from."""

    root: Path
    folder: Path
    keys: tuple[tuple[str, ...], ...]
    losers: tuple[Path, ...]
    rules: Rules
    partitions: int


@dataclass(frozen=True)
class PartitionItem:
    """A partition of links to be merged; `key` as in its plan."""

    job: Job
    partition: int
    key: str

    @property
    def buckets(self) -> tuple[int, int]:
        """The buckets of domains in which the partition's rows lie: several, or a part of one."""
        first = self.partition * BUCKETS // self.job.partitions
        end = (self.partition + 1) * BUCKETS // self.job.partitions
        return first, max(end, first + 1)


def merge_partitions(items: Sequence[PartitionItem], report: Report) -> list[Part]:
    """Merges partitions whose rows lie in the same buckets."""
    folder = Corpus(items[0].job.root).table("links").folder
    parts = []
    for item, links, counts in merged(items):
        file = partition_name(item.partition)
        written = parquet.write(
            folder / file,
            schemas.LINKS,
            [links],
            row_group_rows=ROW_GROUP_ROWS,
            dictionary=REPEATING,
        )
        parts.append(Part(file, item.key, written.rows, written.bytes, written.hash, counts))
        report(counts.into, counts.dropped)
    return parts


def merged(items: Sequence[PartitionItem]) -> Iterator[tuple[PartitionItem, pa.Table, Counts]]:
    """The links of partitions whose rows lie in the same buckets."""
    job = items[0].job
    rows = pa.concat_tables(_remaining(job, *items[0].buckets))
    partitions = rows["domain_hash"].to_numpy() >> np.uint64(65 - job.partitions.bit_length())
    for item in items:
        yield item, *merge(rows.filter(pa.array(partitions == item.partition)), job.rules)


def is_spilled(folder: Path, key: str) -> bool:
    return files.exists(folder / f"{key}.json")


@lru_cache(maxsize=4096)
def spilled(folder: Path, key: str) -> Spilled:
    """A spill that is known to be there; its name says all of its content."""
    for suffix in SUFFIXES:
        files.here(folder / f"{key}{suffix}", settled=True)
    found = Spilled.find(folder, key)
    assert found is not None, f"{key} was to be spilled in {folder}"
    return found


def _remaining(job: Job, first_bucket: int, end_bucket: int) -> Iterator[pa.Table]:
    """The selected rows of some buckets, source after source, less the superseded ones."""
    losers = [np.memmap(path, np.int64, "r") for path in map(files.here, job.losers) if path.stat().st_size]
    for source, slices in enumerate(job.keys):
        rows = pa.concat_tables(spilled(job.folder, key).rows(first_bucket, end_bucket) for key in slices)
        for each in losers:
            lost = rows_of(each, source, first_bucket, end_bucket)
            if len(lost):
                rows = rows.filter(pa.array(~np.isin(rows["row"].to_numpy(), lost)))
        yield rows.append_column("source", pa.array(np.full(rows.num_rows, source), pa.int32()))


@contextmanager
def _tuned_interpreter() -> Iterator[None]:
    """Turns the garbage collector off, because a pass over a source makes no cycles, but long lists, which it
    would walk through again and again. And lets the thread that reads ahead have the interpreter's lock
    within a millisecond."""
    interval = sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(LOCK_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.enable()


class _Throttled:
    """Reports at most some times a second."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reported = time.monotonic()
        self._rows = 0
        self._dropped: Counter[str] = Counter()

    def add(self, rows: int, dropped: dict[str, int]) -> None:
        self._rows += rows
        self._dropped.update(dropped)
        if time.monotonic() - self._reported > REPORT_EVERY_S:
            self.flush()

    def flush(self) -> None:
        self._report(self._rows, dict(self._dropped))
        self._rows, self._dropped = 0, Counter()
        self._reported = time.monotonic()
