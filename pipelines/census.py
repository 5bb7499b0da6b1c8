"""The census of the kept documents, which decides how many shards each split has."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path

import pyarrow.compute as pc

from pipelines import kept
from webtext import files
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.fingerprint import fingerprint
from webtext.progress import Progress
from webtext.sections import Shards
from webtext.shards import layout
from webtext.shards.layout import Census, Edge, Layout, Region

VERSION = 1


@dataclass(frozen=True)
class Item:
    """A partition of documents to be counted."""

    root: Path
    file: str
    recipe: Shards


def take(corpus: Corpus, engine: Engine, recipe: Shards, progress: Progress) -> Layout:
    """Counts the documents, unless that was done before, and keeps the result beside the shards."""
    census = _saved(corpus, recipe)
    if census is None:
        clusters = corpus.table("clusters").published()
        with progress.bar("counting", clusters.counts.out) as report:
            census = reduce(
                layout.add, engine.map(count_partition, _items(corpus, recipe), report), layout.NOBODY
            )
        regions = [asdict(region) for region in census]
        files.write_json(_path(corpus), {"key": _key(corpus, recipe), "regions": regions})
    return layout.settle(census, recipe)


def look(corpus: Corpus, recipe: Shards) -> Layout:
    """The same layout for a plan: from the kept census, or counted here and now without leaving a trace."""
    census = _saved(corpus, recipe)
    if census is None:
        counted = (count_partition(item, lambda *_: None) for item in _items(corpus, recipe))
        census = reduce(layout.add, counted, layout.NOBODY)
    return layout.settle(census, recipe)


def count_partition(item: Item, report: Report) -> Census:
    """The census of one partition of documents, as a task."""
    return layout.count(_sizes(item, report), item.recipe)


def _sizes(item: Item, report: Report) -> Iterator[tuple[str, int]]:
    for table in kept.documents(Corpus(item.root), item.file, ["id", "text"]):
        yield from zip(table["id"].to_pylist(), pc.binary_length(table["text"]).to_pylist(), strict=True)
        report(table.num_rows, {})


def _items(corpus: Corpus, recipe: Shards) -> list[Item]:
    return [Item(corpus.root, file, recipe) for file in kept.partitions(corpus)]


def _saved(corpus: Corpus, recipe: Shards) -> Census | None:
    try:
        saved = json.loads(files.read_text(_path(corpus)))
        if saved["key"] != _key(corpus, recipe):
            return None
        validation, test, train = (_region(**region) for region in saved["regions"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return validation, test, train


def _region(documents: int, bytes: int, low: list[list[int]], high: list[list[int]]) -> Region:
    return Region(documents, bytes, tuple(Edge(*edge) for edge in low), tuple(Edge(*edge) for edge in high))


def _path(corpus: Corpus) -> Path:
    return corpus.table("shards").folder / "_census.json"


def _key(corpus: Corpus, recipe: Shards) -> str:
    return fingerprint(
        VERSION, recipe.seed, recipe.validation, recipe.test, kept.hashes(corpus, corpus.recipe())
    )
