"""Personal data is masked in what is published, and only there."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines import shards
from tests.shards.corpora import make_corpus, make_docs
from webtext import recipe
from webtext.corpus import Corpus
from webtext.engine.local import LocalEngine
from webtext.progress import Progress

SECRET = "Write to bob@example.org or call (212) 555-0123 about it."


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as engine:
        yield engine


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    docs = make_docs(20)
    return make_corpus(tmp_path / "c", [replace(doc, text=f"{doc.text} {SECRET}") for doc in docs])


def built(corpus: Corpus, engine: LocalEngine, *settings: str) -> list[dict[str, Any]]:
    corpus.freeze(recipe.override(corpus.recipe(), settings))
    shards.build(corpus, engine, corpus.recipe(), Progress(quiet=True))
    files = sorted((corpus.root / "shards").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def test_masked_shards_agree_with_their_own_columns(corpus: Corpus, engine: LocalEngine) -> None:
    for row in built(corpus, engine, "filter.mask_pii=true"):
        assert "Write to <email> or call <phone> about it." in row["text"]
        assert row["words"] == len(row["text"].split())
        assert row["sha256"] == hashlib.sha256(row["text"].encode()).hexdigest()


def test_only_the_kinds_asked_for_are_masked(corpus: Corpus, engine: LocalEngine) -> None:
    for row in built(corpus, engine, 'filter.mask_pii=["phone"]'):
        assert "Write to bob@example.org or call <phone> about it." in row["text"]


def test_masking_can_be_undone_for_documents_keep_their_text(corpus: Corpus, engine: LocalEngine) -> None:
    before = built(corpus, engine)
    assert all(SECRET in row["text"] for row in before)
    assert built(corpus, engine, "filter.mask_pii=true") != before
    assert built(corpus, engine, "filter.mask_pii=false") == before
