"""The shards: a census of the kept documents, a vocabulary, a shuffle, and the files of both last tables.

A shard's task writes its Parquet file, which counts tokens, and its token file together.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from pipelines import census, decontamination, kept, removal, scattering, tokens, vocabulary
from pipelines.pages import CAPTURES
from pipelines.vocabulary import Vocabulary
from webtext import files, parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.crawl import tombstones
from webtext.engine import Engine, Report
from webtext.errors import UserError
from webtext.extract import libraries
from webtext.extract.libraries import Libraries
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.shards import shuffle
from webtext.shards.card import COLUMNS, Summary, card, told
from webtext.shards.encode import Encoder
from webtext.shards.layout import Layout, Shard
from webtext.shards.tokens import TokenWriter, token_file
from webtext.stage import Plan, Work

VERSION = 1
CARD = "README.md"
UPSTREAM = ("links", "pages", "documents", "clusters")


class NothingLeft(UserError):
    """Not one document for the shards: rules or test sets leave all out."""


def build(corpus: Corpus, engine: Engine, recipe: Recipe, progress: Progress) -> tuple[Manifest, Manifest]:
    """Brings shards/ and tokens/ up to the tables before them; returns the manifests of both. Raises
    NothingLeft."""
    for table in ("shards", "tokens"):
        files.clean(corpus.table(table).folder)
    layout = census.take(corpus, engine, recipe.shards, progress)
    if not any(layout.documents.values()):
        raise NothingLeft(_nothing(corpus))
    words = vocabulary.current(corpus, recipe)
    if words is None:
        tokens.retract(corpus)
        words = vocabulary.make(corpus, engine, recipe, layout, progress)
    vocabulary.check_ids_fit(words, recipe)
    shards = _run(corpus, engine, recipe, layout, words, progress)
    return shards, tokens.build(corpus, engine, recipe, words, progress)


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """A Parquet file for each shard of the layout; all depend on all tables before them."""
    layout = census.look(corpus, recipe.shards)
    # which documents there are is said by the inputs
    written = recipe.shards.model_dump(exclude={"decontaminate", "decontaminate_threshold"})
    words, inputs = vocabulary.key(corpus, recipe), _inputs(corpus, recipe)
    counted = [counts.as_json() for counts in _counted(corpus).values()]
    on_card = (counted, _made_with(corpus))
    works = []
    for shard in layout.shards():
        key = fingerprint(VERSION, written, words, inputs, shard.parquet)
        item = Item(corpus.root, shard, key, recipe.tokens.dtype)
        works.append(Work(shard.parquet, key, item, layout.expected(shard)))
    says = fingerprint(written, vocabulary.says(recipe))
    left_out = decontamination.counts(corpus)
    return Plan(
        "shards", VERSION, says, fingerprint(inputs, on_card), write_parts, tuple(works), counts=left_out
    )


@dataclass(frozen=True)
class Item:
    """A shard to be written, with its token file."""

    root: Path
    shard: Shard
    key: str
    dtype: str
    pieces: tuple[shuffle.Piece, ...] = ()  # known once the rows are scattered
    fast: bool = False  # encoder


def write_parts(items: Sequence[Item], report: Report) -> list[Part]:
    return [_write_part(item, report) for item in items]


def _write_part(item: Item, report: Report) -> Part:
    corpus = Corpus(item.root)
    encoder = vocabulary.encoder(corpus, fast=item.fast)
    path = corpus.table("shards").folder / item.shard.parquet
    ids = corpus.table("tokens").folder / item.shard.bin
    with token_file(ids, item.dtype, encoder.eot) as writer:
        tables = _encoded(shuffle.gather(item.pieces), encoder, writer, report)
        written = parquet.write(path, schemas.SHARDS, tables)
    assert writer.written is not None
    counts = Counts(into=written.rows, out=written.rows)
    extra = {"tokens": asdict(writer.written)}
    return Part(path.name, item.key, written.rows, written.bytes, written.hash, counts, extra)


def _encoded(
    tables: Iterator[pa.Table], encoder: Encoder, writer: TokenWriter, report: Report
) -> Iterator[pa.Table]:
    for table in tables:
        counts = tokens.append(table, encoder, writer)
        hashes = [hashlib.sha256(text.encode()).hexdigest() for text in table["text"].to_pylist()]
        table = table.append_column("tokens", pa.array(counts, pa.int64()))
        yield table.append_column("sha256", pa.array(hashes, pa.string()))
        report(table.num_rows, {})


def _run(
    corpus: Corpus, engine: Engine, recipe: Recipe, layout: Layout, words: Vocabulary, progress: Progress
) -> Manifest:
    wanted, scratch = plan(corpus, recipe), corpus.table("shards").folder / ".scratch"
    files.remove_folder(scratch)
    todo = {work.file for work in stage.standing(corpus, wanted).todo}
    if todo:
        tokens.retract(corpus)
        fast = vocabulary.may_be_fast(corpus, progress)
        pieces = scattering.scatter(corpus, engine, layout, todo, stage.scratch(scratch), progress)
        works = tuple(_prepared(work, pieces.get(work.file, ()), fast) for work in wanted.works)
        wanted = replace(wanted, works=works)
    wanted = replace(wanted, finish=partial(_write_card, corpus, recipe, words.vocab_size))
    if tombstones.load(corpus.root):  # audits since the removal, of the shards before it, quote what they had
        wanted = replace(wanted, before=partial(removal.forget_reports, corpus))
    manifest = stage.run(corpus, engine, wanted, progress)
    if not _card_tells(corpus, recipe):
        _write_card(corpus, recipe, words.vocab_size, manifest.partitions)
    files.remove_folder(scratch)
    return manifest


def _prepared(work: Work, pieces: tuple[shuffle.Piece, ...], fast: bool) -> Work:
    return replace(work, item=replace(work.item, pieces=pieces, fast=fast))


def _inputs(corpus: Corpus, recipe: Recipe) -> str:
    """All that a shard's rows depend on: of pages also where each lies in the WARC files, but not those that
    were not fetched, which another crawl may find in another state."""
    parts = corpus.table("pages").published().partitions
    captures = [part.extra.get(CAPTURES, part.extra.get("file_hash")) for part in parts]  # of older crawls
    return fingerprint(kept.hashes(corpus, recipe), corpus.table("links").published().hash, captures)


def _write_card(corpus: Corpus, recipe: Recipe, vocab_size: int, parts: Sequence[Part]) -> None:
    summary, table = Summary(), corpus.table("shards")
    for part in parts:
        made = part.extra["tokens"]
        split = part.file.partition("-")[0]
        summary.add(split, table.read(part.file, COLUMNS), made["tokens"], made["bytes"])
    stages = _counted(corpus)
    if (left_out := decontamination.counts(corpus)).into:
        stages["shards"] = sum((part.counts for part in parts), left_out)
    entries = f"a vocabulary of {vocab_size:,}"
    files.write_text(table.folder / CARD, card(recipe, summary, stages, entries, _made_with(corpus)))


def _counted(corpus: Corpus) -> dict[str, Counts]:
    """The counts of the tables before the shards, in order."""
    optional = corpus.table(kept.PARAGRAPHS).manifest()
    counts = {name: corpus.table(name).published().counts for name in UPSTREAM}
    return counts | ({kept.PARAGRAPHS: optional.counts} if optional else {})


def _card_tells(corpus: Corpus, recipe: Recipe) -> bool:
    """Whether the card is there and of this recipe: another one may have come to the same rows."""
    path = corpus.table("shards").folder / CARD
    return files.exists(path) and told(recipe).encode() in files.read_bytes(path)


def _made_with(corpus: Corpus) -> Libraries:
    parts = corpus.table("documents").published().partitions
    return libraries.union(part.extra.get("libraries", {}) for part in parts)


def _nothing(corpus: Corpus) -> str:
    _, _, documents, *later = _counted(corpus).values()
    counts = sum(later, documents) + decontamination.counts(corpus)
    dropped = sorted(counts.dropped.items(), key=lambda item: (-item[1], item[0]))
    reasons = "".join(f", {count:,} {reason}" for reason, count in dropped)
    found = f"{documents.into:,} documents{reasons}"
    return f"{corpus.root}: nothing to write: {found}; loosen [filter] or crawl more links"
