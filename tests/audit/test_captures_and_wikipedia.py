"""When pages were captured, and what of Wikipedia and of personal data was left."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.audit.conftest import Planted, Writer
from webtext.audit.sections import captures, personal, wikipedia
from webtext.audit.source import Source
from webtext.recipe import Recipe, override

POSTED = datetime(2012, 3, 1, tzinfo=UTC)


def captured(tmp_path: Path, *days: tuple[str, float | None]) -> dict[str, Any]:
    links = [
        Planted(
            f"http://a.example/{number}",
            source=source,
            posted=POSTED,
            captured=None if after is None else POSTED + timedelta(days=after),
        )
        for number, (source, after) in enumerate(days)
    ]
    return captures.measure(Source(Writer(tmp_path, links).write("shards")))


def test_days_are_counted_by_source(tmp_path: Path) -> None:
    found = captured(tmp_path, ("live", 1000.9), ("wayback", 3), ("wayback", 5))["days"]
    assert found["live"]["percentiles"]["p50"] == 1000
    assert (found["wayback"]["count"], found["wayback"]["max"]) == (2, 5)


def test_captures_before_the_post_and_without_a_date_are_told_apart(tmp_path: Path) -> None:
    found = captured(tmp_path, ("wayback", -2), ("live", None), ("live", 0.5), ("live", 0))
    assert (found["before"], found["undated"], found["documents"]) == (1, 1, 4)
    assert {name: days["count"] for name, days in found["days"].items()} == {"live": 2}


def test_the_chart_sets_all_archives_against_the_live_web(tmp_path: Path) -> None:
    found = captured(tmp_path, ("live", 700), ("wayback", 2), ("commoncrawl", 2), ("warc", 3))
    assert [bucket["count"] for bucket in found["live"] if bucket["count"]] == [1]
    assert sum(bucket["count"] for bucket in found["archives"]) == 3


def test_texts_that_passed_with_a_trace_are_left_over_by_domain(tmp_path: Path) -> None:
    links = [
        Planted("http://wiki.example/", "wikipedia_mirror", wikipedia_traces=4),
        Planted("http://a.example/1", domain="a.example", wikipedia_traces=1),
        Planted("http://a.example/2", domain="a.example", wikipedia_traces=2),
        Planted("http://b.example/", domain="b.example"),
        Planted("http://wiki.example/2", "wikipedia", on_wikipedia=True),
        Planted("http://wiki.example/3", on_wikipedia=True),
    ]
    found = wikipedia.measure(Source(Writer(tmp_path, links).write("documents")))
    assert found["refused"] == {"wikipedia": 1, "wikipedia_mirror": 1}
    assert (found["documents"], found["left_with_traces"], found["left_on_wikipedia"]) == (4, 2, 1)
    assert found["traces"] == {"1": 1, "2": 1}
    assert found["domains"] == [{"domain": "a.example", "count": 2, "share": 1.0}]


def test_personal_data_is_counted_in_the_texts_that_passed(tmp_path: Path) -> None:
    links = [
        Planted(f"http://a.example/{number}", fate, emails=emails)
        for number, (fate, emails) in enumerate([("kept", 3), ("kept", 0), ("language", 5), ("kept", None)])
    ]
    corpus = Writer(tmp_path, links).write("documents")
    found = personal.measure(Source(corpus))
    email = {"kind": "email", "documents": 1, "count": 3, "share": 0.333333, "masked": False}
    assert (found["documents"], found["kinds"][0]) == (3, email)
    corpus.freeze(override(Recipe(name="planted"), ['filter.mask_pii=["email"]']))
    kinds = personal.measure(Source(corpus))["kinds"]
    assert {row["kind"]: row["masked"] for row in kinds if row["masked"]} == {"email": True}
