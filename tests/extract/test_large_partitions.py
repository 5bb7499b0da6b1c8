"""A partition of more pages than a piece has, measured by several tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import documents, measuring, pieces, status
from tests.extract.test_documents_stage import PAGES
from tests.extract.web import crawled
from webtext.corpus import Corpus
from webtext.engine import Engine, Report, Task
from webtext.engine.inline import InlineEngine
from webtext.extract import libraries
from webtext.fingerprint import fingerprint, fingerprint_of_many
from webtext.manifest import Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe, override

FETCHED = 7


class Killed(Exception):
    pass


class Killing(InlineEngine):
    """Dies after so many pieces."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        for result in super().map(task, items, report):
            if task is pieces.write_piece:
                self.left -= 1
                if not self.left:
                    raise Killed
            yield result


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each table of pages that was measured; a piece has three."""
    counted: list[int] = []
    measure = measuring.measured_now

    def counting(corpus: Corpus, pages: pa.Table, section: Any) -> Iterator[pa.Table]:
        counted.append(pages.num_rows)
        return measure(corpus, pages, section)

    for module in (documents, pieces):
        monkeypatch.setattr(module, "measured_now", counting)
    monkeypatch.setattr(pieces, "PAGES", 3)
    return counted


def build(corpus: Corpus, *settings: str, engine: Engine | None = None) -> Manifest:
    recipe = override(Recipe(), settings)
    return documents.build(corpus, engine or InlineEngine(), recipe, Progress(quiet=True))


def test_pieces_give_the_bytes_of_a_whole_partition(tmp_path: Path, measured: list[int]) -> None:
    in_pieces = crawled(tmp_path / "pieces", PAGES)
    build(in_pieces)
    assert measured == [3, 3, 1]
    whole = crawled(tmp_path / "whole", PAGES)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pieces, "PAGES", FETCHED)
        build(whole)
    assert measured[3:] == [FETCHED]
    first, second = (corpus.table("documents").path(0).read_bytes() for corpus in (in_pieces, whole))
    assert first == second


@pytest.mark.usefixtures("measured")
def test_each_large_partition_is_put_together_of_its_own_pieces(tmp_path: Path) -> None:
    others = [replace(page, url=page.url.replace("://", "://other.")) for page in PAGES]
    corpus = crawled(tmp_path, PAGES, others)
    build(corpus)
    for number, pages in enumerate((PAGES, others)):
        urls = corpus.table("documents").read(f"part-{number:05d}.parquet", ["url"])["url"].to_pylist()
        assert sorted(urls) == sorted(page.url for page in pages if page.state == "fetched")


def test_a_killed_build_measures_no_piece_twice(tmp_path: Path, measured: list[int]) -> None:
    corpus = crawled(tmp_path, PAGES)
    with pytest.raises(Killed):
        build(corpus, engine=Killing(2))
    build(corpus)
    assert measured == [3, 3, 1]


def test_a_piece_that_is_there_already_is_told_as_done(tmp_path: Path, measured: list[int]) -> None:
    corpus = crawled(tmp_path, PAGES)
    partition = pieces.Partition(corpus.root, "part-00000.parquet", Recipe().extract)
    piece, *_ = pieces.divide(partition, lambda *_: None)
    told = list[int]()
    pieces.write_piece(piece, lambda count, *_: told.append(count))
    assert (sum(told), measured) == (3, [3])
    pieces.write_piece(piece, lambda count, *_: told.append(count))
    assert (sum(told), measured) == (6, [3])


@pytest.mark.usefixtures("measured")
def test_a_partition_names_the_libraries_of_all_its_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["1.0"]})
    corpus = crawled(tmp_path, PAGES)
    with pytest.raises(Killed):
        build(corpus, engine=Killing(2))
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["2.0"], "ftfy": ["6.0"]})
    build(corpus)
    assert libraries.of_files([corpus.table("documents").path(0)]) == {
        "ftfy": ["6.0"],
        "lxml": ["1.0", "2.0"],
    }


def test_a_damaged_piece_is_measured_again(tmp_path: Path, measured: list[int]) -> None:
    corpus = crawled(tmp_path, PAGES)
    with pytest.raises(Killed):
        build(corpus, engine=Killing(2))
    damaged = sorted(pieces.folder(corpus).iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    build(corpus)
    assert measured == [3, 3, 3, 1]


@pytest.mark.usefixtures("measured")
def test_status_tells_how_far_the_pieces_are(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    with pytest.raises(Killed):
        build(corpus, engine=Killing(2))
    (now,) = [row["now"] for row in status.stages(corpus, Recipe()) if row["stage"] == "documents"]
    assert now["total"] == FETCHED
    build(corpus)
    (row,) = [row for row in status.stages(corpus, Recipe()) if row["stage"] == "documents"]
    assert (row["now"], row["last_run"]["rows"]) == (None, FETCHED)


def test_pieces_of_another_recipe_are_not_taken(tmp_path: Path, measured: list[int]) -> None:
    corpus = crawled(tmp_path, PAGES)
    with pytest.raises(Killed):
        build(corpus, engine=Killing(3))
    build(corpus, "extract.favor=recall")
    assert measured == [3, 3, 1] * 2
    assert not list(corpus.table("documents").folder.rglob("*-*-*.parquet"))


def test_a_new_threshold_needs_no_pieces(tmp_path: Path, measured: list[int]) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    measured.clear()
    build(corpus, "filter.min_words=1")
    assert not measured


@given(st.lists(st.lists(st.none() | st.text() | st.integers()), max_size=5), st.lists(st.text(), max_size=3))
def test_the_fingerprint_of_many_is_that_of_their_list(rows: list[Any], parts: list[str]) -> None:
    assert fingerprint_of_many(iter(rows), *parts) == fingerprint(*parts, rows)
