"""tokens/tokenizer.json: trained on the corpus, GPT-2's own, or the user's."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from pipelines import kept
from train import streams
from webtext import files
from webtext.corpus import Corpus
from webtext.engine import Engine, Report
from webtext.errors import UserError
from webtext.fingerprint import fingerprint
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.shards import tokenizer
from webtext.shards.encode import Encoder, Fast, Reference, why_not_fast
from webtext.shards.layout import HASHES, TRAIN, Layout, order_key
from webtext.shards.tokens import DTYPES

VERSION = 1
TRAINING_BYTES = 512 << 20  # of text a vocabulary is trained on at most; bounds the trainer's memory
SAMPLE_PARTITIONS, SAMPLE_DOCUMENTS = 64, 8  # that show whether the fast encoder is right: some 2 MB of text


@dataclass(frozen=True)
class Vocabulary:
    """The corpus' tokenizer.json: what it was made from, its hash, and what a trainer must know of it."""

    key: str
    sha256: str
    vocab_size: int
    eot: int


def says(recipe: Recipe) -> list[Any]:
    """What the recipe says to the vocabulary."""
    setting = recipe.tokens.tokenizer
    if setting == "train":
        return [setting, recipe.tokens.vocab_size]
    if setting in tokenizer.GPT2_REPOSITORIES:
        return ["gpt2", tokenizer.GPT2_IDENTITY]
    return [files.hash_file(path) for path in tokenizer.files(Path(setting))]


def check(recipe: Recipe) -> None:
    """Raises UserError where the user's own vocabulary is not there, or is none."""
    if recipe.tokens.tokenizer not in ("train", *tokenizer.GPT2_REPOSITORIES):
        _own(recipe.tokens.tokenizer)


def _own(setting: str) -> Tokenizer:
    with streams.muted():
        return tokenizer.load(Path(setting))


def key(corpus: Corpus, recipe: Recipe) -> str:
    """The fingerprint of all that the vocabulary depends on; training it is deterministic."""
    if recipe.tokens.tokenizer != "train":
        return fingerprint(VERSION, says(recipe))
    shards = recipe.shards
    texts = [shards.seed, shards.validation, shards.test, kept.hashes(corpus, recipe)]
    return fingerprint(VERSION, says(recipe), texts)


def current(corpus: Corpus, recipe: Recipe) -> Vocabulary | None:
    """The vocabulary that stands in tokens/, if it is the one that the recipe asks for."""
    folder = corpus.table("tokens").folder
    try:
        vocabulary = Vocabulary(**json.loads(files.read_text(folder / "_tokenizer.json")))
        sha256 = hashlib.sha256(files.here(folder / "tokenizer.json").read_bytes()).hexdigest()
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return vocabulary if (vocabulary.key, vocabulary.sha256) == (key(corpus, recipe), sha256) else None


def make(corpus: Corpus, engine: Engine, recipe: Recipe, layout: Layout, progress: Progress) -> Vocabulary:
    """Makes tokens/tokenizer.json anew."""
    setting = recipe.tokens.tokenizer
    if setting == "train":
        made = _train(corpus, engine, recipe.tokens.vocab_size, layout, progress)
    else:
        made = tokenizer.gpt2() if setting in tokenizer.GPT2_REPOSITORIES else _own(setting)
    text = made.to_str()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    eot = tokenizer.end_of_text(made)
    vocabulary = Vocabulary(key(corpus, recipe), sha256, tokenizer.size(made), eot)
    folder = corpus.table("tokens").folder
    files.write_text(folder / "tokenizer.json", text)
    files.write_json(folder / "_tokenizer.json", asdict(vocabulary))
    return vocabulary


def check_ids_fit(vocabulary: Vocabulary, recipe: Recipe) -> None:
    """Raises UserError where ids of the vocabulary are beyond tokens.dtype."""
    setting, dtype = recipe.tokens.tokenizer, recipe.tokens.dtype
    if vocabulary.vocab_size > 1 << 8 * DTYPES[dtype].itemsize:
        raise UserError(
            f"tokens.tokenizer = {setting!r} has {vocabulary.vocab_size:,} entries, which tokens.dtype = "
            f'{dtype!r} cannot tell apart: set tokens.dtype to "uint32"'
        )


def encoder(corpus: Corpus, *, fast: bool) -> Encoder:
    """An encoder with the vocabulary that stands in tokens/."""
    return (Fast if fast else Reference)(_text(corpus))


def may_be_fast(corpus: Corpus, progress: Progress) -> bool:
    """Whether the fast encoder gives the right ids for a sample of the corpus; says so where it does not."""
    why_not = why_not_fast(_text(corpus), _sample(corpus))
    if why_not:
        progress.note(f"tokens: encoding with tokenizers, some thirty times slower: {why_not}")
    return not why_not


def _text(corpus: Corpus) -> str:
    return files.read_text(corpus.table("tokens").folder / "tokenizer.json")


def _sample(corpus: Corpus) -> list[str]:
    """The first kept documents of partitions all over the corpus, a few of each."""
    files = kept.partitions(corpus)
    texts: list[str] = []
    for file in files[:: -(-len(files) // SAMPLE_PARTITIONS)]:
        first = next(kept.documents(corpus, file, ["id", "text"]), None)
        texts += first["text"][:SAMPLE_DOCUMENTS].to_pylist() if first is not None else []
    return texts


@dataclass(frozen=True)
class Item:
    root: Path
    files: tuple[str, ...]  # partitions of documents
    layout: Layout
    sample: int  # documents whose order key is below this are trained on
    vocab_size: int
    threads: int


def train(item: Item, report: Report) -> str:
    """Trains on the train split, or on an even sample of it, as a task; returns the tokenizer.json."""
    return tokenizer.train(_texts(item, report), item.vocab_size, item.threads).to_str()


def _texts(item: Item, report: Report) -> Iterator[str]:
    for file in item.files:
        for rows in kept.documents(Corpus(item.root), file, ["id", "text"]):
            for id, text in zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True):
                if item.layout.split(id) == TRAIN and order_key(id, item.layout.seed) < item.sample:
                    yield text
            report(rows.num_rows, {})


def _train(corpus: Corpus, engine: Engine, vocab_size: int, layout: Layout, progress: Progress) -> Tokenizer:
    size = layout.bytes[TRAIN]
    sample = HASHES * min(TRAINING_BYTES, size) // size
    item = Item(corpus.root, tuple(kept.partitions(corpus)), layout, sample, vocab_size, engine.workers)
    with progress.bar("tokenizer", sum(layout.documents.values())) as report:
        (text,) = engine.map(train, [item], report)
    made = Tokenizer.from_str(text)
    if tokenizer.size(made) < vocab_size:
        progress.note(
            f"tokenizer: {tokenizer.size(made):,} entries instead of tokens.vocab_size = {vocab_size:,}: "
            "the corpus has no more pairs that repeat"
        )
    return made
