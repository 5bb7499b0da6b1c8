"""When pages were captured, and what of Wikipedia was left."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.audit.conftest import Planted, Writer
from webtext.audit.sections import captures, wikipedia
from webtext.audit.source import Source

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
    found = captured(tmp_path, ("wayback", -2), ("live", None), ("live", 0.5))
    assert (found["before"], found["undated"], found["documents"]) == (1, 1, 3)
    assert list(found["days"]) == ["live"]


def test_the_chart_sets_all_archives_against_the_live_web(tmp_path: Path) -> None:
    found = captured(tmp_path, ("live", 700), ("wayback", 2), ("commoncrawl", 2), ("warc", 3))
    assert [bucket["count"] for bucket in found["live"] if bucket["count"]] == [1]
    assert sum(bucket["count"] for bucket in found["archives"]) == 3


def test_texts_that_passed_with_a_trace_are_left_over_by_domain(tmp_path: Path) -> None:
    links = [
        Planted("http://wiki.example/", "wikipedia_mirror", wikipedia_traces=4),
        Planted("http://a.example/1", domain="a.example", wikipedia_traces=1),
        Planted("http://a.example/2", domain="a.example", wikipedia_traces=1),
        Planted("http://b.example/", domain="b.example"),
    ]
    found = wikipedia.measure(Source(Writer(tmp_path, links).write("documents")))
    assert found["refused"] == {"wikipedia": 0, "wikipedia_mirror": 1}
    assert (found["documents"], found["left_with_traces"]) == (3, 2)
    assert found["domains"] == [{"domain": "a.example", "count": 2, "share": 1.0}]
