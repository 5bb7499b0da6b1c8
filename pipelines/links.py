"""Sources → links: read and sift each source, settle which retrieval of a submission counts, merge by URL.

A run that was killed reads no source again that it had read whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from pipelines import link_sources, link_steps
from pipelines.link_reading import VERSION, Read, settle, spill
from pipelines.link_steps import Job, PartitionItem, merge_partitions
from webtext import files, stage
from webtext.corpus import Corpus
from webtext.engine import Engine
from webtext.errors import UserError
from webtext.fingerprint import fingerprint
from webtext.links.partitions import partitions_for
from webtext.links.selection import Rules
from webtext.links.sources import Source
from webtext.manifest import Counts, Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.stage import Plan, Standing, Work
from webtext.table import Table, partition_name


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
    found = link_sources.files(corpus, given, progress)
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
    spilt = spill(folder, engine, rules, found, progress)
    settled, losers = settle(folder, engine, spilt)
    plan = _plan(corpus, folder, rules, settled, losers)
    if rules.karma_is_summed or not any(each.remaining for each in settled):
        _require_links(plan, folder)
    # the sources are written down before the manifest that names them goes
    return replace(plan, before=partial(link_sources.remember, corpus, found))


def make(corpus: Corpus, engine: Engine, plan: Plan | None, progress: Progress) -> Manifest:
    """Makes the table of what was read; without a plan it is up to date."""
    if plan is None:
        progress.note("links: up to date")
        manifest = corpus.table("links").published()
    else:
        manifest = stage.run(corpus, engine, plan, progress)
    files.remove_folder(_spill_folder(corpus))
    return manifest


def first_urls(sources: Sequence[Source], recipe: Recipe) -> Iterator[str]:
    """URLs of links among the first rows of each source, as far as those alone tell."""
    rules = Rules.of(recipe.links)
    for source in sources:
        yield from link_steps.first_urls(source, rules)


def urls(corpus: Corpus, plan: Plan | None) -> Iterator[str]:
    """URLs of the links that `make` will make of a plan; without one, of those that are there."""
    if plan is None:
        table = corpus.table("links")
        for part in table.finished():
            yield from table.read(part.file, ["url"])["url"].to_pylist()
        return
    for links, _ in _merged(plan):
        yield from links["url"].to_pylist()


def require_made(corpus: Corpus) -> None:
    """Raises UserError while the table is being remade: nothing that stands on it can be made."""
    if corpus.table("links").manifest() is None:
        raise UserError(
            f"{corpus.root}: its links are being remade; run `webtext crawl {corpus.quoted}` first"
        )


def standing(corpus: Corpus, recipe: Recipe) -> Standing:
    """Whether the table is what the recipe asks for of its sources, which are not looked at; if not why."""
    table = corpus.table("links")
    manifest = table.manifest()
    if manifest is None:
        why = "the last run was interrupted" if table.begun else "never run"
        return Standing((), (), why, False)
    why = _why_stale(table, manifest, Rules.of(recipe.links), ())
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


def _plan(corpus: Corpus, folder: Path, rules: Rules, read: Sequence[Read], losers: tuple[Path, ...]) -> Plan:
    rows = sum(each.remaining for each in read)
    partitions = partitions_for(rows)
    inputs = _inputs([each.source for each in read])
    key = fingerprint(VERSION, rules.fingerprint, inputs, partitions)
    keys = tuple(each.keys for each in read)
    job = Job(corpus.root, folder, keys, losers, rules.without_lists(), partitions)
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


def _merged(plan: Plan) -> Iterator[tuple[pa.Table, Counts]]:
    """What `make` will make of a plan, partition by partition, without writing it."""
    for group in plan.group(plan.works, 1):
        for _, links, counts in link_steps.merged([work.item for work in group]):
            yield links, counts


def _require_links(plan: Plan, folder: Path) -> None:
    """Raises UserError where nothing is left to make: a karma that is summed is known only merged. Merges no
    further than to the first partition that has a link."""
    counts = plan.counts
    for links, more in _merged(plan):
        if links.num_rows:
            return
        counts += more
    files.remove_folder(folder)
    raise UserError(
        f"no link qualified: {counts.told('submission')}: loosen the recipe's [links] with --set, or give "
        "other sources"
    )


def _by_buckets(works: Sequence[Work], _: int) -> list[list[Work]]:
    """Partitions that lie in one bucket are merged together, so that it is read once."""
    groups: dict[tuple[int, int], list[Work]] = {}
    for work in works:
        groups.setdefault(work.item.buckets, []).append(work)
    return list(groups.values())
