"""Sources → spills: each source read and sifted, then settled which retrieval of a submission counts."""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.link_steps import IdsItem, SourceItem, is_spilled, settle_ids, spill_source, spilled
from webtext import files
from webtext.engine import Engine
from webtext.fingerprint import fingerprint
from webtext.links.glance import HAS_SCANNER
from webtext.links.selection import Rules
from webtext.links.slices import Slice
from webtext.links.sources import Source
from webtext.links.spill import Spilled
from webtext.links.superseding import BUCKETS
from webtext.manifest import Counts
from webtext.progress import Progress

VERSION = 5
KEYS_AT_ONCE = 1 << 21  # ids that are settled together: some 200 MB
MAX_SLICES = 4  # of a dump; each process decompresses all of it, with a window of up to 2 GiB


@dataclass(frozen=True)
class Read:
    """A source after it was read: where its rows were spilled, and what became of them so far."""

    source: Source
    spills: tuple[Spilled, ...]  # one for each slice that was read by itself
    counts: Counts  # of all its rows; those that go on count neither as dropped nor as out

    @property
    def remaining(self) -> int:
        return self.counts.into - sum(self.counts.dropped.values())

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(spill.key for spill in self.spills)

    @property
    def broken(self) -> str | None:
        """Why reading ended before the source did."""
        return self.spills[0].summary.broken

    def facts(self) -> dict[str, Any]:
        """What the manifest remembers."""
        facts: dict[str, Any] = {"source": self.source.name, "hash": self.source.hash}
        facts |= {"in": self.counts.into, "dropped": dict(sorted(self.counts.dropped.items()))}
        found = [(reason, *each) for spill in self.spills for reason, each in spill.summary.examples.items()]
        if found:
            facts["examples"] = {reason: row for reason, _, row in sorted(found, reverse=True)}
            facts["examples"] = dict(sorted(facts["examples"].items()))
        if self.broken:
            facts["broken"] = self.broken
        return facts


def spill(
    folder: Path, engine: Engine, rules: Rules, sources: Sequence[Source], progress: Progress
) -> list[Read]:
    """Reads each source into its spill, where an earlier run did not leave it."""
    slices = [_slices(source, engine.workers, len(sources)) for source in sources]
    items = [
        [SourceItem(folder, _spill_key(rules, source, share), source, share, rules) for share in shares]
        for source, shares in zip(sources, slices, strict=True)
    ]
    _clear(folder, keep={item.key for each in items for item in each})
    todo = {item.key: item for each in items for item in each if not is_spilled(folder, item.key)}
    largest_first = sorted(todo.values(), key=lambda item: -item.source.path.stat().st_size)
    with progress.bar("submissions", 0) as report:
        for _ in engine.map(spill_source, largest_first, report):
            pass
    read = []
    for source, each in zip(sources, items, strict=True):
        spills = tuple(spilled(folder, item.key) for item in each)
        counts = [Counts(spill.summary.rows, dropped=spill.summary.dropped) for spill in spills]
        read.append(Read(source, spills, sum(counts, Counts())))
        if broken := read[-1].broken:
            into = read[-1].counts.into
            progress.warn(f"{source.name}: {broken}: used up to there, {into:,} submissions")
    return read


def _slices(source: Source, workers: int, sources: int) -> list[Slice]:
    """A dump is shared among workers that would else be idle. Two cores are one process's, which decompresses
    and scans on one of them while it parses on the other."""
    shares = min(-(-workers // sources), MAX_SLICES) if source.can_be_shared else 1
    if shares == 2 and HAS_SCANNER:
        shares = 1
    return [Slice(number, shares) for number in range(shares)]


def _spill_key(rules: Rules, source: Source, share: Slice) -> str:
    return fingerprint(VERSION, rules.fingerprint, source.identity, share.number, share.of)


def _clear(folder: Path, keep: Set[str]) -> None:
    """Removes spills of other sources and rules, and what a killed run left of one."""
    there = files.sizes(folder)
    for name in there:
        if (key := Path(name).stem) not in keep or f"{key}.json" not in there:
            files.remove(folder / name)


def settle(folder: Path, engine: Engine, read: Sequence[Read]) -> tuple[list[Read], tuple[Path, ...]]:
    """(the sources with superseded rows counted as such, the files that name them)."""
    ids = sum(offsets[-1] for each in read for spill in each.spills for offsets in spill.summary.key_offsets)
    step = max(BUCKETS * KEYS_AT_ONCE // max(ids, 1), 1)
    keys = tuple(each.keys for each in read)
    items = [IdsItem(folder, keys, first, min(first + step, BUCKETS)) for first in range(0, BUCKETS, step)]
    lost_of = [Counter[str]() for _ in read]
    for per_source in engine.map(settle_ids, items, lambda *_: None):
        for lost, more in zip(lost_of, per_source, strict=True):
            lost.update(more)
    settled = [
        replace(each, counts=_superseded(each.counts, lost)) for each, lost in zip(read, lost_of, strict=True)
    ]
    return settled, tuple(item.losers for item in items)


def _superseded(counts: Counts, lost: Counter[str]) -> Counts:
    """Rows that lost count as superseded, and no longer under the reason that they had."""
    dropped = Counter(counts.dropped)
    dropped.subtract({reason: count for reason, count in lost.items() if reason})
    dropped["superseded"] += lost.total()
    return replace(counts, dropped={reason: count for reason, count in dropped.items() if count})
