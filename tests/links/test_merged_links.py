"""Submissions of one URL are one link."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.links.dumps import harvest, post

A, B = "http://a.example/", "http://b.example/"


def test_the_earliest_submission_says_when_and_how_it_was_posted(tmp_path: Path) -> None:
    rows = [
        post("3", "http://A.example", 5, created_utc=300),
        post("1", "http://a.example/#x", 9, created_utc=100),
        post("2", A, 3, created_utc=200),
    ]
    manifest, (link,) = harvest(tmp_path / "c", [rows])
    assert (link["url"], link["url_as_posted"], link["domain"]) == (A, "http://a.example/#x", "a.example")
    assert link["first_posted"] == datetime.fromtimestamp(100, UTC)
    assert (link["karma"], link["karma_sum"]) == (9, 17)
    assert [submission["id"] for submission in link["submissions"]] == ["1", "2", "3"]
    assert (manifest.counts.into, manifest.counts.out, manifest.counts.merged) == (3, 1, 2)


def test_white_space_around_a_url_is_no_part_of_it(tmp_path: Path) -> None:
    _, (link,) = harvest(tmp_path / "c", [[post("1", f" {A}\n")]])
    assert (link["url"], link["url_as_posted"]) == (A, A)


def test_a_retrieval_that_does_not_say_when_counts_as_made_when_the_submission_was(tmp_path: Path) -> None:
    rows = [post("1", A, created_utc=200), post("1", B, created_utc=100), post("2", A), post("2", B)]
    rows[2] |= {"created_utc": 200, "retrieved_on": 150}
    rows[3] |= {"created_utc": 100}
    manifest, links = harvest(tmp_path / "c", [rows])
    assert [(link["url"], len(link["submissions"])) for link in links] == [(A, 2)]
    assert manifest.counts.dropped == {"superseded": 2}


def test_a_second_retrieval_is_later_than_one_between_it_and_the_first(tmp_path: Path) -> None:
    twice = post("1", A, retrieved_on=100, _meta={"retrieved_2nd_on": 300})
    _, (link,) = harvest(tmp_path / "c", [[twice, post("1", B, retrieved_on=200)]])
    assert link["url"] == A


def test_of_two_times_of_retrieval_that_of_the_newer_dumps_counts(tmp_path: Path) -> None:
    newer = post("1", A, retrieved_on=100, retrieved_utc=300)
    _, (link,) = harvest(tmp_path / "c", [[newer, post("1", B, retrieved_on=200)]])
    assert link["url"] == A


def test_submissions_of_one_second_stand_in_the_order_of_their_ids(tmp_path: Path) -> None:
    _, (link,) = harvest(tmp_path / "c", [[post(id, A) for id in ("c", "a", "b")]])
    assert [submission["id"] for submission in link["submissions"]] == ["a", "b", "c"]


def test_a_submission_is_listed_with_its_facts(tmp_path: Path) -> None:
    row = post("1", A, "7", created_utc="100", title="T \ud83d", over_18="False", retrieved_on=500.0)
    _, (link,) = harvest(tmp_path / "c", [[row]])
    assert link["submissions"] == [
        {
            "id": "1",
            "subreddit": "programming",
            "score": 7,
            "created_utc": 100,
            "title": "T \ufffd",
            "num_comments": 2,
            "over_18": False,
            "retrieved_utc": 500,
        }
    ]


def test_any_post_lists_and_sums_only_submissions_that_reach_the_karma(tmp_path: Path) -> None:
    manifest, (link,) = harvest(tmp_path / "c", [[post("1", A, 5), post("2", A, 2), post("3", B, 2)]])
    assert (link["karma_sum"], len(link["submissions"])) == (5, 1)
    assert manifest.counts.dropped == {"karma": 2}


def test_sum_lists_all_submissions_of_a_url_that_reaches_the_karma_in_sum(tmp_path: Path) -> None:
    rows = [post("1", A, 2), post("2", A, 1), post("3", B, 2), post("4", B, 0), post("5", B, None)]
    manifest, (link,) = harvest(tmp_path / "c", [rows], 'karma_rule="sum"')
    assert (link["url"], link["karma"], link["karma_sum"]) == (A, 2, 3)
    assert manifest.counts.as_json() == {"in": 5, "out": 1, "merged": 1, "dropped": {"karma": 3}}


def test_negative_scores_count_in_a_sum(tmp_path: Path) -> None:
    rows = [post("1", A, 4), post("2", A, -2), post("3", B, 4)]
    _, (link,) = harvest(tmp_path / "c", [rows], 'karma_rule="sum"')
    assert link["url"] == B


def test_a_url_list_has_no_karma_and_no_submissions(tmp_path: Path) -> None:
    source = tmp_path / "urls"
    source.write_text(f"{A}\n\n{A}#again\nftp://c.example/\n{B}")
    manifest, links = harvest(tmp_path / "c", [source])
    assert sorted(link["url"] for link in links) == [A, B]
    for link in links:
        assert link["karma"] is link["karma_sum"] is link["first_posted"] is None
        assert link["submissions"] == []
    assert manifest.counts.as_json() == {"in": 4, "out": 2, "merged": 1, "dropped": {"scheme": 1}}


@pytest.mark.parametrize("first", [0, 1])
def test_of_lists_that_spell_a_url_otherwise_the_first_given_says_how_it_was_posted(
    tmp_path: Path, first: int
) -> None:
    spellings = ("http://A.example", "http://a.example/#x")
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text(f"{B}\n{spellings[first]}\n{A}\n")
    other.write_text(f"{spellings[1 - first]}\n")
    _, links = harvest(tmp_path / "c", [one, other])
    assert {link["url_as_posted"] for link in links} == {B, spellings[first]}


def test_a_link_of_a_url_list_keeps_the_karma_that_a_dump_knows(tmp_path: Path) -> None:
    source = tmp_path / "urls"
    source.write_text(f"{A}\n{B}\n")
    for rule in ("any-post", "sum"):
        rows = [post("1", A, 5), post("2", B, 1)]
        manifest, links = harvest(tmp_path / rule, [source, rows], f'karma_rule="{rule}"')
        assert {link["url"]: link["karma"] for link in links} == {A: 5, B: None}
        assert manifest.counts.dropped == {"karma": 1}


def test_a_karma_below_zero_stays_the_highest_beside_a_submission_without_one(tmp_path: Path) -> None:
    source = tmp_path / "urls"
    source.write_text(f"{A}\n")
    _, (link,) = harvest(tmp_path / "c", [source, [post("1", A, -5)]], "min_karma=-10")
    assert (link["karma"], link["karma_sum"]) == (-5, -5)
