"""A document's row: joined with its link and page, scattered and gathered."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from webtext import schemas
from webtext.errors import UserError
from webtext.shards import rows, shuffle

FILE = Path("links/part-00000.parquet")
NOON = datetime(2017, 3, 4, 12, tzinfo=UTC)


def link(id: str, posts: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"id": id, "karma": 9, "karma_sum": 12, "first_posted": NOON, "submissions": posts}


def unencoded(
    *documents: tuple[str, str], order: list[int], posts: list[dict[str, Any]] | None = None
) -> pa.Table:
    ids = [id for id, _ in documents]
    links = pa.Table.from_pylist([link(id, posts) for id in ids], schemas.LINKS).select(rows.LINK_COLUMNS)
    pages = pa.Table.from_pylist([{"id": id, "source": "live"} for id in reversed(ids)], schemas.PAGES)
    texts = pa.Table.from_pylist([{"id": id, "text": text} for id, text in documents], schemas.DOCUMENTS)
    lookups = rows.Lookup(links, FILE), rows.Lookup(pages.select(rows.PAGE_COLUMNS), FILE)
    return rows.joined(texts.select(rows.DOCUMENT_COLUMNS), *lookups, order)


def gathered(*pieces: shuffle.Piece) -> list[dict[str, Any]]:
    return [row for table in shuffle.gather(pieces) for row in table.to_pylist()]


def test_submissions_keep_their_order_and_subreddits_are_named_once() -> None:
    posts = [
        {"id": "b", "subreddit": "news"},
        {"id": "a", "subreddit": "books"},
        {"id": "c", "subreddit": "news"},
    ]
    (row,) = unencoded(("1", "text"), order=[0], posts=posts).to_pylist()
    assert row["submissions"] == ["b", "a", "c"]
    assert row["subreddits"] == ["books", "news"]


@pytest.mark.parametrize("posts", [None, [], [{"id": None, "subreddit": None}]])
def test_a_link_from_a_plain_list_has_no_submissions(posts: list[dict[str, Any]] | None) -> None:
    (row,) = unencoded(("1", "text"), order=[0], posts=posts).to_pylist()
    assert (row["submissions"], row["subreddits"]) == ([], [])


def test_rows_carry_what_link_and_page_know() -> None:
    first, second = unencoded(("1", "one"), ("2", "two"), order=[5, 6]).to_pylist()
    assert (first["karma"], first["karma_sum"], first["first_posted"]) == (9, 12, NOON)
    assert (second["text"], second["source"], second["order"]) == ("two", "live", 6)


def test_a_file_that_lost_the_row_of_a_document_is_named() -> None:
    links = pa.Table.from_pylist([link("1", None)], schemas.LINKS).select(rows.LINK_COLUMNS)
    with pytest.raises(UserError, match=r"part-00000.parquet: lacks the row of 2, .*: delete the file"):
        rows.Lookup(links, FILE).rows(["1", "2"])


def test_a_shard_gathers_its_rows_from_all_partitions_in_their_order(tmp_path: Path) -> None:
    with shuffle.Scatter(tmp_path / "a") as a:
        a.write(unencoded(("1", "one"), ("2", "two"), ("3", "three"), order=[30, 20, 10]), [0, 1, 0])
    with shuffle.Scatter(tmp_path / "b") as b:
        b.write(unencoded(("4", "four"), order=[20]), [0])
    assert a.batches == [0, 1]
    assert [row["id"] for row in gathered((tmp_path / "a", (0,)), (tmp_path / "b", (0,)))] == ["3", "4", "1"]
    assert [row["id"] for row in gathered((tmp_path / "a", (1,)))] == ["2"]


def test_rows_of_one_order_key_lie_by_their_ids_whatever_file_they_come_from(tmp_path: Path) -> None:
    for name, id in (("a", "2"), ("b", "1")):
        with shuffle.Scatter(tmp_path / name) as out:
            out.write(unencoded((id, "text"), order=[7]), [0])
    assert [row["id"] for row in gathered((tmp_path / "a", (0,)), (tmp_path / "b", (0,)))] == ["1", "2"]


def test_duplicates_found_in_any_partition_are_counted_with_their_kept_document(tmp_path: Path) -> None:
    with shuffle.Scatter(tmp_path / "a") as a:
        a.write(unencoded(("1", "one"), ("2", "two"), order=[1, 2]), [0, 0])
        a.write(rows.repeats({"2": 3}), [0])
    with shuffle.Scatter(tmp_path / "b") as b:
        b.write(rows.repeats({"2": 4}), [0])
    found = gathered((tmp_path / "a", (0,)), (tmp_path / "b", (0,)))
    assert {row["id"]: row["duplicates"] for row in found} == {"1": 0, "2": 7}


def test_small_chunks_give_the_same_shard_as_large_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for chunk_bytes in (1, 1 << 30):
        monkeypatch.setattr(shuffle, "CHUNK_BYTES", chunk_bytes)
        with shuffle.Scatter(tmp_path / "a") as a:
            for n in range(20):
                a.write(unencoded((f"{n}", f"text {n}"), order=[n * 7 % 20]), [n % 2])
        odd = tuple(number for number, shard in enumerate(a.batches) if shard == 1)
        found.append(gathered((tmp_path / "a", odd)))
    assert found[0] == found[1]
    assert len(found[0]) == 10
