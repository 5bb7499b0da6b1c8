"""clusters: a row per surviving document; which cluster it is in, and whether it is the one that is kept.

signatures → ranks → bands → pairs → evidence → edges → clusters. The first and the last two are tables;
what lies between them is scratch, removed at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines import candidates, edges, signatures
from pipelines.candidates import Item, ranks_of, signed
from webtext import files, schemas, stage
from webtext.corpus import Corpus, Counts, Manifest, Part
from webtext.dedup import recall
from webtext.dedup.minhash import ALGORITHM
from webtext.dedup.normalise import UNICODE_VERSION
from webtext.dedup.order import Ranks, hex_of, ids_of
from webtext.dedup.resolve import Clusters
from webtext.engine import Engine, Report
from webtext.progress import Progress
from webtext.recipe import Dedup, Recipe, fingerprint
from webtext.stage import Plan, Work

TABLE = "clusters"
VERSION = 1


@dataclass(frozen=True)
class Share:
    """A partition to be made."""

    root: Path
    settings: Dedup
    number: int
    file: str
    key: str


@dataclass(frozen=True)
class Summary:
    clusters: int  # with at least one duplicate
    largest: int  # documents
    kept: str  # the largest cluster's kept document


def build(corpus: Corpus, engine: Engine, recipe: Recipe, progress: Progress) -> Manifest:
    """Brings clusters, and the tables below it, up to date."""
    final = plan(corpus, recipe)
    settled = stage.standing(corpus, final).current
    if not settled:
        _announce(recipe.dedup, progress)
    stage.run(corpus, engine, signatures.plan(corpus, recipe), progress)
    item = _item(corpus.root, recipe.dedup)
    _drop_older_scratch(item)
    verified = _verify(corpus, engine, item, progress)
    if not settled:
        candidates.rank_all(engine, item, progress)
        with progress.bar("clusters/resolve", verified.counts.out) as report:
            (summary,) = engine.map(resolve, [item], report)
        progress.note(_conclusion(verified, summary))
    manifest = stage.run(corpus, engine, final, progress)
    stage.remove(_scratch(corpus.root))
    return manifest


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """The partitions of documents. Who duplicates whom depends on all documents and links, so each
    partition does; it does not ask for the tables below clusters."""
    documents, links = corpus.table("documents").manifest(), corpus.table("links").manifest()
    assert documents is not None and links is not None
    code = [VERSION, signatures.VERSION, edges.VERSION, ALGORITHM, UNICODE_VERSION]
    says, inputs = fingerprint(code, recipe.dedup), fingerprint(documents.hash, links.hash)
    works = []
    for number, part in enumerate(documents.partitions):
        key = fingerprint(says, inputs, part.file)
        share = Share(corpus.root, recipe.dedup, number, part.file, key)
        works.append(Work(part.file, key, share, part.counts.out))
    return Plan(TABLE, VERSION, says, inputs, write_parts, tuple(works))


def resolve(item: Item, report: Report) -> Summary:
    """`keeper` and `similarity` of each rank, from all edges."""
    ids, ranks = item.arrays.load("id"), item.arrays.load("rank")
    by_id = np.argsort(ids)
    found = Clusters(len(item.arrays.load("first")))
    table = Corpus(item.root).table(edges.TABLE)
    manifest = table.manifest()
    for part in manifest.partitions if manifest else ():
        rows = table.read(part.file)
        a, b = (ranks[by_id[np.searchsorted(ids, ids_of(rows[end]), sorter=by_id)]] for end in ("a", "b"))
        found.add(a, b, rows["similarity"].to_numpy())
        report(rows.num_rows, {})
    item.arrays.save("keeper", found.keeper)
    item.arrays.save("similarity", found.similarity)
    sizes = np.bincount(found.keeper[ranks], minlength=1)
    largest = int(sizes.argmax())
    (kept,) = _ids_at(item, np.array([largest], np.uint32)) if len(ids) else ("",)
    return Summary(int(np.count_nonzero(sizes > 1)), int(sizes[largest]), kept)


def write_parts(shares: Sequence[Share], report: Report) -> list[Part]:
    return [_write_part(share, report) for share in shares]


def _write_part(share: Share, report: Report) -> Part:
    rows = _rows(_item(share.root, share.settings), share.number)
    path = Corpus(share.root).table(TABLE).folder / share.file
    written = files.write_parquet(path, schemas.CLUSTERS, [rows], row_group_rows=50_000)
    kinds = rows["duplicate"].to_pylist()
    dropped = {kind: count for kind in ("exact", "near") if (count := kinds.count(kind))}
    report(len(kinds), dropped)
    counts = Counts(into=len(kinds), out=kinds.count("none"), dropped=dropped)
    return Part(share.file, share.key, written.rows, written.bytes, written.hash, counts)


def _verify(corpus: Corpus, engine: Engine, item: Item, progress: Progress) -> Manifest:
    pairs = edges.plan(corpus, item)
    if not stage.standing(corpus, pairs).current:
        candidates.rank_all(engine, item, progress)
        if "near" in item.settings.methods:
            candidates.find(engine, item, progress)
            edges.prepare(engine, item, progress)
    return stage.run(corpus, engine, pairs, progress)


def _rows(item: Item, partition: int) -> pa.Table:
    """An exact copy of a kept document is `exact`; of one that was itself dropped it is `near`, and as
    similar to the kept document as that one."""
    ranks, first = ranks_of(item, partition)
    keeper = item.arrays.load("keeper")[ranks]
    similarity = item.arrays.load("similarity")[ranks]
    kept = first & (keeper == ranks)
    copies = "exact" if "exact" in item.settings.methods else "near"
    kinds = np.where(kept, "none", np.where(keeper == ranks, copies, "near"))
    part = signed(item.root)[partition]
    columns = {
        "id": Corpus(item.root).table(signatures.TABLE).read(part.file, ["id"])["id"],
        "cluster": _ids_at(item, keeper),
        "kept": kept,
        "duplicate": kinds.tolist(),
        "similarity": similarity,
    }
    return pa.table(columns, schema=schemas.CLUSTERS)


def _ids_at(item: Item, ranks: Ranks) -> list[str]:
    return hex_of(item.arrays.load("id")[item.arrays.load("first")[ranks]])


def _scratch(root: Path) -> Path:
    return root / TABLE / "scratch"


def _item(root: Path, settings: Dedup) -> Item:
    """The scratch folder is named after all that its arrays depend on, so none is ever mistaken."""
    hashes = [part.hash for part in signed(root)]
    return Item(root, _scratch(root) / fingerprint(edges.VERSION, settings, hashes), settings)


def _drop_older_scratch(item: Item) -> None:
    for folder in item.scratch.parent.glob("*"):
        if folder != item.scratch:
            stage.remove(folder)


def _announce(settings: Dedup, progress: Progress) -> None:
    if "near" not in settings.methods:
        return
    progress.note(recall.describe(settings))
    if warning := recall.warning(settings):
        progress.note(warning)


def _conclusion(verified: Manifest, summary: Summary) -> str:
    compared = sum(part.extra["candidates"] for part in verified.partitions)
    line = (
        f"clusters: {summary.clusters:,}, from {verified.counts.out:,} similar of {compared:,} compared pairs"
    )
    if not summary.clusters:
        return line
    return f"{line}; the largest has {summary.largest:,} documents, of which {summary.kept} is kept"
