"""Measuring the fetched pages of a partition: what takes a build's time.

A documents file carries a fingerprint of all that its measures depend on; where that still holds, they are
read from it.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from webtext import damage, layouts, parquet, schemas
from webtext.corpus import Corpus
from webtext.crawl import read_ahead
from webtext.crawl.warc import LostRecord, Position, read_response
from webtext.errors import RunFailed
from webtext.extract import cage, libraries
from webtext.extract.libraries import Libraries
from webtext.extract.page import EXTRACTOR, MEASURES_VERSION, Page, Row
from webtext.extract.wikipedia import on_wikipedia
from webtext.fingerprint import fingerprint_of_many
from webtext.links.hosts import registered_domain
from webtext.reasons import FETCHED
from webtext.sections import Extract

MEASURED = b"webtext.measured"  # in the Parquet file's metadata
LOST = "lost_record"
BATCH_FACTS = 1000  # rows of pages, held as Python objects
BATCH_ROWS = 16  # half a second of extraction: how often progress is reported

CONTENT = ["id", "url", "final_url", "content_type", "charset", "sha256"]  # and the year of the capture
WHERE = ["state", "captured_at", "bytes", "warc_file", "warc_offset", "warc_length"]


def fetched(corpus: Corpus, file: str) -> pa.Table:
    """The fetched pages of a partition, by id; the copy that is made is the one in order."""
    pages = corpus.table("pages").read(file, CONTENT + WHERE)
    state = pages["state"].combine_chunks()  # of no chunks at all, pyarrow up to 23 crashes below
    chosen = pc.indices_nonzero(pc.equal(state, FETCHED))
    return pages.take(chosen.take(pc.sort_indices(pages["id"].take(chosen))))


def measures(pages: pa.Table, section: Extract) -> str:
    """The fingerprint of what measures depend on: what the pages say, not where in the archive they lie."""
    rows = (row for batch in pages.to_batches(BATCH_FACTS) for row in batch.to_pylist())
    content = ([*(row[name] for name in CONTENT), _year_end(row)] for row in rows)
    return fingerprint_of_many(content, MEASURES_VERSION, EXTRACTOR, section)


def schema(measured: str, made_with: Libraries) -> pa.Schema:
    """Of a file of documents whose measures have this fingerprint, and were made with these libraries."""
    told = {MEASURED: measured.encode(), libraries.METADATA: json.dumps(made_with).encode()}
    return schemas.DOCUMENTS.with_metadata(schemas.DOCUMENTS.metadata | told)


def measured_before(path: Path, measured: str, pages: int) -> Iterator[pa.Table] | None:
    """The rows of the documents file as it is, if it has all and its measures are the wanted ones."""
    try:
        file = parquet.open_file(path)
        found = file.schema_arrow
        if (found.metadata or {}).get(MEASURED) != measured.encode() or file.metadata.num_rows != pages:
            return None
        if layouts.unlike(found, schemas.DOCUMENTS):
            return None
        for _ in file.iter_batches(batch_size=1000):  # damage between its ends shows only here
            pass
    except damage.UNREADABLE as error:
        if damage.is_no_damage(error):  # the archive may not have every page any more
            raise
        return None  # none yet, or damaged
    return (pa.Table.from_batches([batch]) for batch in file.iter_batches(batch_size=1000))


def recovered(corpus: Corpus, pages: pa.Table, table: pa.Table, section: Extract) -> pa.Table:
    """The same rows, but measured now where the record could not be read before: the archive may have been
    repaired. The others stay, because their records may be in no archive any more."""
    lost = pc.fill_null(pc.equal(table["verdict"], LOST), False)
    if not pc.any(lost).as_py():
        return table
    again = pages.filter(pc.is_in(pages["id"], table["id"].filter(lost).combine_chunks()))
    rows = [table.filter(pc.invert(lost)), *measured_now(corpus, again, section)]
    return pa.concat_tables(rows).sort_by("id")


def lost_some(path: Path) -> bool:
    """Whether records of a documents file could not be read when it was measured."""
    return bool(pc.any(pc.equal(parquet.read_table(path, ["verdict"])["verdict"], LOST)).as_py())


def can_recover(corpus: Corpus, file: str) -> bool:
    """Whether a record can be read now that could not be when a partition was measured. One of each file is
    tried: of a file that was put right, all can."""
    texts = corpus.table("documents").read(file, ["id", "verdict"])
    lost = texts["id"].filter(pc.equal(texts["verdict"], LOST)).combine_chunks()
    pages = fetched(corpus, file)
    rows = pages.filter(pc.is_in(pages["id"], lost)).to_pylist()
    return any(_can_read(corpus, row) for row in {row["warc_file"]: row for row in rows}.values())


def _can_read(corpus: Corpus, row: Row) -> bool:
    try:
        stored_page(corpus.table("pages").folder, row)
    except (LostRecord, RunFailed):  # damaged as before, or not to be read now
        return False
    return True


def measured_now(corpus: Corpus, pages: pa.Table, section: Extract) -> Iterator[pa.Table]:
    """The documents of these pages, in their order, BATCH_ROWS at a time: a row for each page, whatever it
    does to the extractor."""
    folder = corpus.table("pages").folder
    places = [_place(row) for row in pages.select(WHERE).to_pylist()]
    records = read_ahead.records(folder, places)
    for start in range(0, pages.num_rows, BATCH_ROWS):
        rows = pages.slice(start, BATCH_ROWS).to_pylist()
        documents = [_document(folder, row, next(records), section) for row in rows]
        yield pa.Table.from_pylist(documents, schema=schemas.DOCUMENTS)


def _place(row: Row) -> Position:
    return Position(row["warc_file"], row["warc_offset"], row["warc_length"])


def _document(pages_folder: Path, row: Row, record: memoryview | None, section: Extract) -> Row:
    head = {
        "id": row["id"],
        "url": row["url"],
        "domain": registered_domain(row["url"]),
        "wikipedia_domain": on_wikipedia(row["url"], row["final_url"]),
    }
    try:
        page = stored_page(pages_folder, row, record)
    except LostRecord as lost:
        return head | {"verdict": LOST, "detail": str(lost)}
    return head | cage.of_this_process().measure(page, section)


def stored_page(pages_folder: Path, row: Row, record: memoryview | None = None) -> Page:
    """A fetched page as the archive has it; its record where that was read already. Raises LostRecord."""
    place = _place(row)
    stored = read_response(pages_folder, place.file, place.offset, row["bytes"], place.length, record)
    if hashlib.sha256(stored.body).hexdigest() != row["sha256"]:
        raise LostRecord("the stored body is not the one that was fetched")
    url = row["final_url"] or row["url"]
    return Page(stored.body, url, row["content_type"], row["charset"], _year_end(row))


def _year_end(row: Row) -> str | None:
    """The last day on which a page may have been published. A year is enough to refuse nonsense, and the same
    pages crawled a day later give the same documents."""
    return f"{row['captured_at'].year}-12-31" if row["captured_at"] else None
