"""clusters/paragraphs: what is taken out of kept documents because their domain repeats it; off by default.

It comes after the clusters: among all copies of one page every paragraph is repeated. A domain lies in one
partition, so that each partition is a task of its own. It is read twice: once for the paragraphs' keys, which
go to a scratch file and are counted a share at a time, once for what to remove.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines import kept
from pipelines.arrays import Arrays
from pipelines.ranks import share_of
from webtext import files, parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.dedup.normalise import UNICODE_VERSION
from webtext.dedup.paragraphs import Keys, long_enough, paragraph_keys, repeated, without
from webtext.engine import Engine, Report
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.stage import Plan, Work

TABLE = kept.PARAGRAPHS
VERSION = 1
KEYS_AT_ONCE = 4_000_000  # counted together
COLUMNS = ["id", "domain", "text"]


@dataclass(frozen=True)
class Item:
    root: Path
    file: str
    key: str
    share: float
    min_tokens: int

    @property
    def scratch(self) -> Path:
        return self.root / TABLE / f".{self.file}.scratch"


def wanted(corpus: Corpus, recipe: Recipe) -> bool:
    """Whether there is anything to do: the pass is on, or what it left must go."""
    return recipe.dedup.paragraphs > 0 or corpus.table(TABLE).manifest() is not None


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """The partitions of clusters; none when the pass is off."""
    documents, clusters = (corpus.table(name).published() for name in ("documents", "clusters"))
    says = fingerprint(UNICODE_VERSION, recipe.dedup.paragraphs, recipe.filter.min_tokens)
    works = []
    for part, cluster in zip(documents.partitions, clusters.partitions, strict=True):
        key = fingerprint(VERSION, says, part.hash, cluster.hash)
        item = Item(corpus.root, part.file, key, recipe.dedup.paragraphs, recipe.filter.min_tokens)
        works.append(Work(part.file, key, item, cluster.counts.out))
    inputs = fingerprint(documents.hash, clusters.hash)
    return Plan(TABLE, VERSION, says, inputs, write_parts, tuple(works) if recipe.dedup.paragraphs else ())


def build(corpus: Corpus, engine: Engine, recipe: Recipe, progress: Progress) -> Manifest | None:
    """Brings the table up to date; None, and no table, where the pass is off."""
    if not recipe.dedup.paragraphs:
        files.remove_folder(corpus.table(TABLE).folder)
        return None
    for name in files.names(corpus.table(TABLE).folder):
        if name.endswith(".scratch"):
            files.remove_folder(corpus.table(TABLE).folder / name)
    return stage.run(corpus, engine, plan(corpus, recipe), progress)


def summary(manifest: Manifest) -> dict[str, int]:
    """How many paragraphs were taken out, of how many documents, and their characters."""
    totals = dict.fromkeys(("documents", "paragraphs", "chars"), 0)
    for part in manifest.partitions:
        totals = {name: count + part.extra[name] for name, count in totals.items()}
    return totals | {"dropped": sum(manifest.counts.dropped.values())}


def write_parts(items: Sequence[Item], report: Report) -> list[Part]:
    return [_write_part(item, report) for item in items]


def _write_part(item: Item, report: Report) -> Part:
    corpus = Corpus(item.root)
    found = _repeated(corpus, item)
    rows: list[dict[str, Any]] = []
    documents = 0
    for table in kept.whole_documents(corpus, item.file, COLUMNS):
        rows += _changed(table, found, item.min_tokens)
        documents += table.num_rows
        report(table.num_rows, {})
    path = corpus.table(TABLE).folder / item.file
    changed = pa.Table.from_pylist(rows, schema=schemas.PARAGRAPHS)
    written = parquet.write(path, schemas.PARAGRAPHS, [changed], row_group_rows=parquet.NARROW_ROWS)
    dropped = sum(not row["kept"] for row in rows)
    counts = Counts(documents, documents - dropped, 0, {"boilerplate": dropped} if dropped else {})
    extra = {
        "documents": len(rows),
        "paragraphs": sum(len(row["removed"]) for row in rows),
        "chars": sum(row["chars"] for row in rows),
    }
    return Part(item.file, item.key, written.rows, written.bytes, written.hash, counts, extra)


def _changed(table: pa.Table, found: Keys, min_tokens: int) -> Iterator[dict[str, Any]]:
    for row in table.to_pylist():
        rest = without(row["text"], row["domain"], found)
        if rest.removed:
            chars = len(row["text"]) - len(rest.text)
            left = long_enough(rest.text, min_tokens)
            yield {
                "id": row["id"],
                "removed": rest.removed,
                "chars": chars,
                "words": rest.words,
                "kept": left,
            }


def _repeated(corpus: Corpus, item: Item) -> Keys:
    """The keys of all paragraphs that are repeated in this partition."""
    arrays = Arrays(stage.scratch(item.scratch))
    domains: dict[str, int] = {}
    documents: list[int] = []
    with arrays.ragged("keys") as append:
        for table in kept.whole_documents(corpus, item.file, COLUMNS):
            for domain, text in zip(table["domain"].to_pylist(), table["text"].to_pylist(), strict=True):
                number = domains.setdefault(domain, len(domains))
                documents += [0] * (number == len(documents))
                documents[number] += 1
                keys = np.unique(np.fromiter(paragraph_keys(domain, text), np.uint64))
                append(np.stack([keys, np.full_like(keys, number)], axis=1))
    pairs = arrays.load_ragged("keys").reshape(-1, 2)
    found = list(_counted(pairs, np.array(documents, np.int64), item.share))
    files.remove_folder(item.scratch)
    return np.concatenate([np.empty(0, np.uint64), *found])


def _counted(pairs: npt.NDArray[np.uint64], documents: npt.NDArray[np.int64], share: float) -> Iterator[Keys]:
    """Share by share of the keys, in their order, so that no more than some are counted at once."""
    shares = max(1, -(-len(pairs) // KEYS_AT_ONCE))
    for number in range(shares):
        chosen = [
            some[share_of(some[:, 0], shares) == number]
            for some in (pairs[at : at + KEYS_AT_ONCE] for at in range(0, len(pairs), KEYS_AT_ONCE))
        ]
        mine = np.concatenate([np.empty((0, 2), np.uint64), *chosen])
        yield repeated(mine[:, 0], mine[:, 1], documents, share)
