"""The mini web as a whole: nothing is planted twice, left out or unaccounted for."""

import contextlib
import json
from collections import Counter
from urllib.parse import urlsplit

import pytest

from data.miniweb import MiniWeb, build
from data.miniweb.submissions import Post, line_of

ONCE = {"just enough karma", "just before the end"}
LINK_REASONS = {
    "malformed", "superseded", "self_post", "bad_url", "scheme", "too_long", "promoted", "karma", "too_new",
    "over_18", "domain", "extension",
}  # fmt: skip


def rows(web: MiniWeb) -> list[dict[str, object]]:
    """The lines of the dump that are not broken."""
    found = []
    for line in web.submissions:
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def test_submissions_are_links_merged_and_dropped(web: MiniWeb) -> None:
    assert web.submissions_total == web.links + web.merged + sum(web.dropped.values())


def test_every_reason_to_drop_a_submission_is_planted(web: MiniWeb) -> None:
    assert set(web.dropped) == LINK_REASONS


def test_every_link_is_planted_once(web: MiniWeb) -> None:
    assert len({planted.url for planted in web.planted}) == web.links


def test_every_case_is_planted_at_least_twice(web: MiniWeb) -> None:
    counts = Counter(planted.kind for planted in web.planted)
    assert {kind for kind, count in counts.items() if count < 2} == ONCE


def test_a_reason_is_given_for_every_link_that_is_not_kept(web: MiniWeb) -> None:
    assert all((planted.reason is None) == (planted.state == "kept") for planted in web.planted)


def test_a_duplicate_repeats_a_link_that_is_kept(web: MiniWeb) -> None:
    kept = {planted.url for planted in web.planted if planted.state == "kept"}
    copies = [planted for planted in web.planted if planted.state == "duplicate"]
    assert copies
    assert all(planted.of in kept for planted in copies)


def test_a_duplicate_is_posted_after_what_it_repeats(web: MiniWeb) -> None:
    first = {str(row["url"]): int(str(row["created_utc"])) for row in reversed(rows(web))}
    for planted in web.planted:
        if planted.of:
            assert first[planted.url] > first[planted.of]


def test_every_link_but_private_ones_has_an_answer(web: MiniWeb) -> None:
    without = [planted.kind for planted in web.planted if planted.url not in web.pages]
    assert set(without) == {"private address"}


def test_hosts_are_many_and_none_has_too_many_links(web: MiniWeb) -> None:
    hosts = Counter(urlsplit(planted.url).hostname for planted in web.planted)
    assert len(hosts) >= 40
    assert max(hosts.values()) <= 16


def test_the_same_seed_gives_the_same_mini_web(web: MiniWeb) -> None:
    assert build() == web


def test_another_seed_gives_another_mini_web(web: MiniWeb) -> None:
    other = build(seed=7)
    assert other.submissions != web.submissions
    assert other.dropped == web.dropped


def test_rows_are_in_the_order_of_time_and_ids(web: MiniWeb) -> None:
    ids = [int(str(row["id"]), 36) for row in rows(web)]
    assert ids == sorted(ids)


def test_only_a_submission_that_was_retrieved_twice_has_its_id_twice(web: MiniWeb) -> None:
    ids = Counter(row["id"] for row in rows(web))
    assert sum(count - 1 for count in ids.values()) == web.dropped["superseded"]


def test_a_row_of_2014_has_the_fields_and_types_of_its_time() -> None:
    row = json.loads(line_of(Post("http://a.com/b?c=1&d=2", "Fish & chips", 1_409_529_600, 12, "books")))
    assert row["created_utc"] == "1409529600"
    assert row["url"] == "http://a.com/b?c=1&amp;d=2"
    assert row["title"] == "Fish &amp; chips"
    assert row["name"] == f"t3_{row['id']}"
    assert row["permalink"] == f"/r/books/comments/{row['id']}/fish_chips/"
    assert row["domain"] == "a.com"


@pytest.mark.parametrize("created_utc", [1_388_534_399, 1_448_928_000])
def test_a_row_outside_2014_and_2015_has_a_number_for_its_time(created_utc: int) -> None:
    assert json.loads(line_of(Post("http://a.com/", "A", created_utc, 3)))["created_utc"] == created_utc


def test_karma_has_a_long_tail(web: MiniWeb) -> None:
    karma = sorted(planted.karma for planted in web.planted)
    assert karma[0] >= 3
    assert karma[len(karma) // 2] < 20
    assert karma[-1] > 300
