"""What each table from the signatures on depends on: another setting, or another table before it, makes its
partitions be made again, and nothing else does. A key that leaves something out gives stale results."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

import pytest

from pipelines import (
    census,
    clusters,
    decontamination,
    edges,
    ledger,
    paragraphs,
    shards,
    signatures,
    tokens,
    vocabulary,
)
from pipelines.scratch import SIGNATURES, Item
from tests.shards.corpora import make_corpus, make_docs
from webtext import recipe
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.shards.tokens import TokenFile
from webtext.stage import Plan

QUIET = Progress(quiet=True)
READ = ["pages", "documents", "clusters", paragraphs.TABLE, decontamination.TABLE]  # by the ledger


def _edges(corpus: Corpus, asked: Recipe) -> Plan:
    return edges.plan(corpus, Item(corpus.root, Path(), asked.dedup))


PLANS: dict[str, Callable[[Corpus, Recipe], Plan]] = {
    SIGNATURES: signatures.plan,
    edges.TABLE: _edges,
    "clusters": clusters.plan,
    paragraphs.TABLE: paragraphs.plan,
    decontamination.TABLE: decontamination.plan,
    "shards": shards.plan,
    "tokens": tokens.plan,
    "ledger": lambda corpus, _: ledger.plan(corpus, READ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """With all tables up to the shards, optional ones too; of signatures and shards only the manifests."""
    folder = tmp_path_factory.mktemp("stale")
    (folder / "test.txt").write_text("eight words of a test set are enough here\n")
    settings = [f'shards.decontaminate=["{folder / "test.txt"}"]', "dedup.paragraphs=0.5"]
    corpus = make_corpus(folder / "c", make_docs(12), settings)
    paragraphs.build(corpus, InlineEngine(), corpus.recipe(), QUIET)
    decontamination.build(corpus, InlineEngine(), corpus.recipe(), QUIET)
    publish(corpus, SIGNATURES, Part("part-00000.parquet", "key", 12, 1, "hash", Counts(12, 12)))
    made = {"tokens": asdict(TokenFile(9, 1, 9, "uint16", "sha256", "index"))}
    publish(corpus, "shards", Part("train-00000-of-00001.parquet", "key", 1, 1, "hash", Counts(1, 1), made))
    return corpus


@pytest.fixture
def corpus(made: Corpus, tmp_path: Path) -> Corpus:
    return Corpus(Path(shutil.copytree(made.root, tmp_path / "c")))


def publish(corpus: Corpus, name: str, *parts: Part) -> None:
    corpus.table(name).publish(Manifest(name, 1, "", "", parts, sum((p.counts for p in parts), Counts())))


def keys(corpus: Corpus, table: str, *settings: str) -> set[str]:
    return {work.key for work in PLANS[table](corpus, recipe.override(corpus.recipe(), settings)).works}


@pytest.mark.parametrize(
    ("table", "setting"),
    [
        (SIGNATURES, "dedup.methods=[]"),
        (SIGNATURES, 'dedup.fold=["case"]'),
        (SIGNATURES, "dedup.shingle_words=4"),
        (SIGNATURES, "dedup.permutations=256"),
        (SIGNATURES, "dedup.bands=8"),
        (SIGNATURES, "dedup.rows=4"),
        (SIGNATURES, "dedup.verify=signature"),
        (edges.TABLE, 'dedup.methods=["exact"]'),
        (edges.TABLE, 'dedup.fold=["case"]'),
        (edges.TABLE, "dedup.shingle_words=4"),
        (edges.TABLE, "dedup.bands=8"),
        (edges.TABLE, "dedup.threshold=0.9"),
        (edges.TABLE, "dedup.verify=signature"),
        ("clusters", 'dedup.methods=["near"]'),
        ("clusters", "dedup.threshold=0.9"),
        ("clusters", "dedup.verify=signature"),
        (paragraphs.TABLE, "dedup.paragraphs=0.6"),
        (paragraphs.TABLE, "filter.min_tokens=9"),
        (decontamination.TABLE, "shards.decontaminate_threshold=0.6"),
        (decontamination.TABLE, "filter.mask_pii=true"),
        ("shards", "filter.mask_pii=true"),
        ("shards", 'filter.mask_pii=["email"]'),
        ("shards", "shards.seed=1"),
        ("shards", "shards.validation=0.2"),
        ("shards", "shards.test=0.2"),
        ("shards", "tokens.vocab_size=401"),
        ("shards", "tokens.tokenizer=gpt2"),
        ("tokens", "tokens.dtype=uint32"),
        ("tokens", "tokens.vocab_size=401"),
        ("tokens", "tokens.tokenizer=gpt2"),
    ],
)
def test_a_setting_makes_stale_what_it_decides(corpus: Corpus, table: str, setting: str) -> None:
    assert keys(corpus, table).isdisjoint(keys(corpus, table, setting))


@pytest.mark.parametrize("setting", ["shards.seed=1", "shards.validation=0.2", "shards.test=0.2"])
def test_another_split_makes_shards_stale_though_the_vocabulary_is_given(
    corpus: Corpus, setting: str
) -> None:
    given = "tokens.tokenizer=gpt2"
    assert keys(corpus, "shards", given).isdisjoint(keys(corpus, "shards", given, setting))


def test_other_counts_before_them_make_the_card_stale_and_no_shard(corpus: Corpus) -> None:
    known, pages = shards.plan(corpus, corpus.recipe()), corpus.table("pages").published()
    more = pages.counts + Counts(1, 0, 0, {"dns": 1})
    corpus.table("pages").publish(replace(pages, counts=more))
    again = shards.plan(corpus, corpus.recipe())
    assert again.inputs != known.inputs and again.works == known.works


@pytest.mark.parametrize(
    ("table", "setting"),
    [
        (SIGNATURES, "dedup.threshold=0.9"),
        (SIGNATURES, "dedup.paragraphs=0"),
        ("clusters", "dedup.paragraphs=0"),
        (paragraphs.TABLE, "filter.mask_pii=true"),
        ("shards", "shards.decontaminate_threshold=0.6"),  # it decides which documents there are
        ("shards", "tokens.dtype=uint32"),
    ],
)
def test_a_setting_leaves_alone_what_it_does_not_decide(corpus: Corpus, table: str, setting: str) -> None:
    assert keys(corpus, table) == keys(corpus, table, setting)


@pytest.mark.parametrize(
    ("table", "before"),
    [
        (SIGNATURES, "documents"),
        (SIGNATURES, "links"),
        (edges.TABLE, SIGNATURES),
        ("clusters", "documents"),
        ("clusters", "links"),
        (paragraphs.TABLE, "documents"),
        (paragraphs.TABLE, "clusters"),
        (decontamination.TABLE, "documents"),
        (decontamination.TABLE, "clusters"),
        (decontamination.TABLE, paragraphs.TABLE),
        ("shards", "links"),
        ("shards", "pages"),
        ("shards", "documents"),
        ("shards", "clusters"),
        ("shards", paragraphs.TABLE),
        ("shards", decontamination.TABLE),
        ("tokens", "shards"),
        *(("ledger", name) for name in ["links", *READ]),
    ],
)
def test_another_table_before_it_makes_a_table_stale(corpus: Corpus, table: str, before: str) -> None:
    known = keys(corpus, table)
    change(corpus, before)
    assert known.isdisjoint(keys(corpus, table))


def change(corpus: Corpus, name: str) -> None:
    """Publishes a table as if all its partitions were others."""
    parts = corpus.table(name).published().partitions
    others = [replace(part, hash="other", extra=part.extra | {"file_hash": "other"}) for part in parts]
    publish(corpus, name, *others)


@pytest.mark.parametrize(
    ("module", "name"),
    [(signatures, "VERSION"), (edges, "VERSION"), (clusters, "ALGORITHM"), (clusters, "UNICODE_VERSION")],
)
def test_another_version_of_what_clusters_are_made_by_makes_them_stale(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    known = keys(corpus, "clusters")
    monkeypatch.setattr(module, name, "another")
    assert known.isdisjoint(keys(corpus, "clusters"))


def test_the_ledger_is_of_the_tables_that_are_current_and_of_what_is_published(corpus: Corpus) -> None:
    known = [ledger.plan(corpus, tables).works[0].key for tables in (READ, READ[:1], [*READ, "shards"])]
    assert len(set(known)) == 3


@pytest.mark.parametrize("setting", ["shards.seed=1", "shards.validation=0.4", "shards.test=0.4"])
def test_documents_are_counted_anew_for_another_split(corpus: Corpus, setting: str) -> None:
    census.take(corpus, InlineEngine(), corpus.recipe().shards, QUIET)
    asked = recipe.override(corpus.recipe(), [setting]).shards
    again = census.take(corpus, InlineEngine(), asked, QUIET)
    (corpus.table("shards").folder / "_census.json").unlink()
    assert again == census.look(corpus, asked)


@pytest.mark.parametrize("before", ["documents", "clusters", paragraphs.TABLE, decontamination.TABLE])
def test_a_vocabulary_is_of_the_documents_that_it_was_trained_on(corpus: Corpus, before: str) -> None:
    known = vocabulary.key(corpus, corpus.recipe())
    change(corpus, before)
    assert vocabulary.key(corpus, corpus.recipe()) != known


@pytest.mark.parametrize(
    "setting",
    ["shards.seed=1", "shards.validation=0.2", "shards.test=0.2", "filter.mask_pii=true"],
)
def test_a_vocabulary_is_trained_anew_where_other_texts_are_for_training(
    corpus: Corpus, setting: str
) -> None:
    asked = recipe.override(corpus.recipe(), [setting])
    assert vocabulary.key(corpus, asked) != vocabulary.key(corpus, corpus.recipe())


def test_a_users_own_vocabulary_is_known_by_what_is_in_its_file(corpus: Corpus, tmp_path: Path) -> None:
    mine = tmp_path / "tokenizer.json"
    asked = recipe.override(corpus.recipe(), [f"tokens.tokenizer={mine}"])
    known = set()
    for content in ("{}", "{ }"):
        mine.write_text(content)
        known.add(vocabulary.key(corpus, asked))
    assert len(known) == 2
