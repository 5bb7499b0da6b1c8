"""The documents' partitions: one per partition of pages; its fetched pages, measured and judged.

Measuring reads the archive and takes the time; judging reads columns, the text among them for the recipe's
word lists. A documents file carries a fingerprint of all that its measures depend on: where that still holds,
only the verdicts are made anew.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext import files, schemas
from webtext.corpus import Corpus, Counts, Part
from webtext.crawl import read_ahead
from webtext.crawl.warc import LostRecord, Position, read_response
from webtext.engine import Report
from webtext.errors import UserError
from webtext.extract import cage
from webtext.extract.page import EXTRACTOR, MEASURES_VERSION, Page, Row
from webtext.extract.verdict import verdict
from webtext.extract.wikipedia import on_wikipedia
from webtext.extract.wordlists import WordList, resolve, words_of
from webtext.fingerprint import fingerprint
from webtext.links.hosts import registered_domain
from webtext.reasons import FETCHED, KEEP
from webtext.recipe import Recipe
from webtext.sections import Extract, Filter
from webtext.stage import Plan, Work

VERSION = 3
MEASURED = b"webtext.measured"  # in the Parquet file's metadata
BATCH_ROWS = 16  # half a second of extraction: how often progress is reported

CONTENT = ["id", "url", "final_url", "content_type", "charset", "sha256"]  # and the year of the capture
WHERE = ["state", "captured_at", "bytes", "warc_file", "warc_offset", "warc_length"]


@dataclass(frozen=True)
class Item:
    root: Path
    file: str
    key: str
    extract: Extract
    filter: Filter
    lists: dict[str, WordList]  # by the column that counts its words


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    pages = corpus.table("pages").manifest()
    if pages is None:
        raise UserError(f"{corpus.root}: its crawl has not ended; `webtext crawl` again resumes it")
    lists = word_lists(recipe.filter)
    says = fingerprint(recipe.extract, recipe.filter, [(w.words, w.phrases) for w in lists.values()])
    works = []
    for part in pages.partitions:
        key = fingerprint(VERSION, says, part.hash)
        item = Item(corpus.root, part.file, key, recipe.extract, recipe.filter, lists)
        works.append(Work(part.file, key, item, part.counts.out))
    return Plan("documents", VERSION, says, pages.hash, write_parts, tuple(works))


def word_lists(rules: Filter) -> dict[str, WordList]:
    """The recipe's lists; raises UserError for one that cannot be read."""
    return {
        "adult": resolve(rules.adult_words, "filter.adult_words"),
        "spam": resolve(rules.spam_words, "filter.spam_words"),
    }


def write_parts(items: Sequence[Item], report: Report) -> list[Part]:
    return [_write_part(item, report) for item in items]


def _write_part(item: Item, report: Report) -> Part:
    corpus = Corpus(item.root)
    path = corpus.table("documents").folder / item.file
    pages = _fetched(corpus, item.file)
    measured = _fingerprint(pages, item.extract)
    tables = _measured_before(path, measured) or _measured_now(corpus, pages, item.extract)
    counted = _Counted(report)
    schema = schemas.DOCUMENTS.with_metadata(schemas.DOCUMENTS.metadata | {MEASURED: measured.encode()})
    judged = counted.all(_judged(table, item) for table in tables)
    written = files.write_parquet(path, schema, judged)
    extra = {"measured": measured}
    return Part(item.file, item.key, written.rows, written.bytes, written.hash, counted.counts, extra)


def forget(corpus: Corpus, file: str, ids: Collection[str]) -> None:
    """Takes rows out of a partition whose pages are about to go, so that the others need not be measured
    anew. A partition that is stale for another reason is left to the stage."""
    path, section = corpus.table("documents").folder / file, corpus.recipe().extract
    pages = _fetched(corpus, file)
    tables = _measured_before(path, _fingerprint(pages, section))
    if tables is None:
        return
    staying = _fingerprint(_without(pages, ids), section)
    schema = schemas.DOCUMENTS.with_metadata(schemas.DOCUMENTS.metadata | {MEASURED: staying.encode()})
    files.write_parquet(path, schema, (_without(table, ids) for table in tables))


def _without(rows: pa.Table, ids: Collection[str]) -> pa.Table:
    return rows.filter(pc.invert(pc.is_in(rows["id"], pa.array(sorted(ids), pa.string()))))


def _fetched(corpus: Corpus, file: str) -> pa.Table:
    pages = corpus.table("pages").read(file, CONTENT + WHERE)
    return pages.filter(pc.equal(pages["state"], FETCHED)).sort_by("id")


def _fingerprint(pages: pa.Table, section: Extract) -> str:
    """Of what the measures depend on: what the pages say, not where in the archive they lie."""
    content = [[*(row[name] for name in CONTENT), _year_end(row)] for row in pages.to_pylist()]
    return fingerprint(MEASURES_VERSION, EXTRACTOR, section, content)


def _measured_before(path: Path, measured: str) -> Iterator[pa.Table] | None:
    """The rows of the documents file as it is, if its measures are the wanted ones."""
    try:
        file = pq.ParquetFile(files.here(path))
    except (OSError, pa.ArrowInvalid):  # none yet, or damaged
        return None
    if (file.schema_arrow.metadata or {}).get(MEASURED) != measured.encode():
        return None
    return (pa.Table.from_batches([batch]) for batch in file.iter_batches(batch_size=1000))


def _measured_now(corpus: Corpus, pages: pa.Table, section: Extract) -> Iterator[pa.Table]:
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
        return head | {"verdict": "lost_record", "detail": str(lost)}
    return head | cage.of_this_process().measure(page, section)


def stored_page(pages_folder: Path, row: Row, record: memoryview | None = None) -> Page:
    """A fetched page as the archive has it; its record where that was read already. Raises LostRecord."""
    place = _place(row)
    stored = read_response(pages_folder, place.file, place.offset, row["bytes"], place.length, record)
    if hashlib.sha256(stored.body).hexdigest() != row["sha256"]:
        raise LostRecord("the stored body is not the one that was fetched")
    url = row["final_url"] or row["url"]
    return Page(stored.body, url, row["content_type"], row["charset"], _year_end(row))


def _judged(table: pa.Table, item: Item) -> pa.Table:
    """The same rows with the words on the recipe's lists counted, and with the verdicts of its rules."""
    spoken = [None if text is None else words_of(text) for text in table["text"].to_pylist()]
    for name, listed in item.lists.items():
        counts = [None if words is None else listed.per_1000_words(words) for words in spoken]
        table = _with(table, name, pa.array(counts, pa.float64()))
    rows = table.drop_columns(["text"]).to_pylist()
    verdicts, details = zip(*(verdict(row, item.filter) for row in rows), strict=True) if rows else ((), ())
    table = _with(table, "verdict", pa.array(verdicts, pa.string()))
    return _with(table, "detail", pa.array(details, pa.string()))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def _year_end(row: Row) -> str | None:
    """The last day on which a page may have been published. A year is enough to refuse nonsense, and the same
    pages crawled a day later give the same documents."""
    return f"{row['captured_at'].year}-12-31" if row["captured_at"] else None


class _Counted:
    """Counts and reports the verdicts of the tables that pass."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.counts = Counts()

    def all(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for table in tables:
            by_verdict = {
                row["values"]: row["counts"] for row in pc.value_counts(table["verdict"]).to_pylist()
            }
            kept = by_verdict.pop(KEEP, 0)
            self.counts += Counts(into=table.num_rows, out=kept, dropped=by_verdict)
            self.report(table.num_rows, by_verdict)
            yield table
