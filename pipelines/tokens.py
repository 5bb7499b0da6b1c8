"""The tokens: each shard's ids in a file beside it, and an index of them all.

The ids are written where a shard is written, so that each text is encoded once; this stage takes over what
it finds right, and encodes again from the shards what it does not.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import kept, vocabulary
from pipelines.vocabulary import Vocabulary
from webtext import files, stage
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.shards.encode import Encoder
from webtext.shards.layout import SPLITS
from webtext.shards.tokenizer import FOR_TRANSFORMERS
from webtext.shards.tokens import TokenFile, TokenWriter, index, token_file
from webtext.stage import Plan, Work

VERSION = 1
CONFIG = "tokenizer_config.json"


def plan(corpus: Corpus, recipe: Recipe) -> Plan:
    """A `.bin` for each file of the shards table, which is up to date."""
    shards = corpus.table("shards").published()
    dtype, words = recipe.tokens.dtype, vocabulary.key(corpus, recipe)
    works = []
    for part in shards.partitions:
        file = part.file.partition("-of-")[0] + ".bin"
        key = fingerprint(VERSION, dtype, words, part.hash, file)
        item = Item(corpus.root, part.file, file, key, dtype, TokenFile(**part.extra["tokens"]))
        works.append(Work(file, key, item, part.rows))
    says = fingerprint(vocabulary.says(recipe), dtype)
    return Plan("tokens", VERSION, says, shards.hash, write_parts, tuple(works))


def build(corpus: Corpus, engine: Engine, recipe: Recipe, words: Vocabulary, progress: Progress) -> Manifest:
    """Brings the token files up to the published shards and sums them up in index.json."""
    wanted = plan(corpus, recipe)
    table = corpus.table("tokens")
    folder = table.folder
    _sweep(folder, {Path(work.file).stem for work in wanted.works}, table.finished())
    if any(work.item.made.dtype != work.item.dtype for work in wanted.works):  # all is encoded again
        fast = vocabulary.may_be_fast(corpus, progress)
        works = tuple(replace(work, item=replace(work.item, fast=fast)) for work in wanted.works)
        wanted = replace(wanted, works=works)
    wanted = replace(wanted, finish=partial(_write_index, corpus, recipe, words))
    manifest = stage.run(corpus, engine, wanted, progress)
    _write_index(corpus, recipe, words, manifest.partitions)  # one that was lost, or damaged, since
    _write_if_changed(folder / CONFIG, FOR_TRANSFORMERS)  # which earlier versions did not write
    found = rates(manifest)
    progress.note(
        f"tokens: {found['tokens']:,}, {found['bytes_per_token']:.2f} bytes per token, "
        f"{found['tokens_per_document']:,.0f} tokens per document"
    )
    return manifest


def rates(manifest: Manifest) -> dict[str, float]:
    """How many tokens there are, the UTF-8 bytes that one stands for, and how many a document has."""
    made = [TokenFile(**part.extra) for part in manifest.partitions]
    tokens, documents = sum(file.tokens for file in made), sum(file.documents for file in made)
    per_token = sum(file.bytes for file in made) / tokens
    return {
        "tokens": tokens,
        "bytes_per_token": round(per_token, 4),
        "tokens_per_document": round(tokens / documents, 2),
    }


def _write_index(corpus: Corpus, recipe: Recipe, words: Vocabulary, parts: Sequence[Part]) -> None:
    made = {part.file: TokenFile(**part.extra) for part in parts}
    facts = {"sha256": words.sha256, "vocab_size": words.vocab_size, "eot": words.eot}
    path = corpus.table("tokens").folder / "index.json"
    _write_if_changed(path, index(facts, recipe.tokens.dtype, SPLITS, made))


def _write_if_changed(path: Path, wanted: dict[str, Any]) -> None:
    """Writes a file of JSON, unless it holds just that."""
    with suppress(OSError, ValueError, RecursionError):
        if json.loads(files.read_text(path)) == wanted:
            return
    files.write_json(path, wanted)


def retract(corpus: Corpus) -> None:
    """Removes what says that the token files are whole, before any of them is replaced."""
    for name in ("index.json", "_manifest.json", "_journal.jsonl"):
        files.remove(corpus.table("tokens").folder / name)


def append(rows: pa.Table, encoder: Encoder, writer: TokenWriter) -> list[int]:
    """Encodes rows (id, text) into a token file; returns each text's number of tokens, end-of-text aside."""
    ids = encoder.encode(rows["text"].to_pylist())
    writer.add(rows["id"].to_pylist(), ids, pc.sum(pc.binary_length(rows["text"])).as_py() or 0)
    return [len(document) for document in ids]


@dataclass(frozen=True)
class Item:
    root: Path
    shard: str
    file: str
    key: str
    dtype: str
    made: TokenFile  # by the shards' task
    fast: bool = False  # encoder, where that is not to be taken over


def write_parts(items: Sequence[Item], report: Report) -> list[Part]:
    return [_write_part(item, report) for item in items]


def _write_part(item: Item, report: Report) -> Part:
    corpus = Corpus(item.root)
    path, made = corpus.table("tokens").folder / item.file, item.made
    if made.dtype != item.dtype or not made.stands(path):
        made = _encode_shard(corpus, item, path)
    report(made.documents, {})
    counts = Counts(into=made.documents, out=made.documents)
    return Part(item.file, item.key, made.documents, path.stat().st_size, made.hash, counts, asdict(made))


def _encode_shard(corpus: Corpus, item: Item, path: Path) -> TokenFile:
    encoder = vocabulary.encoder(corpus, fast=item.fast)
    shards = corpus.table("shards")
    with token_file(path, item.dtype, encoder.eot) as writer:
        for batch in shards.batches(item.shard, kept.BATCH_ROWS, ["id", "text"]):
            append(pa.Table.from_batches([batch]), encoder, writer)
    assert writer.written is not None
    return writer.written


def _sweep(folder: Path, stems: set[str], finished: Sequence[Part]) -> None:
    """Removes token files of an earlier plan, and those that lost their index, or their ids; an index that is
    not the one that was written counts as lost, for no command but this one reads it."""
    there = {path for name in files.sizes(folder) if (path := folder / name).suffix in (".bin", ".idx")}
    for part in finished:
        idx = folder / Path(part.file).with_suffix(".idx")
        if idx in there and files.hash_file(files.here(idx)) != part.extra.get("index"):
            files.remove(idx)
            there.remove(idx)
    for path in sorted(there):
        other = path.with_suffix(".idx" if path.suffix == ".bin" else ".bin")
        if path.stem not in stems or other not in there:
            files.remove(path)
