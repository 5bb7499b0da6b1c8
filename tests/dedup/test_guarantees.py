"""What holds for every corpus, whatever its texts: checked against plain Python on generated ones."""

import resource
from collections import defaultdict
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import candidates, edges, ranks, resolve, scratch
from tests.dedup.conftest import Prose
from tests.dedup.corpora import Document, Row, build_clusters, files_of, read_clusters, write_corpus
from webtext.corpus import Corpus

WORDS = 2  # of a shingle: short, so that short texts have many
THRESHOLD = 0.6

# A few base texts, each repeated with some words changed, so that copies, cousins and chains abound.
edits = st.tuples(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 19), st.integers(0, 3)), max_size=6))
dates = st.one_of(st.none(), st.integers(2006, 2009))
corpora = st.lists(st.tuples(edits, dates, st.one_of(st.none(), st.integers(-1, 2))), min_size=1, max_size=25)


def documents_of(drawn: list[Any]) -> list[Document]:
    made = []
    for number, ((base, changes), posted, karma) in enumerate(drawn):
        words = [f"b{base}w{place}" for place in range(20)]
        for place, variant in changes:
            words[place] = f"v{variant}"
        made.append(Document(number * 7919 % 1009, " ".join(words), posted, karma))
    return made


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[place : place + WORDS]) for place in range(len(words) - WORDS + 1)}


def jaccard(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def place(document: Document) -> tuple[int, int, int]:
    karma = 99 if document.karma is None else -document.karma
    return document.posted or 9999, karma, document.id


def built(
    folders: pytest.TempPathFactory, documents: list[Document], partitions: int
) -> tuple[Corpus, dict[int, Row]]:
    corpus = write_corpus(folders.mktemp("corpus"), documents, partitions)
    build_clusters(corpus, shingle_words=WORDS, threshold=THRESHOLD, bands=16, rows=2)
    return corpus, read_clusters(corpus)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(corpora)
def test_a_dropped_document_is_as_similar_to_its_kept_one_as_the_threshold_demands(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Any]
) -> None:
    documents = {document.id: document for document in documents_of(drawn)}
    _, rows = built(tmp_path_factory, list(documents.values()), partitions=3)
    for id, row in rows.items():
        kept = documents[row["cluster"]]
        assert rows[kept.id]["kept"] and row["kept"] == (id == kept.id)
        assert row["similarity"] == jaccard(documents[id].text, kept.text) >= THRESHOLD
        assert place(kept) <= place(documents[id])


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(corpora)
def test_the_clusters_are_those_of_a_plain_loop_in_keep_order_over_the_verified_pairs(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Any]
) -> None:
    documents = documents_of(drawn)
    corpus, rows = built(tmp_path_factory, documents, partitions=2)
    similar = defaultdict(set)
    for edge in corpus.table("clusters/edges").dataset().to_table().to_pylist():
        similar[int(edge["b"], 16)].add(int(edge["a"], 16))
    order = sorted(documents, key=place)
    first_with: dict[str, int] = {}
    keeper: dict[int, int] = {}
    for document in order:
        first = first_with.setdefault(document.text, document.id)
        kept = [d.id for d in order if d.id in similar[document.id] and keeper[d.id] == d.id]
        keeper[document.id] = kept[0] if kept else keeper.get(first, document.id)
    assert {id: row["cluster"] for id, row in rows.items()} == keeper


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(corpora, st.integers(1, 2), st.integers(3, 5))
def test_the_partitions_do_not_change_who_stays(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Any], one: int, other: int
) -> None:
    documents = documents_of(drawn)
    assert built(tmp_path_factory, documents, one)[1] == built(tmp_path_factory, documents, other)[1]


@pytest.mark.parametrize("verify", ["exact", "signature"])
def test_how_much_is_sorted_at_once_changes_not_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prose: Prose, verify: str
) -> None:
    base = [" ".join(prose(60)) for _ in range(40)]
    texts = base + [text.title() for text in base[::2]] + [f"{text} more" for text in base[::3]]
    documents = [
        Document(n * 7919 % 1009, text, [None, 2008, 2009][n % 3], [None, 5][n % 2])
        for n, text in enumerate(texts)
    ]
    results = []
    for at_once in (1_000_000, 30):
        corpus = write_corpus(tmp_path / str(at_once), documents, partitions=4)
        monkeypatch.setattr(ranks, "SORT_DOCUMENTS", at_once)
        monkeypatch.setattr(ranks, "SAMPLE_DOCUMENTS", at_once)
        monkeypatch.setattr(candidates, "BAND_DOCUMENTS", at_once)
        monkeypatch.setattr(scratch, "FEWEST_GROUP_DOCUMENTS", at_once)
        monkeypatch.setattr(resolve, "EDGES_AT_ONCE", at_once)
        monkeypatch.setattr(resolve, "RANKS_AT_ONCE", at_once)
        build_clusters(corpus, verify=verify)
        results.append(files_of(corpus))
    assert results[0] == results[1]
    kinds = [row["duplicate"] for row in read_clusters(corpus).values()]
    assert (kinds.count("exact"), kinds.count("near")) == (20, 14)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by Linux' /proc")
def test_many_partitions_need_few_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prose: Prose
) -> None:
    base = [" ".join(prose(40)) for _ in range(35)]
    documents = [Document(n, text) for n, text in enumerate([*base, *(f"{text} more" for text in base)])]
    corpus = write_corpus(tmp_path, documents, partitions=len(documents))
    monkeypatch.setattr(scratch, "FEWEST_GROUP_DOCUMENTS", 1)  # else all were one group
    monkeypatch.setattr(edges, "OPEN_GROUPS", 10)
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 50, most))
    try:
        build_clusters(corpus)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    assert [row["duplicate"] for row in read_clusters(corpus).values()].count("near") == 35


@given(st.integers(1, 5_000), st.lists(st.integers(0, 2**64 - 1) | st.just(2**64 - 1), min_size=1))
def test_the_shares_of_hashes_lie_one_after_the_other(shares: int, hashes: list[int]) -> None:
    limits = [ranks.share_limits(number, shares) for number in range(shares)]
    assert limits[0][0] == 0 and limits[-1][1] == 2**64 - 1
    assert all(int(before[1]) + 1 == int(after[0]) for before, after in pairwise(limits))
    values = np.array(hashes, np.uint64)
    for value, number in zip(hashes, ranks.share_of(values, shares).tolist(), strict=True):
        assert limits[number][0] <= value <= limits[number][1]


def test_what_the_generated_corpora_contain_is_worth_the_checks() -> None:
    """Else the properties above might hold of nothing."""
    drawn = [((0, [(place, 0) for place in range(0, 3 * n, 3)]), None, None) for n in range(7)]
    texts = [document.text for document in documents_of(drawn)]
    found = [jaccard(one, other) for one, other in combinations(texts, 2)]
    assert min(found) < THRESHOLD < max(found)
