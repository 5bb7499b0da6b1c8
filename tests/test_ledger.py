from typing import Any

import pyarrow as pa
import pytest

from webtext import ledger

LINKS = pa.table({"id": ["1"], "url": ["http://a.example/"]})
FETCHED = pa.table({"id": ["1"], "state": ["fetched"], "detail": [None]})
KEPT = pa.table({"id": ["1"], "verdict": ["keep"], "detail": [None]})


def clusters(kept: bool) -> pa.Table:
    row = {"id": ["1"], "kept": [kept], "duplicate": ["near"], "cluster": ["2"], "similarity": [0.9]}
    return pa.table(row)


def changed(kept: bool) -> pa.Table:
    return pa.table({"id": ["1"], "kept": [kept], "words": [7]})


def document(verdict: str) -> pa.Table:
    return pa.table({"id": ["1"], "verdict": [verdict], "detail": ["pretokens 3 < 128"]})


@pytest.mark.parametrize(
    ("tables", "state", "reason", "stage"),
    [
        ((None, None, None, False), "pending", "pending", "pages"),
        ((FETCHED, None, None, False), "pending", "pending", "documents"),
        ((FETCHED, KEPT, None, False), "pending", "pending", "clusters"),
        ((FETCHED, KEPT, clusters(True), False), "pending", "pending", "shards"),
        ((FETCHED, KEPT, clusters(True), True), "kept", None, "shards"),
        ((FETCHED, KEPT, clusters(False), True), "duplicate", "near", "clusters"),
        ((FETCHED, KEPT, clusters(True), changed(True), True), "kept", None, "shards"),
        (
            (FETCHED, KEPT, clusters(True), changed(False), True),
            "filtered",
            "boilerplate",
            "clusters/paragraphs",
        ),
        ((FETCHED, document("too_short"), None, False), "filtered", "too_short", "documents"),
        ((FETCHED, document("no_text"), None, False), "unextractable", "no_text", "documents"),
    ],
)
def test_the_last_table_that_has_a_link_decides_its_state(
    tables: Any, state: str, reason: str | None, stage: str
) -> None:
    *read, published = tables
    (row,) = ledger.entries(LINKS, *read, published=published).to_pylist()
    assert (row["state"], row["reason"], row["stage"]) == (state, reason, stage)


def test_a_page_that_was_not_fetched_keeps_its_reason_and_detail() -> None:
    page = pa.table({"id": ["1"], "state": ["robots"], "detail": ["Disallow: /private"]})
    (row,) = ledger.entries(LINKS, page, None, None, published=False).to_pylist()
    assert (row["state"], row["reason"], row["detail"]) == ("unfetched", "robots", "Disallow: /private")


@pytest.mark.parametrize(
    ("tables", "detail"),
    [
        ((FETCHED, document("too_short"), None, None), "pretokens 3 < 128"),
        ((FETCHED, KEPT, clusters(False), None), "of 2, similarity 0.900"),
        ((FETCHED, KEPT, clusters(True), changed(False)), "7 words are left"),
        ((FETCHED, KEPT, clusters(True), None), None),
    ],
)
def test_the_detail_is_that_of_what_decided(tables: Any, detail: str | None) -> None:
    (row,) = ledger.entries(LINKS, *tables, published=True).to_pylist()
    assert row["detail"] == detail


def test_what_was_taken_out_says_so_whatever_was_made_of_it_before() -> None:
    page = pa.table({"id": ["1"], "state": ["removed"], "detail": ["asked by its author"]})
    (row,) = ledger.entries(LINKS, page, KEPT, clusters(True), published=True).to_pylist()
    assert (row["state"], row["reason"]) == ("removed", "removed")
    assert (row["stage"], row["detail"]) == ("pages", "asked by its author")


def test_what_holds_a_test_example_is_filtered_at_the_shards_and_boilerplate_goes_before() -> None:
    example = {"id": ["1"], "file": ["t.txt"], "example": [4], "shared": [9], "overlap": [0.75]}
    left_out = pa.table(example)
    (row,) = ledger.entries(LINKS, FETCHED, KEPT, clusters(True), None, left_out, published=True).to_pylist()
    assert (row["state"], row["reason"], row["stage"]) == ("filtered", "contaminated", "shards")
    assert row["detail"] == "9 8-grams of example 4 of t.txt, overlap 0.750"
    (row,) = ledger.entries(
        LINKS, FETCHED, KEPT, clusters(True), changed(False), left_out, published=True
    ).to_pylist()
    assert row["reason"] == "boilerplate"


def test_every_link_has_exactly_one_row_in_its_order() -> None:
    links = pa.table({"id": ["3", "1", "2"], "url": ["c", "a", "b"]})
    rows = ledger.entries(links, FETCHED, None, None, published=False)
    assert rows["id"].to_pylist() == ["3", "1", "2"]
    assert rows["state"].to_pylist() == ["pending"] * 3
