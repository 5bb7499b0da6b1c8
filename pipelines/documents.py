"""The documents' partitions: one per partition of pages; its fetched pages, measured and judged.

Measuring reads the archive and takes the time; judging reads columns, the text among them for the recipe's
word lists. Where a partition's measures still hold, only the verdicts are made anew.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import pieces
from pipelines.measuring import (
    LOST,
    can_recover,
    fetched,
    lost_some,
    measured_before,
    measured_now,
    measures,
    recovered,
    schema,
)
from webtext import damage, files, parquet, stage
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.errors import UserError
from webtext.extract import libraries
from webtext.extract.libraries import Libraries
from webtext.extract.page import EXTRACTOR_VERSION, MEASURES_VERSION
from webtext.extract.verdict import verdict
from webtext.extract.wordlists import WordList, resolve, words_of
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.reasons import KEEP
from webtext.recipe import Recipe
from webtext.sections import Extract, Filter
from webtext.stage import Plan, Work

TABLE = "documents"
RULES_VERSION = 4  # rises when the same measures may get another verdict


@dataclass(frozen=True)
class Item:
    root: Path
    file: str
    key: str
    extract: Extract
    filter: Filter
    lists: dict[str, WordList]  # by the column that counts its words


def build(corpus: Corpus, engine: Engine, recipe: Recipe, progress: Progress) -> Manifest:
    """Brings documents up to date."""
    whole, started = plan(corpus, recipe), time.monotonic()
    todo = stage.standing(corpus, whole).todo
    large = [work.item for work in todo if work.rows > pieces.PAGES]
    partitions = [pieces.Partition(item.root, item.file, item.extract) for item in large]
    measured = pieces.measure(corpus, engine, partitions, progress)
    manifest = stage.run(corpus, engine, whole, progress)
    files.remove_folder(pieces.folder(corpus))
    if measured:  # else the stage has told its time itself
        rows, seconds = sum(work.rows for work in todo), round(time.monotonic() - started, 3)
        stage.log(corpus, TABLE, rows=rows, seconds=seconds)
    return manifest


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """A partition of documents for each of pages. Raises UserError where the crawl has not ended, or a word
    list cannot be read."""
    pages = corpus.table("pages").manifest()
    if pages is None:
        raise UserError(f"{corpus.root}: its crawl has not ended; `webtext crawl` again resumes it")
    lists = word_lists(recipe.filter)
    rules = recipe.filter.model_copy(update={"mask_pii": False})  # shards and tokens mask, documents never
    version = RULES_VERSION + EXTRACTOR_VERSION + MEASURES_VERSION  # each only rises, and so does their sum
    says = fingerprint(recipe.extract, rules, [(w.words, w.phrases) for w in lists.values()])
    stale, works = set(_recoverable(corpus)), []
    for part in pages.partitions:
        key = fingerprint(version, says, part.hash)
        item = Item(corpus.root, part.file, key, recipe.extract, recipe.filter, lists)
        wanted = fingerprint(key, LOST) if part.file in stale else key  # which no part has
        works.append(Work(part.file, wanted, item, part.counts.out))
    return Plan(TABLE, version, says, pages.hash, write_parts, tuple(works))


def _recoverable(corpus: Corpus) -> Iterator[str]:
    """The partitions with pages that were lost, and are no more."""
    table = corpus.table(TABLE)
    lacking = [part for part in table.finished() if part.counts.dropped.get(LOST)]
    holds = table.holding() if lacking else lambda _: False
    for part in lacking:
        if holds(part) and can_recover(corpus, part.file):
            yield part.file


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
    path = corpus.table(TABLE).folder / item.file
    pages = fetched(corpus, item.file)
    measured = measures(pages, item.extract)
    tables, made_with = _measured(corpus, item, pages, measured)
    counted = _Counted(report)
    rows = counted.all(judged(table, item.lists, item.filter) for table in tables)
    written = parquet.write(path, schema(measured, made_with), rows)
    extra = {"measured": measured, "libraries": made_with}
    return Part(item.file, item.key, written.rows, written.bytes, written.hash, counted.counts, extra)


def _measured(
    corpus: Corpus, item: Item, pages: pa.Table, measured: str
) -> tuple[Iterator[pa.Table], Libraries]:
    """The partition's rows, taken over where they stand, and the libraries that made them."""
    path = corpus.table(TABLE).folder / item.file
    if before := measured_before(path, measured, pages.num_rows):
        made_with = libraries.of_files([path])
        if lost_some(path):
            made_with = libraries.union([made_with, libraries.here()])
        return (recovered(corpus, pages, table, item.extract) for table in before), made_with
    _require_archive(corpus, item.file, pages)
    return pieces.put_together(corpus, measured, pages.num_rows) or (
        measured_now(corpus, pages, item.extract),
        libraries.here(),
    )


