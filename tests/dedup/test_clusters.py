"""Who duplicates whom, and who stays."""

import time
from pathlib import Path

import pytest

from pipelines import clusters
from tests.dedup.conftest import Prose
from tests.dedup.corpora import Document, build_clusters, clusters_of, read_clusters, write_corpus
from webtext import stage
from webtext.recipe import Recipe
from webtext.sections import Dedup


def changed(words: list[str], *places: int) -> str:
    """The words with some replaced: 5 shingles each are lost."""
    return " ".join(f"new{place}" if place in places else word for place, word in enumerate(words))


def test_a_document_that_has_no_twin_keeps_itself(tmp_path: Path, prose: Prose) -> None:
    rows = clusters_of(tmp_path, Document(1, " ".join(prose(50))), Document(2, " ".join(prose(50))))
    assert rows[2] == {"id": f"{2:016x}", "cluster": 2, "kept": True, "duplicate": "none", "similarity": 1.0}


def test_exact_copies_differ_in_case_space_and_punctuation_only(tmp_path: Path, prose: Prose) -> None:
    words = prose(50)
    rows = clusters_of(tmp_path, Document(1, " ".join(words)), Document(2, "“" + ",\n".join(words).upper()))
    assert rows[1]["kept"]
    assert rows[2] | {"id": ""} == {
        "id": "", "cluster": 1, "kept": False, "duplicate": "exact", "similarity": 1.0
    }  # fmt: skip


def test_a_near_copy_is_dropped_with_its_exact_similarity(tmp_path: Path, prose: Prose) -> None:
    words = prose(200)  # 196 shingles, of which 5 change
    rows = clusters_of(tmp_path, Document(1, " ".join(words)), Document(2, changed(words, 100)))
    assert (rows[2]["cluster"], rows[2]["duplicate"]) == (1, "near")
    assert rows[2]["similarity"] == 191 / 201


def test_a_cousin_below_the_threshold_stays(tmp_path: Path, prose: Prose) -> None:
    words = prose(100)  # 96 shingles, 15 change: 81 / 111 = 0.73
    documents = Document(1, " ".join(words)), Document(2, changed(words, 20, 50, 80))
    assert clusters_of(tmp_path / "a", *documents)[2]["kept"]
    assert clusters_of(tmp_path / "b", *documents, threshold=0.7)[2]["duplicate"] == "near"


def test_a_similarity_of_just_the_threshold_is_enough(tmp_path: Path) -> None:
    one, other = (" ".join(f"w{n}" for n in range(begin, begin + 9)) for begin in (0, 1))
    rows = clusters_of(tmp_path, Document(1, one), Document(2, other), shingle_words=1, threshold=0.8)
    assert rows[2]["similarity"] == 0.8 and not rows[2]["kept"]


def test_a_chain_of_weak_links_swallows_no_one(tmp_path: Path, prose: Prose) -> None:
    words = prose(200)
    a, b, c = " ".join(words), changed(words, 10, 30, 50), changed(words, 10, 30, 50, 70, 90, 110)
    rows = clusters_of(tmp_path, Document(1, a), Document(2, b), Document(3, c))
    assert [rows[n]["kept"] for n in (1, 2, 3)] == [True, False, True]


def test_of_several_kept_ones_the_first_in_keep_order_gets_the_document(tmp_path: Path, prose: Prose) -> None:
    words = prose(200)
    a, c = changed(words, 10, 30, 50), changed(words, 70, 90)
    rows = clusters_of(
        tmp_path, Document(9, a, 2001), Document(3, c, 2002), Document(1, " ".join(words), 2003)
    )
    assert rows[9]["kept"] and rows[3]["kept"] and rows[1]["cluster"] == 9


