"""The shuffle's first half: the rows of each partition go to a scratch file, under their shards' numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines import kept
from webtext import files
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.progress import Progress
from webtext.shards import rows, shuffle
from webtext.shards.layout import Layout
from webtext.table import Table


@dataclass(frozen=True)
class Item:
    """A partition whose rows go to the scratch files of shards."""

    root: Path
    file: str
    layout: Layout
    shards: frozenset[int]  # those that are to be written, by their place in layout.shards()
    scratch: Path


def scatter(
    corpus: Corpus, engine: Engine, layout: Layout, todo: set[str], scratch: Path, progress: Progress
) -> dict[str, tuple[shuffle.Piece, ...]]:
    """Scatters all partitions; returns for each file to write where its rows are."""
    names = [shard.parquet for shard in layout.shards()]
    shards = frozenset(place for place, name in enumerate(names) if name in todo)
    items = [Item(corpus.root, file, layout, shards, scratch) for file in kept.partitions(corpus)]
    pieces: dict[str, list[shuffle.Piece]] = {}
    with progress.bar("shuffle", sum(layout.documents.values())) as report:
        for path, batches in engine.map(write_rows, items, report):
            of_shard: dict[int, list[int]] = {}
            for number, shard in enumerate(batches):
                of_shard.setdefault(shard, []).append(number)
            for shard, numbers in of_shard.items():
                pieces.setdefault(names[shard], []).append((path, tuple(numbers)))
    return {name: tuple(sorted(found)) for name, found in pieces.items()}


def write_rows(item: Item, report: Report) -> tuple[Path, list[int]]:
    """Writes a partition's rows to a scratch file, as a task; returns it with the shard of each batch."""
    corpus = Corpus(item.root)
    links = _lookup(corpus.table("links"), item.file, rows.LINK_COLUMNS)
    pages = _lookup(corpus.table("pages"), item.file, rows.PAGE_COLUMNS)
    item.scratch.mkdir(parents=True, exist_ok=True)  # of a store, on another machine than the driver's
    path = item.scratch / f"{item.file}.arrow"
    with shuffle.Scatter(path) as out:
        for documents in kept.documents(corpus, item.file, rows.DOCUMENT_COLUMNS):
            places = [item.layout.place(id) for id in documents["id"].to_pylist()]
            chosen = [n for n, (shard, _) in enumerate(places) if shard in item.shards]
            mine, order = documents.take(pa.array(chosen, pa.int64())), [places[n][1] for n in chosen]
            out.write(rows.joined(mine, links, pages, order), [places[n][0] for n in chosen])
            report(documents.num_rows, {})
        duplicates = _duplicates(corpus, item)
        out.write(rows.repeats(duplicates), [item.layout.place(id)[0] for id in duplicates])
    files.put(path)
    return path, out.batches


def _lookup(table: Table, file: str, columns: Sequence[str]) -> rows.Lookup:
    return rows.Lookup(table.read(file, columns), table.folder / file)


def _duplicates(corpus: Corpus, item: Item) -> dict[str, int]:
    """How many of the partition's documents each kept document, of any partition, stands for."""
    clusters = corpus.table("clusters").read(item.file, ["cluster", "kept"])
    dropped = Counter(row["cluster"] for row in clusters.to_pylist() if not row["kept"])
    return {id: count for id, count in sorted(dropped.items()) if item.layout.place(id)[0] in item.shards}