def require_archives(corpus: Corpus, wanted: Extract) -> None:
    """Raises UserError where settings other than the frozen ones would have texts extracted anew of which the
    archive is gone."""
    pages = corpus.table("pages").manifest()
    if pages is None or wanted == corpus.recipe().extract:
        return
    for part in pages.partitions:
        rows = fetched(corpus, part.file)
        path = corpus.table(TABLE).folder / part.file
        if not measured_before(path, measures(rows, wanted), rows.num_rows):
            _require_archive(corpus, part.file, rows)


def _require_archive(corpus: Corpus, file: str, pages: pa.Table) -> None:
    """Raises UserError where a file of the archive is gone of which this partition has texts: to extract them
    anew would lose the last copy."""
    folder, documents = corpus.table("pages").folder, corpus.table(TABLE)
    names = pc.unique(pages["warc_file"]).to_pylist()
    gone = [name for name in names if not files.exists(folder / name)]
    if not gone or not files.exists(documents.folder / file):
        return
    of_gone = pages["id"].filter(pc.is_in(pages["warc_file"], pa.array(gone))).combine_chunks()
    try:
        texts = documents.read(file, ["id", "text"])
        has_some = pc.any(pc.and_(pc.is_in(texts["id"], of_gone), pc.is_valid(texts["text"]))).as_py()
    except UserError:  # damaged: what can still be had of it is the user's to give up
        has_some = True
    if has_some:
        raise UserError(
            f"{folder / gone[0]}: not there, and documents has texts of its pages, which are to be extracted "
            f"anew: put the file back, or delete {documents.folder} to give them up"
        )


def forget(corpus: Corpus, ids: Collection[str]) -> None:
    """Takes rows out whose pages are about to go: of stale partitions, too, for it may be long until the next
    build. One that is damaged is left to the stage, which measures it anew."""
    folder, gone = corpus.table(TABLE).folder, pa.array(sorted(ids), pa.string())
    for file in sorted(files.sizes(folder)):
        if not file.endswith(".parquet"):
            continue
        try:
            there = parquet.read_table(folder / file, ["id"])["id"]
            mine = there.filter(pc.is_in(there, gone)).combine_chunks()
            if len(mine):
                _forget(corpus, file, mine)
        except damage.UNREADABLE as error:
            if damage.is_no_damage(error):
                raise


def _forget(corpus: Corpus, file: str, ids: pa.Array) -> None:
    """Where the partition is that of its pages, the others need not be measured anew."""
    path, section = corpus.table(TABLE).folder / file, corpus.recipe().extract
    staying = parquet.open_file(path).schema_arrow
    if files.exists(corpus.table("pages").folder / file):
        pages = fetched(corpus, file)
        if measured_before(path, measures(pages, section), pages.num_rows):
            staying = schema(measures(_without(pages, ids), section), libraries.of_files([path]))
    batches = parquet.read_batches(path, 1000, staying.names)
    parquet.write(path, staying, (_without(pa.Table.from_batches([b]), ids) for b in batches))


def _without(rows: pa.Table, ids: pa.Array) -> pa.Table:
    return rows.filter(pc.invert(pc.is_in(rows["id"], ids)))


def judged(table: pa.Table, lists: dict[str, WordList], rules: Filter) -> pa.Table:
    """The same rows with the words on the recipe's lists counted, and with the verdicts of its rules."""
    spoken = [None if text is None else words_of(text) for text in table["text"].to_pylist()]
    for name, listed in lists.items():
        counts = [None if words is None else listed.per_1000_words(words) for words in spoken]
        table = _with(table, name, pa.array(counts, pa.float64()))
    rows = table.drop_columns(["text"]).to_pylist()
    verdicts, details = zip(*(verdict(row, rules) for row in rows), strict=True) if rows else ((), ())
    table = _with(table, "verdict", pa.array(verdicts, pa.string()))
    return _with(table, "detail", pa.array(details, pa.string()))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


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