@pytest.mark.parametrize(
    ("documents", "kept"),
    [
        ([(1, 2012, 9), (2, 2011, 3), (3, 2013, 99)], 2),  # the earliest submission
        ([(1, 2011, 4), (2, 2011, 5), (3, 2011, None)], 2),  # then the higher karma
        ([(3, 2011, 5), (2, 2011, 5), (4, 2011, 5)], 2),  # then the smaller id
        ([(1, None, 99), (2, 2015, None)], 2),  # unknown dates come last
        ([(1, None, None), (2, None, -5)], 2),  # unknown karma comes last
    ],
)
@pytest.mark.parametrize("copies", ["exact", "near"])
def test_the_earliest_is_kept_then_the_one_with_more_karma_then_the_smaller_id(
    tmp_path: Path, prose: Prose, documents: list[tuple[int, int | None, int | None]], kept: int, copies: str
) -> None:
    words = prose(200)
    texts = [changed(words, n) if copies == "near" else " ".join(words) for n in range(len(documents))]
    rows = clusters_of(
        tmp_path,
        *(
            Document(id, text, posted, karma)
            for (id, posted, karma), text in zip(documents, texts, strict=True)
        ),
    )
    assert {row["cluster"] for row in rows.values()} == {kept}


def test_a_copy_of_a_dropped_document_is_as_near_as_that(tmp_path: Path, prose: Prose) -> None:
    words = prose(200)
    near = changed(words, 100)
    rows = clusters_of(
        tmp_path, Document(1, " ".join(words), 2001), Document(2, near, 2002), Document(3, near.upper(), 2003)
    )
    assert (rows[3]["cluster"], rows[3]["duplicate"]) == (1, "near")
    assert rows[3]["similarity"] == rows[2]["similarity"] == 191 / 201


@pytest.mark.parametrize(
    ("methods", "kinds"),
    [
        ([], ["none", "none", "none"]),
        (["exact"], ["none", "exact", "none"]),
        (["near"], ["none", "near", "near"]),
        (["exact", "near"], ["none", "exact", "near"]),
    ],
)
def test_each_method_finds_its_kind_of_duplicate(
    tmp_path: Path, prose: Prose, methods: list[str], kinds: list[str]
) -> None:
    words = prose(200)
    texts = " ".join(words), " ".join(words).upper(), changed(words, 100)
    documents = [Document(n, text) for n, text in enumerate(texts)]
    rows = clusters_of(tmp_path, *documents, methods=methods)
    assert [rows[n]["duplicate"] for n in range(3)] == kinds


def test_signatures_may_verify_instead_of_shingles(tmp_path: Path, prose: Prose) -> None:
    words = prose(400)
    documents = (
        Document(1, " ".join(words)),
        Document(2, changed(words, 100)),
        Document(3, " ".join(prose(9))),
    )
    rows = clusters_of(tmp_path, *documents, verify="signature")
    assert rows[2]["cluster"] == 1 and rows[2]["similarity"] == pytest.approx(391 / 401, abs=0.05)
    assert rows[2]["similarity"] * 128 % 1 == 0


def test_languages_without_spaces_have_near_duplicates_too(tmp_path: Path) -> None:
    text = "".join(chr(0x4E00 + (n * n * 7919) % 3000) for n in range(300))
    rows = clusters_of(tmp_path, Document(1, text), Document(2, text[:150] + "新" + text[150:]))
    assert rows[2]["duplicate"] == "near" and rows[2]["similarity"] == 292 / 301


def test_texts_without_words_are_compared_by_their_characters(tmp_path: Path) -> None:
    texts = ["two words", "Two, words", "other words", "", "", "* * *", "→", "two words and three"]
    rows = clusters_of(tmp_path, *(Document(n, text) for n, text in enumerate(texts)))
    assert [rows[n]["cluster"] for n in range(len(texts))] == [0, 0, 2, 3, 3, 5, 6, 7]


def test_documents_that_were_refused_are_not_there(tmp_path: Path, prose: Prose) -> None:
    text = " ".join(prose(50))
    rows = clusters_of(tmp_path, Document(1, text, verdict="too_short"), Document(2, text))
    assert rows.keys() == {2} and rows[2]["kept"]


