"""clusters/contaminated: kept documents that hold examples of the recipe's test sets; off by default.

It comes before the shards, which leave those out, and after all that changes a text.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from pipelines import kept
from webtext import files, parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.errors import UserError
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Manifest, Part
from webtext.overlap import texts
from webtext.overlap.contamination import TestSets
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.stage import Plan, Work

TABLE = kept.CONTAMINATED
VERSION = 2
REASON = "contaminated"


@dataclass(frozen=True)
class Item:
    root: Path
    file: str
    key: str
    tests: tuple[Path, ...]
    content: str  # the fingerprint of what is in them
    threshold: float


def wanted(corpus: Corpus, recipe: Recipe) -> bool:
    """Whether there is anything to do: the recipe names files, or what an earlier one left must go."""
    return bool(recipe.shards.decontaminate) or corpus.table(TABLE).manifest() is not None


def check(recipe: Recipe) -> None:
    """Raises UserError for a file that is not there or cannot be read."""
    for name in recipe.shards.decontaminate:
        if not Path(name).is_file():
            raise UserError(f'shards.decontaminate: {name} is not a file; name test sets, as ["FILE", …]')
        texts.check(Path(name))


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """The partitions of clusters; none when the recipe names no files."""
    check(recipe)
    # A recipe that was frozen with relative ones; a cluster's machines have other working directories.
    tests = tuple(Path(name).absolute() for name in recipe.shards.decontaminate)
    content = fingerprint([(path.name, files.hash_file(path)) for path in tests])
    threshold = recipe.shards.decontaminate_threshold
    says = fingerprint(VERSION, content, threshold, recipe.filter.masked)
    found = [corpus.table(name).manifest() for name in ("documents", "clusters", kept.PARAGRAPHS)]
    manifests = [manifest for manifest in found if manifest]
    works = []
    for parts in zip(*(manifest.partitions for manifest in manifests), strict=True):
        key = fingerprint(says, [part.hash for part in parts])
        item = Item(corpus.root, parts[0].file, key, tests, content, threshold)
        works.append(Work(parts[0].file, key, item, parts[-1].counts.out))
    inputs = fingerprint([manifest.hash for manifest in manifests])
    return Plan(TABLE, VERSION, says, inputs, write_parts, tuple(works) if tests else ())


def build(corpus: Corpus, engine: Engine, recipe: Recipe, progress: Progress) -> Manifest | None:
    """Brings the table up to date; None, and no table, where the recipe names no test sets."""
    if not recipe.shards.decontaminate:
        files.remove_folder(corpus.table(TABLE).folder)
        return None
    return stage.run(corpus, engine, plan(corpus, recipe), progress)


def counts(corpus: Corpus) -> Counts:
    """What the shards count before they are written: the documents that are left out of them."""
    manifest = corpus.table(TABLE).manifest()
    dropped = manifest.counts.dropped if manifest else {}
    return Counts(into=sum(dropped.values()), dropped=dropped)


def write_parts(items: Sequence[Item], report: Report) -> list[Part]:
    return [_write_part(item, report) for item in items]


def _write_part(item: Item, report: Report) -> Part:
    corpus, tests = Corpus(item.root), _read(item.tests, item.content)
    rows, documents = [], 0
    for table in kept.cleaned(corpus, item.file, ["id", "text"]):
        matches = tests.matches(table["text"].to_pylist())
        found = [
            {"id": id} | asdict(match)
            for id, match in zip(table["id"].to_pylist(), matches, strict=True)
            if match and match.overlap >= item.threshold
        ]
        rows += found
        documents += table.num_rows
        report(table.num_rows, {REASON: len(found)} if found else {})
    path = corpus.table(TABLE).folder / item.file
    left_out = pa.Table.from_pylist(rows, schema=schemas.CONTAMINATED)
    written = parquet.write(path, schemas.CONTAMINATED, [left_out], row_group_rows=parquet.NARROW_ROWS)
    counted = Counts(documents, documents - len(rows), 0, {REASON: len(rows)} if rows else {})
    return Part(item.file, item.key, written.rows, written.bytes, written.hash, counted)


@lru_cache(maxsize=1)
def _read(tests: tuple[Path, ...], content: str) -> TestSets:
    """Once for each worker process."""
    del content  # only tells one state of the files from another
    return TestSets(tests)
