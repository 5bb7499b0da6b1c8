"""Paragraphs that a domain repeats are taken out, counted, and nothing else is."""

from pathlib import Path

import numpy as np
import pytest

from pipelines import kept, paragraphs
from tests.dedup.conftest import Prose
from tests.dedup.corpora import Document, build_clusters, write_corpus
from webtext.corpus import Corpus
from webtext.dedup.paragraphs import FEWEST_DOCUMENTS, drop, paragraph_keys, repeated, without
from webtext.engine import Engine
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.manifest import Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.sections import Dedup, Filter

FOOTER = "Subscribe to our Newsletter!"
PAGES = 12


def recipe(share: float = 0.5, min_tokens: int = 5) -> Recipe:
    return Recipe(dedup=Dedup(paragraphs=share), filter=Filter(min_tokens=min_tokens))


def page(number: int, text: str, domain: str = "site.example") -> Document:
    return Document(number, text, link=f"https://{domain}/{number}")


@pytest.fixture
def site(prose: Prose) -> list[Document]:
    """Twelve pages of one domain, a footer on eight of them, in two spellings; on a ninth nothing but it."""
    made = []
    for number in range(PAGES):
        lines = [" ".join(prose(40)), " ".join(prose(40))]
        if number % 3:
            lines.insert(1, FOOTER if number % 2 else f"  {FOOTER.upper()}  ")
        made.append(page(number, "\n".join(lines)))
    return [*made, page(PAGES, f"{FOOTER}\n\n{FOOTER}")]


def build(corpus: Corpus, asked: Recipe, engine: Engine | None = None) -> Manifest | None:
    corpus.freeze(asked)
    build_clusters(corpus)
    return paragraphs.build(corpus, engine or InlineEngine(), asked, Progress(quiet=True))


def texts(corpus: Corpus) -> dict[int, str]:
    tables = [t for file in kept.partitions(corpus) for t in kept.documents(corpus, file, ["id", "text"])]
    return {int(row["id"], 16): row["text"] for table in tables for row in table.to_pylist()}


def test_a_repeated_paragraph_is_taken_out_wherever_it_stands_and_however_spelt(
    tmp_path: Path, site: list[Document]
) -> None:
    corpus = write_corpus(tmp_path, site, partitions=1)
    manifest = build(corpus, recipe())
    left = texts(corpus)
    assert all(FOOTER.lower() not in text.lower() for text in left.values())
    assert left[0] == site[0].text and left[1] == "\n".join(site[1].text.split("\n")[::2])
    assert manifest is not None
    assert paragraphs.summary(manifest) == {"documents": 9, "paragraphs": 10, "chars": 306, "dropped": 1}


def test_a_document_with_too_little_left_is_dropped_and_counted(tmp_path: Path, site: list[Document]) -> None:
    corpus = write_corpus(tmp_path, site, partitions=1)
    manifest = build(corpus, recipe())
    assert manifest is not None and manifest.counts.balanced
    assert manifest.counts.dropped == {"boilerplate": 1} and PAGES not in texts(corpus)


def test_below_the_share_nothing_is_taken_out(tmp_path: Path, site: list[Document]) -> None:
    corpus = write_corpus(tmp_path, site, partitions=1)
    build(corpus, recipe(share=0.9))
    assert texts(corpus) == {document.id: document.text for document in site}


def test_a_domain_of_a_few_documents_and_other_domains_are_left_alone(
    tmp_path: Path, site: list[Document], prose: Prose
) -> None:
    few = [
        page(100 + n, f"{' '.join(prose(30))}\n{FOOTER}", "few.example") for n in range(FEWEST_DOCUMENTS - 1)
    ]
    corpus = write_corpus(tmp_path, [*site, *few], partitions=1)
    build(corpus, recipe())
    assert all(texts(corpus)[document.id] == document.text for document in few)


def test_copies_of_one_page_do_not_make_its_paragraphs_boilerplate(tmp_path: Path, prose: Prose) -> None:
    text = "\n".join(" ".join(prose(30)) for _ in range(3))
    others = [page(n, " ".join(prose(60))) for n in range(100, 100 + FEWEST_DOCUMENTS)]
    corpus = write_corpus(tmp_path, [*(page(n, text) for n in range(50)), *others], partitions=1)
    build(corpus, recipe(share=0.2))
    assert texts(corpus)[0] == text


def test_it_is_off_by_default_and_what_it_left_goes_when_it_is_turned_off(
    tmp_path: Path, site: list[Document]
) -> None:
    corpus = write_corpus(tmp_path, site, partitions=1)
    assert build(corpus, Recipe()) is None and not corpus.table(paragraphs.TABLE).folder.exists()
    before = kept.hashes(corpus, corpus.recipe())
    build(corpus, recipe())
    assert kept.hashes(corpus, corpus.recipe()) != before
    build(corpus, Recipe())
    assert kept.hashes(corpus, corpus.recipe()) == before and texts(corpus)[1] == site[1].text


@pytest.mark.slow
def test_one_worker_or_two_and_few_keys_at_once_give_the_same_bytes(
    tmp_path: Path, site: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for workers, at_once in ((0, 5), (1, 4_000_000), (2, 4_000_000)):
        monkeypatch.setattr(paragraphs, "KEYS_AT_ONCE", at_once)
        corpus = write_corpus(tmp_path / str(workers), site, partitions=1)
        with LocalEngine(workers or 1) as engine:
            build(corpus, recipe(), engine if workers else None)
        folder = corpus.table(paragraphs.TABLE).folder
        results.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert results[0] == results[1] == results[2] and len(results[0]) == 2


def test_the_published_words_are_those_that_are_left(tmp_path: Path, site: list[Document]) -> None:
    corpus = write_corpus(tmp_path, site, partitions=1)
    build(corpus, recipe())
    (table,) = kept.documents(corpus, "part-00000.parquet", ["id", "words", "text"])
    assert len(table) == PAGES and set(table["words"].to_pylist()) == {80}


def test_a_line_without_a_word_is_never_repeated() -> None:
    keys = np.array(list(paragraph_keys("a.example", "one\n***\n\nOne!")), np.uint64)
    assert keys[1] == keys[2] == 0 and keys[0] == keys[3]
    found = repeated(keys[1:3], np.zeros(2, np.uint64), np.array([FEWEST_DOCUMENTS]), 0.1)
    assert without("one\n***\n", "a.example", found).removed == []
    assert drop("one\ntwo\nthree", [0, 2]).text == "two"


@pytest.mark.parametrize(("documents", "have", "found"), [(10, 6, [7]), (10, 5, []), (9, 9, [])])
def test_repeated_is_what_more_than_the_share_has_of_ten_documents_or_more(
    documents: int, have: int, found: list[int]
) -> None:
    keys = np.full(have, 7, np.uint64)
    assert repeated(keys, np.zeros(have, np.uint64), np.array([documents]), 0.5).tolist() == found
