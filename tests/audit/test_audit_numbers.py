"""The numbers of report.json are those of the planted corpus: 26 links, 50 submissions."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines import audit
from webtext import files
from webtext.audit.sections import domains, duplicates, posting, tokens
from webtext.audit.source import Source
from webtext.corpus import Corpus
from webtext.progress import Progress


@pytest.fixture(scope="module")
def numbers(planted: Corpus) -> dict[str, Any]:
    return audit.run(planted, None, Progress(quiet=True))


def _counts(stage: dict[str, Any]) -> dict[str, int]:
    return {drop["reason"]: drop["count"] for drop in stage["dropped"]}


def test_the_attrition_follows_the_manifests_from_submissions_to_shards(numbers: dict[str, Any]) -> None:
    stages = {
        s["table"]: (s["in"], s["merged"], _counts(s), s["out"]) for s in numbers["attrition"]["stages"]
    }
    assert stages == {
        "links": (50, 10, {"karma": 11, "self_post": 2, "bad_url": 1}, 26),
        "pages": (26, 0, {"not_found": 3, "robots": 1}, 22),
        "documents": (22, 0, {"language": 3, "too_short": 2, "no_text": 1}, 16),
        "clusters": (16, 0, {"exact": 3, "near": 1}, 12),
        "shards": (12, 0, {}, 12),
    }
    assert numbers["attrition"]["broken"] == []


def test_the_headline_counts_go_from_submissions_to_tokens(numbers: dict[str, Any]) -> None:
    counts = {row["name"]: row["count"] for row in numbers["summary"]}
    assert counts == {
        "submissions": 50,
        "links": 26,
        "pages fetched": 22,
        "texts passed": 16,
        "documents published": 12,
        "tokens": 2 * (550 + 2000),
    }


def test_a_reason_has_its_share_its_sentence_and_the_links_with_the_smallest_ids(
    numbers: dict[str, Any], plant: SimpleNamespace
) -> None:
    language = numbers["attrition"]["stages"][2]["dropped"][0]
    assert language["share"] == pytest.approx(3 / 22, abs=1e-6)
    assert language["sentence"] == "the text is not in one of filter.languages, or not surely enough"
    french = sorted((link.id, link.url) for link in plant.links() if link.fate == "language")
    assert [(row["id"], row["url"]) for row in language["examples"]] == french
    assert language["examples"][0]["detail"] == "fr 0.99"


def test_a_submission_that_never_became_a_link_has_what_its_source_remembers_as_example(
    numbers: dict[str, Any],
) -> None:
    bad_url = numbers["attrition"]["stages"][0]["dropped"][2]
    assert [row["url"] for row in bad_url["examples"]] == ["http://[broken"]


def test_a_source_is_named_by_its_file_with_its_share_of_drops_and_where_it_broke(
    numbers: dict[str, Any],
) -> None:
    assert numbers["attrition"]["sources"] == [
        {
            "source": "RS_2012-03.zst",
            "submissions": 50,
            "dropped": 14,
            "dropped_share": 0.28,
            "broken": "the frame ends too early",
        }
    ]


def test_every_link_is_in_one_state(numbers: dict[str, Any]) -> None:
    states = {"duplicate": 4, "filtered": 5, "kept": 12, "unextractable": 1, "unfetched": 4}
    assert numbers["attrition"]["states"] == states


def test_a_domain_has_its_links_pages_documents_and_share_of_the_tokens(numbers: dict[str, Any]) -> None:
    found = {row["domain"]: row for row in numbers["domains"]["top"]}
    assert found["news.example"] == {
        "domain": "news.example",
        "links": 5,
        "fetched": 5,
        "kept": 2,
        "documents": 2,
        "words": 2000,
        "tokens": 4000,
        "share_of_links": pytest.approx(5 / 26, abs=1e-6),
        "share_of_tokens": pytest.approx(4000 / 5100, abs=1e-6),
    }
    assert (found["gone.example"]["links"], found["gone.example"]["fetched"]) == (3, 0)
    assert (found["shy.example"]["fetched"], found["fr.example"]["kept"]) == (0, 0)
    assert numbers["domains"]["distinct"] == 5
    assert numbers["domains"]["distinct_published"] == 2


def test_the_concentration_is_the_share_of_the_largest_domains(numbers: dict[str, Any]) -> None:
    of_links = {point["rank"]: point["share"] for point in numbers["domains"]["concentration"]["links"]}
    assert of_links == {1: pytest.approx(14 / 26, abs=1e-6), 2: pytest.approx(19 / 26, abs=1e-6), 5: 1.0}
    of_tokens = numbers["domains"]["concentration"]["tokens"]
    assert of_tokens[0] == {"rank": 1, "share": pytest.approx(4000 / 5100, abs=1e-6)}


def test_languages_are_those_of_extracted_texts_with_the_share_that_passes(numbers: dict[str, Any]) -> None:
    english, french = numbers["languages"]["top"]
    assert numbers["languages"]["documents"] == 21  # one page has no text
    assert (english["language"], english["documents"], english["passed"]) == ("en", 18, 16)
    assert english["passed_share"] == pytest.approx(16 / 18, abs=1e-6)
    assert (french["documents"], french["passed_share"]) == (3, 0)


def test_lengths_have_percentiles_and_a_histogram_before_and_after_the_filters(
    numbers: dict[str, Any],
) -> None:
    lengths = numbers["lengths"]
    assert {name: found["count"] for name, found in lengths.items()} == {
        "words_extracted": 21,
        "words_passed": 16,
        "words_refused": 5,
        "words_published": 12,
        "tokens_published": 12,
    }
    published = lengths["words_published"]
    assert (published["min"], published["max"], published["sum"]) == (10, 1000, 2550)
    assert published["percentiles"]["p50"] == 60  # of 10, 20 … 100, 1000, 1000
    assert {"from": 1000, "below": 1585, "count": 2} in published["histogram"]


def test_duplicates_are_counted_by_kind_and_cluster(numbers: dict[str, Any]) -> None:
    found = numbers["duplicates"]
    assert (found["documents"], found["kept"]) == (16, 12)
    assert found["kinds"] == {"exact": 3, "near": 1}
    assert found["shares"] == {"exact": 3 / 16, "near": 1 / 16}
    assert found["clusters"] == 2
    assert [(bucket["from"], bucket["count"]) for bucket in found["sizes"]] == [(2, 1), (3, 0), (4, 1)]
    assert found["similarity"] == [{"from": 0.84, "below": 0.86, "count": 1}]


def test_a_similarity_on_the_border_of_two_steps_belongs_to_the_upper_one(
    plant: SimpleNamespace, tmp_path: Path
) -> None:
    kept, alike = "http://a.example/1", "http://a.example/2"
    links = [plant.link(kept), plant.link(alike, "near", of=kept, similarity=0.58)]
    numbers = duplicates.measure(Source(plant.corpus(tmp_path / "corpus", links)))
    assert numbers["similarity"] == [{"from": 0.58, "below": 0.6, "count": 1}]


def test_texts_that_are_all_alike_are_not_said_to_be_more_than_that(
    plant: SimpleNamespace, tmp_path: Path
) -> None:
    kept, alike = "http://a.example/1", "http://a.example/2"
    links = [plant.link(kept), plant.link(alike, "near", of=kept, similarity=1.0)]
    shown = str(duplicates.view(duplicates.measure(Source(plant.corpus(tmp_path / "corpus", links)))))
    assert "<svg" in shown and "1.02" not in shown


def test_the_largest_cluster_names_the_url_that_is_kept_and_those_dropped(numbers: dict[str, Any]) -> None:
    largest = numbers["duplicates"]["largest"][0]
    assert (largest["size"], largest["url"]) == (4, "http://news.example/0")
    assert {row["url"] for row in largest["dropped"]} == {f"http://news.example/copy{n}" for n in range(3)}


def test_of_the_largest_clusters_the_members_with_the_smallest_ids_are_named(
    planted: Corpus, plant: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "LARGEST", 1)
    monkeypatch.setattr(duplicates, "MEMBERS", 2)
    (cluster,) = duplicates.measure(Source(planted))["largest"]
    copies = sorted(link.id for link in plant.links() if link.fate == "exact")
    assert (cluster["size"], [row["id"] for row in cluster["dropped"]]) == (4, copies[:2])


def test_domains_with_most_links_and_those_with_most_text_are_named(
    planted: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domains, "TOP", 1)
    top = domains.measure(Source(planted))["top"]
    assert [row["domain"] for row in top] == ["news.example", "site.example"]


def test_tokens_have_their_rates(numbers: dict[str, Any], plant: SimpleNamespace) -> None:
    text_bytes = sum(len(link.text.encode()) for link in plant.links() if link.fate == "kept")
    tokens = numbers["tokens"]
    assert tokens["vocab_size"] == 512
    assert tokens["splits"]["train"] == tokens["all"] | {"files": 1}
    assert tokens["all"] == {
        "documents": 12,
        "tokens": 5100,
        "bytes": text_bytes,
        "bytes_per_token": round(text_bytes / 5100, 4),
        "tokens_per_document": 425,
    }


def test_tokens_are_summed_over_the_files_of_splits_that_have_some(
    plant: SimpleNamespace, tmp_path: Path
) -> None:
    corpus = plant.corpus(tmp_path / "corpus", [plant.link("http://a.example/")])
    one, two = ({"documents": n, "tokens": 10 * n, "bytes": 45 * n} for n in (1, 2))
    splits = {"train": {"files": [one, two]}, "validation": {"files": [two]}, "test": {"files": []}}
    index = {"tokenizer": {"vocab_size": 512}, "dtype": "uint16", "splits": splits}
    files.write_json(corpus.table("tokens").folder / "index.json", index)
    found = tokens.measure(Source(corpus))
    rates = {"bytes_per_token": 4.5, "tokens_per_document": 10}
    assert found["splits"] == {
        "train": {"files": 2, "documents": 3, "tokens": 30, "bytes": 135} | rates,
        "validation": {"files": 1, "documents": 2, "tokens": 20, "bytes": 90} | rates,
    }
    assert found["all"] == {"documents": 5, "tokens": 50, "bytes": 225} | rates


def test_karma_is_that_of_links_and_sources_without_scores_are_unknown(numbers: dict[str, Any]) -> None:
    karma = numbers["posting"]["karma"]
    assert (karma["count"], karma["unknown"], karma["min"], karma["max"]) == (23, 3, 1, 10)


def test_months_are_those_of_the_first_submission_in_utc(numbers: dict[str, Any]) -> None:
    assert numbers["posting"]["months"] == [
        {"month": "2012-03", "links": 24, "kept": 10},
        {"month": "2013-01", "links": 2, "kept": 2},
    ]


def test_a_link_posted_in_two_subreddits_counts_in_both(numbers: dict[str, Any]) -> None:
    found = {row["subreddit"]: row for row in numbers["posting"]["top_subreddits"]}
    assert (found["news"]["submissions"], found["news"]["links"], found["news"]["kept"]) == (23, 23, 12)
    assert (found["science"]["submissions"], found["science"]["kept"]) == (10, 10)
    posting_ = numbers["posting"]
    assert (posting_["submissions"], posting_["subreddits"], posting_["undated"]) == (33, 2, 0)
    assert found["science"]["share"] == pytest.approx(10 / 33, abs=1e-6)


def test_submissions_of_no_subreddit_are_told_and_are_no_subreddit_more(
    plant: SimpleNamespace, tmp_path: Path
) -> None:
    links = [plant.link("http://a.example/"), plant.link("http://b.example/", subreddits=(None,))]
    found = posting.measure(Source(plant.corpus(tmp_path, links)))
    assert found["subreddits"] == 1
    assert [row["subreddit"] for row in found["top_subreddits"]] == ["news", None]


def test_a_link_posted_twice_in_a_subreddit_is_one_link_there(plant: SimpleNamespace, tmp_path: Path) -> None:
    twice = plant.link("http://a.example/", subreddits=("news", "news"), posted=None)
    found = posting.measure(Source(plant.corpus(tmp_path / "c", [twice], until="pages")))
    assert found["top_subreddits"] == [
        {"subreddit": "news", "submissions": 2, "links": 1, "kept": 0, "share": 1}
    ]
    assert (found["months"], found["undated"]) == ([], 1)


def test_months_from_the_first_to_the_last_are_drawn_or_years_where_those_are_too_many() -> None:
    def drawn(*months: str) -> list[tuple[str, int, int]]:
        return posting._continuous([{"month": month, "links": 2, "kept": 1} for month in months])

    assert drawn("2012-12", "2013-02") == [("2012-12", 2, 1), ("2013-01", 0, 0), ("2013-02", 2, 1)]
    assert (len(drawn("2000-01", "2017-12")), len(drawn("2000-01", "2018-01"))) == (216, 19)
    assert drawn("1999-12", "2017-12", "2018-01")[-2:] == [("2017", 2, 1), ("2018", 2, 1)]
    assert [when for when, _, _ in drawn("0001-01", "2017-12")] == ["0001", "2017"]


def test_fetching_counts_answers_of_all_links_and_properties_of_fetched_pages(
    numbers: dict[str, Any],
) -> None:
    def ranked(found: dict[str, Any]) -> dict[Any, int]:
        return {row["value"]: row["count"] for row in found["top"]}

    fetching = numbers["fetching"]
    assert ranked(fetching["of_links"]["http_status"]) == {200: 22, 404: 3, None: 1}
    assert ranked(fetching["of_links"]["attempts"]) == {1: 26}
    assert ranked(fetching["of_pages"]["source"]) == {"live": 22}
    assert ranked(fetching["of_pages"]["redirects"]) == {0: 22}
    assert fetching["of_pages"]["charset"]["distinct"] == 2
    assert ranked(fetching["of_pages"]["content_type"]) == {"text/html": 21, "text/plain": 1}
    assert ranked(fetching["of_pages"]["charset"]) == {"utf-8": 21, None: 1}
    assert (fetching["bytes"]["count"], fetching["bytes"]["sum"]) == (22, 22 * 20_000)


def test_samples_are_of_published_documents_and_of_every_reason_that_refused_one(
    numbers: dict[str, Any],
) -> None:
    samples = numbers["samples"]
    assert len(samples["published"]) == 6
    assert all(len(row["excerpt"]) == 700 and row["cut"] for row in samples["published"])
    assert {group["reason"]: len(group["documents"]) for group in samples["refused"]} == {
        "language": 2,
        "no_text": 1,
        "too_short": 2,
    }
    assert samples["refused"][2]["documents"][0]["excerpt"] == "Only three words"
