"""Large partitions of documents, measured in pieces: several workers share a domain of a million pages, and a
kill costs none of them more than its piece.

A piece is a file in documents/pieces, named after all that its measures depend on. The partition's own task
puts them together, to the same bytes as without.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.measuring import fetched, measured_before, measured_now, measures, schema
from webtext import damage, files, parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.extract import libraries
from webtext.extract.libraries import Libraries
from webtext.progress import Progress
from webtext.sections import Extract

PAGES = 10_000  # of a piece: some minutes of a core


@dataclass(frozen=True)
class Partition:
    """A large partition of documents."""

    root: Path
    file: str
    extract: Extract


@dataclass(frozen=True)
class Piece:
    """Some of a partition's fetched pages; `measured` is the fingerprint of all of them."""

    of: Partition
    measured: str
    pages: range


def measure(corpus: Corpus, engine: Engine, partitions: Sequence[Partition], progress: Progress) -> int:
    """Leaves the pieces of those partitions whose measures do not stand; returns how many."""
    needed = [piece for pieces in engine.map(divide, partitions, _unheard) for piece in pieces]
    if needed:
        pages = sum(len(piece.pages) for piece in needed)
        progress.note(f"documents: {pages:,} pages of large partitions, in {len(needed):,} pieces")
        with progress.bar("documents", pages, corpus.root / stage.PROGRESS) as report:
            for _ in engine.map(write_piece, needed, report):
                pass
    return len(needed)


def divide(partition: Partition, _: Report) -> list[Piece]:
    """The pieces of a partition, as a task; none where its measures stand."""
    corpus = Corpus(partition.root)
    pages = fetched(corpus, partition.file)
    measured = measures(pages, partition.extract)
    path = corpus.table("documents").folder / partition.file
    if measured_before(path, measured, pages.num_rows):
        return []
    return [Piece(partition, measured, each) for each in _ranges(pages.num_rows)]


def write_piece(piece: Piece, report: Report) -> None:
    """Measures a piece and leaves its file, unless it is there; a task."""
    corpus = Corpus(piece.of.root)
    path = _path(corpus, piece.measured, piece.pages)
    if measured_before(path, piece.measured, len(piece.pages)):
        report(len(piece.pages), {})
        return
    pages = fetched(corpus, piece.of.file).slice(piece.pages.start, len(piece.pages))
    rows = _told(measured_now(corpus, pages, piece.of.extract), report)
    parquet.write(path, schema(piece.measured, libraries.here()), rows)


def put_together(corpus: Corpus, measured: str, pages: int) -> tuple[Iterator[pa.Table], Libraries] | None:
    """A partition's measured rows and the libraries that made them, if all its pieces are there."""
    paths = [_path(corpus, measured, each) for each in _ranges(pages)]
    if pages <= PAGES or not all(map(files.exists, paths)):
        return None
    batches = (batch for path in paths for batch in parquet.read_batches(path, 1000, schemas.DOCUMENTS.names))
    return (pa.Table.from_batches([batch]) for batch in batches), libraries.of_files(paths)


def forget(corpus: Corpus, ids: Collection[str]) -> None:
    """Removes the pieces of a killed build that have one of those pages, or are damaged."""
    files.clean(folder(corpus))
    gone = pa.array(sorted(ids), pa.string())
    for name in files.sizes(folder(corpus)):
        if _has(folder(corpus) / name, gone):
            files.remove(folder(corpus) / name)


def folder(corpus: Corpus) -> Path:
    """Where the pieces lie until the partitions are made of them."""
    return corpus.table("documents").folder / "pieces"


def _ranges(pages: int) -> list[range]:
    return [range(begin, min(begin + PAGES, pages)) for begin in range(0, pages, PAGES)]


def _path(corpus: Corpus, measured: str, pages: range) -> Path:
    return folder(corpus) / f"{measured}-{pages.start:09d}-{pages.stop:09d}.parquet"


def _has(path: Path, ids: pa.Array) -> bool:
    try:
        return bool(pc.any(pc.is_in(parquet.read_table(path, ["id"])["id"], ids)).as_py())
    except damage.UNREADABLE as error:
        if damage.is_no_damage(error):
            raise
        return True


def _told(tables: Iterator[pa.Table], report: Report) -> Iterator[pa.Table]:
    for table in tables:
        report(table.num_rows, {})
        yield table


def _unheard(*_: object) -> None:
    """Dividing has nothing to report."""
