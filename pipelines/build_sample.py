"""What each stage of a build takes, measured on a few of the corpus' own pages in a scratch folder.

Pages are extracted as they are. The steps behind them take microseconds a document beside milliseconds for a
partition and a build, so their texts are measured as few and as many, in one partition and in some: copies of
a text have its words shuffled, which leaves their lengths and their vocabulary, and makes no duplicates.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines import clusters, decontamination, documents, paragraphs, shards
from pipelines.meter import Meter, extractor_bytes
from webtext import files, parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.crawl.warc import opened
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.reasons import FETCHED, KEEP
from webtext.recipe import Recipe
from webtext.sections import Filter
from webtext.table import partition_name

PAGES, PARTITIONS = 120, 16  # of the corpus that are looked at
WARM_UP_PAGES, LEAST_TEXTS = 4, 10
COPIES, SOME_PARTITIONS = 20, 4
TABLES = (".parquet", ".bin", ".idx")
STAGES = {
    "documents": "documents",
    "signatures": "signatures",
    "ranks": "duplicates",
    "candidates": "duplicates",
    "edges": "duplicates",
    "resolve": "duplicates",
    "clusters": "duplicates",
    "vocabulary": "tokens",
    "tokens": "tokens",
}  # by the module of a task; all others are of shards
QUIET = Progress(quiet=True)


@dataclass(frozen=True)
class Cost:
    """CPU seconds: of a build, of each partition, of each page or document; peak memory of a task on the
    sample, and bytes that a page or document leaves on disk."""

    build_s: float
    partition_s: float
    row_s: float
    memory_bytes: int
    disk_bytes: float

    def seconds(self, partitions: int, rows: float) -> float:
        return self.build_s + self.partition_s * partitions + self.row_s * rows


@dataclass(frozen=True)
class Sample:
    """What was measured, of how many pages (none where their texts stood already) and texts."""

    pages: int
    texts: int
    seconds: float  # that measuring took
    kept: float  # the share of the pages whose text is kept
    words: float  # of a text that is kept
    text_bytes: float
    costs: dict[str, Cost]  # by stage


def measure(
    corpus: Corpus, recipe: Recipe, partitions: Sequence[str], scratch: Path, *, extract: bool
) -> Sample:
    """Of some pages of these partitions. Unless they are to be extracted, documents has their texts."""
    started, costs = time.monotonic(), dict[str, Cost]()
    rows, larger = _sampled(corpus, partitions)
    pages = rows["pages"].num_rows
    if extract:
        first = {name: table.slice(0, WARM_UP_PAGES) for name, table in rows.items()}
        _extract(corpus, recipe, first, scratch / "loads")  # libraries and models
        corpus, cost = _extract(corpus, recipe, rows, scratch / "pages")
        costs["documents"] = replace(cost, row_s=cost.row_s * larger)
        partitions = [partition_name(0)]
    texts = _texts(corpus, rows, partitions, recipe.filter)
    found = texts["documents"]
    if found.num_rows >= LEAST_TEXTS:
        costs |= _build(recipe, texts, scratch)
    return Sample(
        pages if extract else 0,
        found.num_rows,
        time.monotonic() - started,
        found.num_rows / max(1, pages),
        pc.mean(found["words"]).as_py() or 0.0,
        pc.mean(pc.binary_length(found["text"])).as_py() or 0.0,
        costs,
    )


def _sampled(corpus: Corpus, partitions: Sequence[str]) -> tuple[dict[str, pa.Table], float]:
    """Rows of links and of pages, evenly from some partitions, by the second half of their ids: a hash; and
    how many times as large as they the pages of those partitions are in the mean."""
    chosen = partitions[:: -(-len(partitions) // PARTITIONS)]
    each = -(-PAGES // max(1, len(chosen)))
    links, pages = [schemas.LINKS.empty_table()], [schemas.PAGES.empty_table()]
    size_bytes, count = 0, 0
    for file in chosen:
        rows = corpus.table("pages").read(file)
        rows = rows.filter(pc.equal(rows["state"], FETCHED))
        size_bytes, count = size_bytes + (pc.sum(rows["bytes"]).as_py() or 0), count + rows.num_rows
        order = pc.sort_indices(pc.utf8_slice_codeunits(rows["id"], 8))
        pages.append(rows.take(order[:each]))
        of = corpus.table("links").read(file)
        links.append(of.filter(pc.is_in(of["id"], pages[-1]["id"].combine_chunks())))
    found = pa.concat_tables(pages)
    larger = size_bytes / max(1, count) / (pc.mean(found["bytes"]).as_py() or 1.0)
    return {"links": pa.concat_tables(links), "pages": found}, larger


def _extract(corpus: Corpus, recipe: Recipe, rows: dict[str, pa.Table], root: Path) -> tuple[Corpus, Cost]:
    """The documents of some pages, whose records are copied."""
    scratch = Corpus(root)
    pages, table = rows["pages"].to_pylist(), scratch.table("pages")
    with files.whole(table.folder / "warc" / "sample.warc.gz") as path, path.open("wb") as out:
        for row in pages:
            archive = corpus.table("pages").folder / row["warc_file"]
            with opened(archive, row["warc_offset"], row["warc_length"]) as record:
                row |= {"warc_file": "warc/sample.warc.gz", "warc_offset": out.tell()}
                out.write(record.read(row["warc_length"]))
    copied = pa.Table.from_pylist(pages, schema=schemas.PAGES)
    _publish(scratch, recipe, {"links": [rows["links"]], "pages": [copied]})
    meter = Meter(STAGES, "shards")
    made = stage.run(scratch, meter, documents.plan(scratch, recipe), QUIET)
    count = max(1, len(pages))
    memory = meter.memory_bytes["documents"] + extractor_bytes()
    disk = sum(part.bytes for part in made.partitions) / count
    return scratch, Cost(0.0, 0.0, meter.seconds["documents"] / count, memory, disk)


def _texts(
    corpus: Corpus, rows: dict[str, pa.Table], partitions: Sequence[str], rules: Filter
) -> dict[str, pa.Table]:
    """The sample's links, pages and documents whose text these rules keep."""
    lists = documents.word_lists(rules)
    found = [schemas.DOCUMENTS.empty_table()]
    ids = rows["pages"]["id"].combine_chunks()
    for file in partitions[:: -(-len(partitions) // PARTITIONS)]:
        table = corpus.table("documents").read(file)
        table = documents.judged(table.filter(pc.is_in(table["id"], ids)), lists, rules)
        found.append(table.filter(pc.equal(table["verdict"], KEEP)))
    kept = pa.concat_tables(found).select(schemas.DOCUMENTS.names).cast(schemas.DOCUMENTS)
    ids = kept["id"].combine_chunks()
    of = {name: table.filter(pc.is_in(table["id"], ids)) for name, table in rows.items()}
    return {name: table.sort_by("id") for name, table in (of | {"documents": kept}).items()}


def _build(recipe: Recipe, texts: dict[str, pa.Table], scratch: Path) -> dict[str, Cost]:
    """What everything behind the texts takes, from three builds: in one partition, in some, and of many
    texts. A build before them only loads what they use."""
    least = {name: table.slice(0, LEAST_TEXTS) for name, table in texts.items()}
    many = _copied(texts, COPIES)
    _behind(recipe, least, 1, scratch / "loads-too")
    builds = ((texts, 1), (texts, SOME_PARTITIONS), (many, SOME_PARTITIONS))
    runs = [_behind(recipe, *each, scratch / f"run-{number}") for number, each in enumerate(builds)]
    system = np.array([(1, partitions, table["documents"].num_rows) for table, partitions in builds])
    costs = {}
    for name in runs[0][0].seconds:
        seconds = np.linalg.solve(system, [meter.seconds[name] for meter, _ in runs])
        build_s, partition_s, row_s = np.maximum(seconds, 0.0).tolist()
        memory = max(meter.memory_bytes[name] for meter, _ in runs)
        costs[name] = Cost(
            build_s, partition_s, row_s, memory, runs[0][1][name] / texts["documents"].num_rows
        )
    return costs


def _behind(
    recipe: Recipe, texts: dict[str, pa.Table], partitions: int, root: Path
) -> tuple[Meter, dict[str, int]]:
    """Builds everything behind documents; the bytes are those of the tables."""
    corpus = Corpus(root)
    _publish(corpus, recipe, _split(texts, partitions))
    meter = Meter(STAGES, "shards")
    clusters.build(corpus, meter, recipe, QUIET)
    meter.settle("duplicates")
    paragraphs.build(corpus, meter, recipe, QUIET)
    decontamination.build(corpus, meter, recipe, QUIET)
    shards.build(corpus, meter, recipe, QUIET)
    meter.settle("tokens")
    sizes = {name: folder_bytes(root / name) for name in ("clusters", "shards", "tokens")}
    signatures = folder_bytes(root / "clusters" / "signatures")
    return meter, sizes | {"signatures": signatures, "duplicates": sizes["clusters"] - signatures}


def folder_bytes(folder: Path) -> int:
    """Of what grows with the corpus."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in TABLES)


def _copied(texts: dict[str, pa.Table], times: int) -> dict[str, pa.Table]:
    copies: dict[str, list[pa.Table]] = {name: [table] for name, table in texts.items()}
    for number in range(1, times):
        for name, table in texts.items():
            ids = [xxhash.xxh3_64_hexdigest(f"{number} {id}".encode()) for id in table["id"].to_pylist()]
            table = table.set_column(table.column_names.index("id"), "id", pa.array(ids))
            if name == "documents":
                shuffled = [_shuffled(text, number) for text in table["text"].to_pylist()]
                table = table.set_column(table.column_names.index("text"), "text", pa.array(shuffled))
            copies[name].append(table)
    return {name: pa.concat_tables(tables).sort_by("id") for name, tables in copies.items()}


def _shuffled(text: str, seed: int) -> str:
    words = text.split(" ")
    random.Random(seed).shuffle(words)
    return " ".join(words)


def _split(texts: dict[str, pa.Table], partitions: int) -> dict[str, list[pa.Table]]:
    """By the last digits of the ids, which are hashes: evenly, as those of hosts divide a corpus."""
    split: dict[str, list[pa.Table]] = {}
    for name, table in texts.items():
        number = np.array([int(id[-6:], 16) % partitions for id in table["id"].to_pylist()])
        split[name] = [table.filter(pa.array(number == each)) for each in range(partitions)]
    return split


def _publish(corpus: Corpus, recipe: Recipe, tables: dict[str, list[pa.Table]]) -> None:
    corpus.freeze(recipe)
    for name, partitions in tables.items():
        table, parts = corpus.table(name), list[Part]()
        for number, rows in enumerate(partitions):
            counts = Counts(into=rows.num_rows, out=rows.num_rows)
            written = parquet.write(table.path(number), table.schema, [rows])
            parts.append(Part(partition_name(number), "", written.rows, written.bytes, written.hash, counts))
        table.publish(Manifest(name, 1, "", "", tuple(parts), sum((p.counts for p in parts), Counts())))
