"""A corpus as the stages before clusters leave it: links and documents, with their manifests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines import clusters
from webtext import parquet, schemas
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.links.hosts import registered_domain
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.sections import Dedup
from webtext.table import partition_name

Row = dict[str, Any]


@dataclass(frozen=True)
class Document:
    """What a test says about a document; `posted` is a year."""

    id: int
    text: str
    posted: int | None = 2010
    karma: int | None = 3
    verdict: str = "keep"
    link: str = ""

    @property
    def url(self) -> str:
        return self.link or f"https://example.org/{self.id}"

    @property
    def hex(self) -> str:
        return f"{self.id:016x}"


def write_corpus(root: Path, documents: Sequence[Document], partitions: int = 2) -> Corpus:
    corpus = Corpus(root)
    shares = [[d for d in documents if d.id % partitions == share] for share in range(partitions)]
    links = [[_link(document) for document in share] for share in shares]
    _write(corpus, "links", schemas.LINKS, links, [Counts()] * partitions)
    texts = [[_row(document) for document in share] for share in shares]
    _write(corpus, "documents", schemas.DOCUMENTS, texts, [_counts(share) for share in shares])
    return corpus


def build_clusters(corpus: Corpus, workers: int = 0, **settings: Any) -> Manifest:
    """With 0 workers in this process."""
    recipe, progress = Recipe(dedup=Dedup(**settings)), Progress(quiet=True)
    if not workers:
        return clusters.build(corpus, InlineEngine(), recipe, progress)
    with LocalEngine(workers) as engine:
        return clusters.build(corpus, engine, recipe, progress)


def read_clusters(corpus: Corpus) -> dict[int, Row]:
    rows = corpus.table("clusters").dataset().to_table().to_pylist()
    return {int(row["id"], 16): row | {"cluster": int(row["cluster"], 16)} for row in rows}


def clusters_of(root: Path, *documents: Document, **settings: Any) -> dict[int, Row]:
    """Documents in, their rows of clusters out."""
    corpus = write_corpus(root, documents)
    build_clusters(corpus, **settings)
    return read_clusters(corpus)


def files_of(corpus: Corpus) -> dict[str, bytes]:
    """Every file of clusters by its path."""
    folder = corpus.table("clusters").folder
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _link(document: Document) -> Row:
    posted = None if document.posted is None else datetime(document.posted, 1, 1, tzinfo=UTC)
    row = {"id": document.hex, "url": document.url, "first_posted": posted, "karma": document.karma}
    return row | {"submissions": []}


def _row(document: Document) -> Row:
    measures = {
        field.name: field.type.to_pandas_dtype()(0)
        for field in schemas.DOCUMENTS
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    }
    row = {"id": document.hex, "text": document.text, "verdict": document.verdict}
    where = {"url": document.url, "domain": registered_domain(document.url)}
    return measures | row | where | {"words": len(document.text.split())}


def _counts(share: Sequence[Document]) -> Counts:
    kept = sum(document.verdict == "keep" for document in share)
    return Counts(len(share), kept, 0, {"too_short": len(share) - kept} if len(share) > kept else {})


def _write(
    corpus: Corpus, name: str, schema: pa.Schema, shares: list[list[Row]], counts: list[Counts]
) -> None:
    table, parts = corpus.table(name), []
    for number, (rows, count) in enumerate(zip(shares, counts, strict=True)):
        file = partition_name(number)
        path = table.folder / file
        written = parquet.write(path, schema, [pa.Table.from_pylist(rows, schema=schema)])
        parts.append(Part(file, written.hash, written.rows, written.bytes, written.hash, count))
    table.publish(Manifest(name, 1, "", "", tuple(parts), sum(counts, Counts())))
