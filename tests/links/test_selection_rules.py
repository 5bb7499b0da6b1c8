"""Which submissions become links, and the reason of each that does not."""

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.links.dumps import post
from webtext.links.codes import count_reasons
from webtext.links.posts import Post, parse_lines
from webtext.links.selection import Rules
from webtext.links.sifting import Sieve, Sifted
from webtext.recipe import Recipe, override
from webtext.sections import Links

NEW_YEAR_2018 = 1514764800


def outcome(row: Mapping[str, Any], *settings: str, scored: bool = True) -> str:
    """The reason, or "link"."""
    recipe = override(Recipe(), [f"links.{setting}" for setting in settings])
    return next(iter(count_reasons(sift(Rules.of(recipe.links), Post(**row), scored=scored).codes)), "link")


def sift(rules: Rules, *posts: Post, scored: bool = True) -> Sifted:
    return Sieve(rules, scored).sift(posts, np.arange(len(posts)))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (post("a"), "link"),
        (post("a", is_self=True), "self_post"),
        (post("a", is_self="true"), "self_post"),
        (post("a", "https://www.reddit.com/r/x/comments/a/title/", is_self=None), "self_post"),
        (post("a", score=3), "link"),
        (post("a", score=2), "karma"),
        (post("a", score=None), "karma"),
        (post("a", score="2"), "karma"),
        (post("a", score="3"), "link"),
        (post("a", score=Decimal("3.00")), "link"),
        (post("a", score=Decimal("2.99")), "karma"),
        (post("a", score="hidden"), "karma"),
        (post("a", score=2**63), "karma"),  # which no column holds
        (post("a", created_utc=NEW_YEAR_2018 - 1), "link"),
        (post("a", created_utc=NEW_YEAR_2018), "too_new"),
        (post("a", created_utc=str(NEW_YEAR_2018)), "too_new"),
        (post("a", created_utc=None), "link"),
        (post("a", created_utc=1000 * NEW_YEAR_2018 - 1), "link"),
        (post("a", created_utc=1000 * NEW_YEAR_2018), "too_new"),
        (post("a", created_utc=str(1000 * NEW_YEAR_2018)), "too_new"),
        (post("a", created_utc=1_000_000 * NEW_YEAR_2018), "too_new"),
        (post("a", over_18=True), "over_18"),
        (post("a", over_18="True"), "over_18"),
        (post("a", over_18=None), "link"),
        (post("a", promoted=True), "promoted"),
        (post("a", promoted=False), "link"),
        (post("a", None), "no_url"),
        (post("a", ""), "no_url"),
        (post("a", 17), "no_url"),
        (post("a", "[deleted]"), "no_url"),
        (post("a", "[removed]", url_overridden_by_dest="[removed]"), "no_url"),
        (post("a", "/r/x/comments/b/"), "bad_url"),
        (post("a", "ftp://example.com/"), "scheme"),
        (post("a", "http://example.com/" + "a" * 3000), "too_long"),
        (post("a", "http://i.imgur.com/abc"), "domain"),
        (post("a", "https://old.reddit.com/r/x/"), "domain"),
        (post("a", "http://notreddit.com/"), "link"),
        (post("a", "http://example.com/A.JPG?x=1"), "extension"),
        (post("a", "http://example.com/a%2Ejpg"), "extension"),
        (post("a", "http://example.com/a.jpg/"), "link"),
        (post("a", "http://example.com/?a.jpg"), "link"),
        (post("a", "http://example.zip/"), "link"),
    ],
)
def test_the_papers_rules_decide_what_is_a_link(row: dict[str, Any], reason: str) -> None:
    assert outcome(row) == reason


def test_the_recipe_moves_each_rule() -> None:
    assert outcome(post("a", score=4), "min_karma=5") == "karma"
    assert outcome(post("a", created_utc=NEW_YEAR_2018), 'before=""') == "link"
    assert outcome(post("a", created_utc=NEW_YEAR_2018 - 1), "after=2018-01-01") == "too_old"
    assert outcome(post("a", created_utc=NEW_YEAR_2018), 'before=""', "after=2018-01-01") == "link"
    assert outcome(post("a", over_18=True), "over_18=true") == "link"
    assert outcome(post("a", subreddit="Pics"), 'subreddits_blocked=["r/pics"]') == "subreddit"
    assert outcome(post("a", "http://i.imgur.com/abc"), "domains_blocked=[]") == "link"
    assert outcome(post("a", "http://a.b.example.com/"), 'domains_blocked=["b.example.com"]') == "domain"
    assert outcome(post("a", "http://c.example.com/"), 'domains_blocked=["b.example.com"]') == "link"
    assert outcome(post("a", "http://example.com/a.jpg"), "extensions_blocked=[]") == "link"


