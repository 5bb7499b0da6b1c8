"""Records in a store are read together where they lie together, and given in the order asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.object_store import BUCKET, ObjectStore, serving
from webtext import files, store
from webtext.crawl import read_ahead
from webtext.crawl.read_ahead import GAP_BYTES, SPAN_BYTES, records
from webtext.crawl.warc import Position

RECORDS = 200
LONG = 1000  # bytes of a record


@pytest.fixture(scope="module")
def site() -> Iterator[ObjectStore]:
    with serving() as served:
        yield served


@pytest.fixture
def pages(
    site: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Path:
    """The folder of a crawl with two archives in the store, and none on this machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = store.folder_of(f"s3://{BUCKET}/{request.node.name}") / "pages"
    for file in ("a", "b"):
        files.write_text(folder / file, "".join(f"{file}{number:0{LONG - 1}}" for number in range(RECORDS)))
        (folder / file).unlink()
    site.asked.clear()
    return folder


def place(file: str, number: int) -> Position:
    return Position(file, number * LONG, LONG)


def numbers(found: Iterator[memoryview | None]) -> list[tuple[str, int] | None]:
    return [(text[:1].decode(), int(text[1:])) if (text := each and bytes(each)) else None for each in found]


def reads(site: ObjectStore) -> int:
    return sum(question.startswith("GET") for question in site.asked)


def test_records_that_lie_together_take_one_request(pages: Path, site: ObjectStore) -> None:
    wanted = [("b", 7), ("a", 3), ("b", 5), ("a", 0), ("a", 3), ("b", 199)]
    assert numbers(records(pages, [place(*each) for each in wanted])) == wanted
    assert reads(site) == 3  # the last one lies too far away from the others


def test_no_more_is_held_in_memory_than_a_window(
    pages: Path, site: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "WINDOW_BYTES", 50 * LONG)
    found = records(pages, [place("a", number) for number in range(RECORDS)])
    assert numbers(iter([next(found)])) == [("a", 0)]
    assert reads(site) == 1
    assert numbers(found) == [("a", number) for number in range(1, RECORDS)]
    assert reads(site) == RECORDS / 50


def test_records_of_an_archive_that_is_gone_are_left_to_be_read_by_themselves(pages: Path) -> None:
    assert numbers(records(pages, [place("a", 1), place("c", 2)])) == [("a", 1), None]


def test_on_a_disk_every_record_is_read_in_its_place(tmp_path: Path) -> None:
    assert numbers(records(tmp_path, [place("a", 1), place("a", 2)])) == [None, None]


places = st.builds(
    Position,
    st.sampled_from(["a", "b"]),
    st.integers(0, 4 * SPAN_BYTES),
    st.one_of(st.integers(0, 4 * GAP_BYTES), st.integers(0, 2 * SPAN_BYTES)),
)


@given(st.lists(places, max_size=30))
def test_each_record_lies_in_one_span_which_is_no_longer_than_allowed(wanted: list[Position]) -> None:
    spans = read_ahead._spans(wanted)
    assert sorted(map(str, wanted)) == sorted(str(each) for span in spans for each in span.records)
    for span in spans:
        longest = max(each.length for each in span.records)
        assert span.end - span.begin <= max(SPAN_BYTES, longest)
        assert all(each.file == span.file for each in span.records)
        assert all(
            span.begin <= each.offset <= each.offset + each.length <= span.end for each in span.records
        )
