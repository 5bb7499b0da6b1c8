"""clusters: a row per surviving document; which cluster it is in, and whether it is the one that is kept.

signatures → ranks → bands → pairs → evidence → edges → clusters. The first and the last two are tables;
what lies between them is scratch, removed at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines import candidates, edges, ranks, resolve, signatures
from pipelines.scratch import Item, ranks_of, signed
from webtext import files, parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.dedup import recall
from webtext.dedup.minhash import ALGORITHM
from webtext.dedup.normalise import UNICODE_VERSION
from webtext.engine import Engine, Report
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.sections import Dedup
from webtext.stage import Plan, Work

TABLE = "clusters"
VERSION = 1


@dataclass(frozen=True)
class Share:
    """A partition to be made."""

    of: Item
    file: str
    key: str


def build(corpus: Corpus, engine: Engine, recipe: Recipe, progress: Progress) -> Manifest:
    """Brings clusters, and the tables below it, up to date."""
    final = plan(corpus, recipe)
    settled = stage.standing(corpus, final).current
    if not settled:
        _announce(recipe.dedup, progress)
    item = _item(corpus, recipe.dedup, stage.run(corpus, engine, signatures.plan(corpus, recipe), progress))
    _drop_older_scratch(item)
    verified = _verify(corpus, engine, item, progress)
    if not settled:
        ranks.rank_all(engine, item, progress)
        with progress.bar("clusters/resolve", verified.counts.out) as report:
            (found,) = engine.map(resolve.resolve, [item], report)
        summary = _summary(recipe.dedup, verified, found)
        progress.note(_conclusion(summary))
        final = replace(final, works=_with_scratch(final.works, item), extra=summary)
    manifest = stage.run(corpus, engine, final, progress)
    files.remove_folder(_scratch(corpus.root))
    return manifest


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """The partitions of documents. Who duplicates whom depends on all documents and links, so each
    partition does; it does not ask for the tables below clusters."""
    documents, links = corpus.table("documents").published(), corpus.table("links").published()
    code = [VERSION, signatures.VERSION, edges.VERSION, ALGORITHM, UNICODE_VERSION]
    inputs = fingerprint(documents.hash, links.hash)
    says = fingerprint(code, recipe.dedup.model_dump(exclude={"paragraphs"}))  # they come later
    works = []
    for number, part in enumerate(documents.partitions):
        key = fingerprint(says, inputs, part.file)
        item = Item(corpus.root, Path(), recipe.dedup, number)  # scratch is known once there are signatures
        share = Share(item, part.file, key)
        works.append(Work(part.file, key, share, part.counts.out))
    return Plan(TABLE, VERSION, says, inputs, write_parts, tuple(works))


def write_parts(shares: Sequence[Share], report: Report) -> list[Part]:
    return [_write_part(share, report) for share in shares]


def _write_part(share: Share, report: Report) -> Part:
    rows = _rows(share.of)
    path = Corpus(share.of.root).table(TABLE).folder / share.file
    written = parquet.write(path, schemas.CLUSTERS, [rows], row_group_rows=parquet.NARROW_ROWS)
    kinds = rows["duplicate"].to_pylist()
    dropped = {kind: count for kind in ("exact", "near") if (count := kinds.count(kind))}
    report(len(kinds), dropped)
    counts = Counts(into=len(kinds), out=kinds.count("none"), dropped=dropped)
    return Part(share.file, share.key, written.rows, written.bytes, written.hash, counts)


def _verify(corpus: Corpus, engine: Engine, item: Item, progress: Progress) -> Manifest:
    pairs = edges.plan(corpus, item)
    if not stage.standing(corpus, pairs).current:
        ranks.rank_all(engine, item, progress)
        if "near" in item.settings.methods:
            candidates.find(engine, item, progress)
            edges.prepare(engine, item, progress)
    return stage.run(corpus, engine, pairs, progress)


def _rows(item: Item) -> pa.Table:
    """An exact copy of a kept document is `exact`; of one that was itself dropped it is `near`, and as
    similar to the kept document as that one."""
    of = signed(item)
    mine, first = ranks_of(item, range(of.starts[item.number], of.starts[item.number + 1]))
    keeper = item.arrays.load("keeper")[mine]
    kept = first & (keeper == mine)
    copies = "exact" if "exact" in item.settings.methods else "near"
    kinds = np.where(kept, "none", np.where(keeper == mine, copies, "near"))
    columns = {
        "id": of.table.read(of.parts[item.number].file, ["id"])["id"],
        "cluster": resolve.ids_at(item, keeper),
        "kept": kept,
        "duplicate": kinds.tolist(),
        "similarity": item.arrays.load("similarity")[mine],
    }
    return pa.table(columns, schema=schemas.CLUSTERS)


def _scratch(root: Path) -> Path:
    return root / TABLE / "scratch"


def _item(corpus: Corpus, settings: Dedup, signed: Manifest) -> Item:
    """The scratch folder is named after all that its arrays depend on, so none is ever mistaken."""
    name = fingerprint(edges.VERSION, settings, signed.hash)
    return Item(corpus.root, _scratch(corpus.root) / name, settings)


def _with_scratch(works: Sequence[Work], item: Item) -> tuple[Work, ...]:
    return tuple(
        replace(work, item=replace(work.item, of=replace(work.item.of, scratch=item.scratch)))
        for work in works
    )


def _drop_older_scratch(item: Item) -> None:
    for name in files.names(item.scratch.parent):
        if name != item.scratch.name:
            files.remove_folder(item.scratch.parent / name)


def _announce(settings: Dedup, progress: Progress) -> None:
    if "near" not in settings.methods:
        return
    progress.note(recall.describe(settings))
    if warning := recall.warning(settings):
        progress.note(warning)


def _summary(settings: Dedup, verified: Manifest, found: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says beside the counts, and `build-shards` at its end."""
    compared = sum(part.extra["candidates"] for part in verified.partitions)
    similar = verified.counts.out
    pairs = {"compared": compared, "verified": similar, "refused": compared - similar}
    return {"banding": recall.banding(settings), "pairs": pairs} | found


def _conclusion(summary: dict[str, Any]) -> str:
    pairs, largest = summary["pairs"], summary["largest"]
    line = (
        f"clusters: {summary['clusters']:,}, from {pairs['verified']:,} similar of {pairs['compared']:,} "
        "compared pairs"
    )
    return f"{line}; the largest has {largest[0]['documents']:,} documents" if largest else line