def test_of_several_rules_that_refuse_a_post_the_first_counts() -> None:
    row = post("a", "http://i.imgur.com/a.jpg", 1, is_self=True, created_utc=NEW_YEAR_2018, over_18=True)
    row |= {"promoted": True, "subreddit": "Pics"}
    mended: list[tuple[str, dict[str, Any]]] = [
        ("self_post", {"is_self": False}),
        ("karma", {"score": 3}),
        ("too_new", {"created_utc": NEW_YEAR_2018 - 1}),
        ("over_18", {"over_18": False}),
        ("promoted", {"promoted": False}),
        ("subreddit", {"subreddit": "programming"}),
        ("domain", {"url": "http://example.com/a.jpg"}),
        ("extension", {"url": "http://example.com/a"}),
        ("link", {}),
    ]
    for reason, mend in mended:
        assert outcome(row, 'subreddits_blocked=["pics"]') == reason
        row |= mend


def test_a_link_to_the_comments_on_another_post_is_no_text_post() -> None:
    there = post("a", "https://www.reddit.com/r/x/comments/b/title/", is_self=None)
    assert outcome(there, "domains_blocked=[]") == "link"


def test_dates_begin_at_midnight_of_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()
        before = Rules.of(Links()).before
    time.tzset()
    assert before == NEW_YEAR_2018


def test_text_posts_are_dropped_whatever_the_recipe_says() -> None:
    permissive = ("min_karma=-1000", "domains_blocked=[]", "over_18=true", 'before=""')
    assert outcome(post("a", is_self=True), *permissive) == "self_post"


def test_a_removed_post_that_keeps_its_url_is_a_link() -> None:
    (found,), _ = parse_lines(
        memoryview(json.dumps(post("a", removed_by_category="moderator", removal_reason="spam")).encode())
    )
    assert len(sift(Rules.of(Links()), found).selected) == 1


def test_a_source_without_scores_has_no_karma_rule() -> None:
    assert outcome({"url": "http://example.com/"}, scored=False) == "link"


def test_summed_karma_lets_low_scores_pass_for_now_but_not_unknown_ones() -> None:
    assert outcome(post("a", score=-5), 'karma_rule="sum"') == "link"
    assert outcome(post("a", score=None), 'karma_rule="sum"') == "karma"


def test_a_broken_url_is_shown_with_its_reason() -> None:
    sifted = sift(
        Rules.of(Links()), *(Post(**post("a", url)) for url in ("self", "/r/x", "ftp://a.example/"))
    )
    assert sifted.examples == {"bad_url": "self", "scheme": "ftp://a.example/"}


@pytest.mark.parametrize(
    "setting",
    [
        "min_karma=4",
        'karma_rule="sum"',
        "before=2017-01-01",
        "after=2017-01-01",
        "over_18=true",
        'subreddits_blocked=["pics"]',
        "domains_blocked=[]",
        "extensions_blocked=[]",
    ],
)
def test_the_fingerprint_follows_every_rule(setting: str) -> None:
    other = override(Recipe(), [f"links.{setting}"])
    assert Rules.of(other.links).fingerprint != Rules.of(Links()).fingerprint


def test_the_fingerprint_follows_the_content_of_a_list_not_its_name(tmp_path: Any) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text("a.example\n")
    other.write_text("# the same\nA.example\n")
    fingerprints = [Rules.of(Links(domains_blocked=[str(path)])).fingerprint for path in (one, other)]
    assert fingerprints[0] == fingerprints[1]
    one.write_text("b.example\n")
    assert Rules.of(Links(domains_blocked=[str(one)])).fingerprint != fingerprints[0]


def test_what_rules_say_is_spelled_out_once_however_many_parts_of_sources_ask() -> None:
    rules = Rules.of(Links())
    assert rules.fingerprint is rules.fingerprint
