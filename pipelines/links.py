"""Sources → links: read and sift each source, settle which retrieval of a submission counts, merge by URL.

A run that was killed reads no source again that it had read whole.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines import link_sources
from pipelines.link_steps import (
    IdsItem,
    Job,
    PartitionItem,
    SourceItem,
    is_spilled,
    merge_partitions,
    settle_ids,
    spill_source,
    spilled,
)
from webtext import files, stage
from webtext.corpus import Corpus
from webtext.engine import Engine
from webtext.errors import UserError
from webtext.fingerprint import fingerprint
from webtext.links.glance import HAS_SCANNER
from webtext.links.partitions import partitions_for
from webtext.links.selection import Rules
from webtext.links.slices import Slice
from webtext.links.sources import Source
from webtext.links.spill import Spilled
from webtext.links.superseding import BUCKETS
from webtext.manifest import Counts, Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.stage import Plan, Standing, Work
from webtext.table import Table, partition_name

VERSION = 2
KEYS_AT_ONCE = 1 << 21  # ids that are settled together: some 200 MB
MAX_SLICES = 4  # of a dump; each process decompresses all of it, with a window of up to 2 GiB


@dataclass(frozen=True)
class Read:
    """A source after it was read: where its rows were spilled, and what became of them so far."""

    source: Source
    spills: tuple[Spilled, ...]  # one for each slice that was read by itself
    counts: Counts  # of all its rows; neither dropped nor out are those that go on

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


def harvest(
    corpus: Corpus, engine: Engine, recipe: Recipe, given: Sequence[str], progress: Progress
) -> Manifest:
    """Brings the table of links up to the recipe and to the sources given; without any, to those that it was
    made from. The three steps in one, for who freezes no recipe between them.

    Raises UserError where a source cannot be read, and where no submission qualifies.
    """
    found = find(corpus, recipe, given, progress)
    return make(corpus, engine, read(corpus, engine, recipe, found, progress), progress)


def find(corpus: Corpus, recipe: Recipe, given: Sequence[str], progress: Progress) -> list[Source]:
    """The sources that links are to be made from; none where the table is up to date.

    Raises UserError for a source or a block list that cannot be had.
    """
    table = corpus.table("links")
    manifest, rules = table.manifest(), Rules.of(recipe.links)
    link_sources.save(corpus, given, recipe, progress)
    found = link_sources.files(corpus, given)
    if manifest is None or _why_stale(table, manifest, rules, found):
        return found or link_sources.again(corpus, recipe, progress)
    if given:
        link_sources.remember(corpus, found)  # which may lie elsewhere now
    return []


def read(
    corpus: Corpus, engine: Engine, recipe: Recipe, found: Sequence[Source], progress: Progress
) -> Plan | None:
    """Reads the sources beside the table, which stays as it is; None without sources.

    Raises UserError where no submission qualifies.
    """
    folder, rules = _spill_folder(corpus), Rules.of(recipe.links)
    if not found:
        return None
    spilt = _spill(folder, engine, rules, found, progress)
    settled, losers = _settle(folder, engine, spilt)
    plan = _plan(corpus, folder, rules, settled, losers)
    if not any(each.remaining for each in settled):
        files.remove_folder(folder)
        raise _nothing(plan.counts)
    link_sources.remember(corpus, found)  # before the manifest that names them goes
    return plan


def make(corpus: Corpus, engine: Engine, plan: Plan | None, progress: Progress) -> Manifest:
    """Makes the table of what was read; without a plan it is up to date."""
    table = corpus.table("links")
    if plan is None:
        progress.note("links: up to date")
        manifest = table.manifest()
        assert manifest is not None
    else:
        manifest = stage.run(corpus, engine, plan, progress)
    files.remove_folder(_spill_folder(corpus))
    if not manifest.counts.out:  # a karma that is summed is known only now
        files.remove_folder(table.folder)
        raise _nothing(manifest.counts)
    return manifest


def require_made(corpus: Corpus) -> None:
    """Raises UserError while the table is being remade: nothing that stands on it can be made."""
    if corpus.table("links").manifest() is None:
        raise UserError(f"{corpus.root}: its links are being remade; run `webtext crawl {corpus.root}` first")


def standing(corpus: Corpus, recipe: Recipe, given: Sequence[str] = ()) -> Standing:
    """Whether the table is what the recipe and the sources given ask for, and if not why. Sources are read
    only to hash them, and not at all when none are given."""
    table = corpus.table("links")
    manifest = table.manifest()
    if manifest is None:
        why = "the last run was interrupted" if table.begun else "never run"
        return Standing((), (), why, False)
    if link_sources.unsaved(corpus, given):
        return Standing(manifest.partitions, (), "input changed", False)
    why = _why_stale(table, manifest, Rules.of(recipe.links), link_sources.files(corpus, given))
    return Standing(manifest.partitions, (), why, not why)


def _why_stale(table: Table, manifest: Manifest, rules: Rules, found: Sequence[Source]) -> str:
    """One clause; empty when nothing is. Without sources it is taken that they are what they were."""
    causes = {
        "code version": manifest.version != VERSION,
        "recipe": manifest.recipe != rules.fingerprint,
        "input": bool(found) and manifest.inputs != _inputs(found),
        "files": not all(map(table.holding(), manifest.partitions)),
    }
    changed = [cause for cause, holds in causes.items() if holds]
    return f"{' and '.join(changed)} changed" if changed else ""


def _spill_folder(corpus: Corpus) -> Path:
    return corpus.table("links").folder / "spill"


def _inputs(sources: Sequence[Source]) -> str:
    return fingerprint([source.identity for source in sources])


def _spill(
    folder: Path, engine: Engine, rules: Rules, sources: Sequence[Source], progress: Progress
) -> list[Read]:
    """Reads each source into its spill, where an earlier run did not leave it."""
    slices = [_slices(source, engine.workers, len(sources)) for source in sources]
    items = [
        [SourceItem(folder, _spill_key(rules, source, share), source, share, rules) for share in shares]
        for source, shares in zip(sources, slices, strict=True)
    ]
    _clear(folder, keep=[item.key for each in items for item in each])
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
            progress.note(f"{source.name}: {broken}: used up to there, {into:,} submissions")
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


def _clear(folder: Path, keep: Sequence[str]) -> None:
    """Removes spills of other sources and rules, and what a killed run left of one."""
    there = files.sizes(folder)
    for name in there:
        if (key := Path(name).stem) not in keep or f"{key}.json" not in there:
            files.remove(folder / name)


def _settle(folder: Path, engine: Engine, read: Sequence[Read]) -> tuple[list[Read], tuple[Path, ...]]:
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


def _plan(corpus: Corpus, folder: Path, rules: Rules, read: Sequence[Read], losers: tuple[Path, ...]) -> Plan:
    rows = sum(each.remaining for each in read)
    partitions = partitions_for(rows)
    inputs = _inputs([each.source for each in read])
    key = fingerprint(VERSION, rules.fingerprint, inputs, partitions)
    job = Job(corpus.root, folder, tuple(each.keys for each in read), losers, rules, partitions)
    works = [
        Work(partition_name(n), key, PartitionItem(job, n, key), rows // partitions + (n < rows % partitions))
        for n in range(partitions)
    ]
    dropped = sum((Counts(dropped=each.counts.dropped) for each in read), Counts()).dropped
    return Plan(
        table="links",
        version=VERSION,
        recipe=rules.fingerprint,
        inputs=inputs,
        task=merge_partitions,
        works=tuple(works),
        group=_by_buckets,
        extra={"sources": [each.facts() for each in read]},
        counts=Counts(into=sum(dropped.values()), dropped=dropped),
    )


def _by_buckets(works: Sequence[Work], _: int) -> list[list[Work]]:
    """Partitions that lie in one bucket are merged together, so that it is read once."""
    groups: dict[tuple[int, int], list[Work]] = {}
    for work in works:
        groups.setdefault(work.item.buckets, []).append(work)
    return list(groups.values())


def _nothing(counts: Counts) -> UserError:
    most = sorted(counts.dropped.items(), key=lambda item: (-item[1], item[0]))
    why = ", ".join([f"{counts.into:,} submissions", *(f"{count:,} {reason}" for reason, count in most)])
    return UserError(
        f"no link qualified: {why}: loosen the recipe's [links] with --set, or give other sources"
    )