@pytest.mark.parametrize("verdicts", [["keep", "too_short"], ["too_short", "too_short"]])
@pytest.mark.parametrize("verify", ["exact", "signature"])
def test_partitions_may_be_empty(tmp_path: Path, verdicts: list[str], verify: str) -> None:
    documents = [Document(n, "some text", verdict=verdict) for n, verdict in enumerate(verdicts)]
    assert len(clusters_of(tmp_path, *documents, verify=verify)) == verdicts.count("keep")


def test_counts_balance_and_the_tables_are_in_order(tmp_path: Path, prose: Prose) -> None:
    words = prose(200)
    texts = [" ".join(words), changed(words, 1), changed(words, 2), " ".join(words), " ".join(prose(50))]
    corpus = write_corpus(tmp_path, [Document(n, text) for n, text in enumerate(texts)], partitions=3)
    counts = build_clusters(corpus).counts
    assert counts.balanced and (counts.into, counts.out) == (5, 2)
    assert counts.dropped == {"exact": 1, "near": 2}
    manifest = corpus.table("clusters").manifest()
    assert manifest is not None
    for part in manifest.partitions:
        ids = corpus.table("clusters").read(part.file, ["id"])["id"].to_pylist()
        assert ids == sorted(ids)
    edges = corpus.table("clusters/edges").dataset().to_table().to_pylist()
    places = [(row["rank_b"], row["rank_a"]) for row in edges]
    assert len(places) == 3 and places == sorted(set(places)) and all(b > a for b, a in places)


def test_thousands_of_copies_cost_what_thousands_of_pages_cost(tmp_path: Path, prose: Prose) -> None:
    text = " ".join(prose(50))
    started = time.process_time()
    rows = clusters_of(tmp_path, *(Document(n, text) for n in range(8_000)))
    assert time.process_time() - started < 5
    assert sum(row["kept"] for row in rows.values()) == 1


def test_a_thousand_variants_of_one_page_are_not_compared_with_each_other(
    tmp_path: Path, prose: Prose
) -> None:
    words = prose(40)
    corpus = write_corpus(tmp_path, [Document(n, " ".join([*words, f"v{n}"])) for n in range(1_000)])
    build_clusters(corpus)
    manifest = corpus.table("clusters/edges").manifest()
    assert manifest is not None
    (edges,) = manifest.partitions
    assert edges.extra["candidates"] < 40 * 1_000
    assert sum(row["kept"] for row in read_clusters(corpus).values()) == 1


def test_a_second_run_does_nothing_and_a_new_threshold_only_what_it_must(
    tmp_path: Path, prose: Prose
) -> None:
    corpus = write_corpus(tmp_path, [Document(n, " ".join(prose(50))) for n in range(9)])
    build_clusters(corpus)
    signatures = corpus.table("clusters/signatures").folder / "part-00000.parquet"
    written = signatures.stat().st_mtime_ns
    assert stage.standing(corpus, clusters.plan(corpus, Recipe())).current
    stricter = Recipe(dedup=Dedup(threshold=0.9))
    assert not stage.standing(corpus, clusters.plan(corpus, stricter)).current
    build_clusters(corpus, threshold=0.9)
    assert signatures.stat().st_mtime_ns == written
    assert stage.standing(corpus, clusters.plan(corpus, stricter)).current


def test_no_scratch_is_left(tmp_path: Path, prose: Prose) -> None:
    corpus = write_corpus(tmp_path, [Document(n, " ".join(prose(50))) for n in range(9)])
    build_clusters(corpus)
    assert sorted(path.name for path in corpus.table("clusters").folder.iterdir()) == [
        "_manifest.json", "edges", "part-00000.parquet", "part-00001.parquet", "signatures"
    ]  # fmt: skip
