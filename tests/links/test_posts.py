"""Rows as twenty years of dumps write them."""

import json
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.links.posts import (
    MAX_TITLE_CHARS,
    Post,
    flag,
    integer,
    name,
    parse_lines,
    retrieved,
    seconds,
    storable,
    text,
    url_field,
)


def parse(*lines: bytes) -> tuple[list[Post], list[str]]:
    return parse_lines(memoryview(b"\n".join(lines)))


def test_a_line_is_a_post_with_the_fields_that_matter() -> None:
    (found,), malformed = parse(b'{"author":"x","id":"87","score":183,"url":"http://a.example/","media":{}}')
    assert (found.id, found.score, found.url, found.title, malformed) == (
        "87",
        183,
        "http://a.example/",
        None,
        [],
    )


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[1]",
        b"null",
        b"17",
        b'{"id":"a"',
        b"\x00\x00",
        b"not JSON",
        b'{"id":"a"}{',
        b'{"x":' + b"[" * 50_000,
    ],
)
def test_a_malformed_line_costs_itself_and_is_shown(line: bytes) -> None:
    posts, malformed = parse(b'{"id":"a"}', line, b'{"id":"b"}')
    assert [post.id for post in posts] == ["a", "b"]
    assert malformed == [line[:120].decode().strip()]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (b'{"title":"caf\xe9"}', "caf\udce9"),
        (b'{"title":"\\ud83d"}', "\ud83d"),
        (b'{"title":"a\tb"}', "a\tb"),
        (b'{"title":"a","score":1e999}', "a"),
        (b'{"title":"a","score":NaN}', "a"),
        (b'{"title":"a","score":' + b"9" * 400 + b"}", "a"),
    ],
)
def test_odd_json_is_still_a_post(line: bytes, title: str) -> None:
    (found,), malformed = parse(line)
    assert (found.title, malformed) == (title, [])
    assert integer(found.score) is None


def test_blank_lines_are_no_rows() -> None:
    assert parse(b"", b"  \r", b'{"id":"a"}', b"") == ([Post(id="a")], [])


@pytest.mark.parametrize("others", [(), (b"x",)], ids=["alone", "beside a malformed line"])
def test_a_post_is_a_line_of_its_own_whatever_stands_around_it(others: tuple[bytes, ...]) -> None:
    odd = (b'{"id":"a"} {"id":"b"}', b'{"id":', b'"c"}')
    posts, malformed = parse(*odd, b'{"id":"d"}', *others)
    assert [post.id for post in posts] == ["d"]
    assert malformed == [line.decode() for line in (*odd, *others)]


def test_no_json_of_the_test_suites_breaks_the_reader(shared: Path) -> None:
    with tarfile.open(shared / "hostile" / "json.tar.xz") as archive:
        for member in archive:
            if file := archive.extractfile(member):
                posts, malformed = parse(b'{"id":"a"}', *file.read().split(b"\n"))
                assert posts[0].id == "a" and len(malformed) < 100_000


@given(st.binary())
def test_no_bytes_break_the_reader(data: bytes) -> None:
    parse_lines(memoryview(data))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner),
    max_leaves=4,
)


@given(json_values)
def test_a_field_of_any_type_is_read_or_is_null(value: Any) -> None:
    assert integer(value) is None or -(2**63) <= integer(value) < 2**63  # type: ignore[operator]
    assert seconds(value) is None or 0 <= seconds(value) < 253_402_300_800  # type: ignore[operator]
    assert text(value, 10) is None or text(value, 10).encode()[:0] == b""  # type: ignore[union-attr]
    assert flag(value) in (None, True, False)
    url_field(Post(url=value, url_overridden_by_dest=value))
    retrieved(Post(retrieved_on=value, meta={"retrieved_2nd_on": value}))


def test_a_flag_may_be_a_list_of_any_depth() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    assert flag(value) is None


@pytest.mark.parametrize(
    "value",
    [
        *(1409529600, "1409529600", 1409529600.0, "1409529600.0", 1409529600000, "1409529600000"),
        *(1409529600_000_000, 1409529600_000_000_000),
        *("2014-09-01", "2014-09-01T02:00:00+02:00", "2014-09-01 00:00:00.000 UTC"),
    ],
)
def test_a_time_is_seconds_however_it_is_written(value: object) -> None:
    assert seconds(value) == 1409529600


def test_dates_of_tables_are_times_too() -> None:
    assert seconds(datetime(2014, 9, 1)) == seconds(datetime(2014, 9, 1, tzinfo=UTC)) == 1409529600
    assert seconds(date(2014, 9, 1)) == 1409529600


@pytest.mark.parametrize("value", [None, True, "hidden", "", [], -1, 1e300, 2**63])
def test_what_is_no_time_is_null(value: object) -> None:
    assert seconds(value) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(
            (3, 3),
            ("3", 3),
            (3.0, 3),
            ("3.0", 3),
            ("-3", -3),
            ("1e+05", 100_000),
            (True, None),
            (None, None),
            ("•", None),
        ),
        *((2**63 - 1, 2**63 - 1), (2**63, None), (-(2**63), -(2**63)), (-(2**63) - 1, None)),
    ],
)
def test_a_score_is_a_number_or_null(value: object, number: int | None) -> None:
    assert integer(value) == number


def test_a_url_that_is_missing_or_relative_is_found_in_the_field_that_overrides_it() -> None:
    override = "https://a.example/"
    assert url_field(Post(url=None, url_overridden_by_dest=override)) == override
    assert url_field(Post(url="/r/x/comments/1/", url_overridden_by_dest=override)) == override
    assert url_field(Post(url="http://b.example/", url_overridden_by_dest=override)) == "http://b.example/"
    assert url_field(Post(url="/r/x/comments/1/")) == "/r/x/comments/1/"


def test_the_score_was_read_at_the_second_retrieval_where_there_was_one() -> None:
    assert retrieved(Post(retrieved_on=100)) == 100
    assert retrieved(Post(retrieved_utc="90", retrieved_on=100)) == 90
    assert retrieved(Post(retrieved_on=100, meta={"retrieved_2nd_on": 200})) == 200
    assert retrieved(Post(retrieved_on=200, meta={"retrieved_2nd_on": 100})) == 200
    assert retrieved(Post(meta={"retrieved_2nd_on": 100})) == 100
    assert retrieved(Post(retrieved_utc="unknown", retrieved_on=100)) == 100
    assert retrieved(Post()) is None


@pytest.mark.parametrize(
    ("value", "yes"),
    [
        *((" True ", True), ("1", True), (1, True), ("0", False), (0, False), (2, None)),
        *(("t", True), ("f", False), ("yes", True), ("1.0", True), (1.0, True), (0.0, False), ([], None)),
    ],
)
def test_a_flag_is_a_word_or_a_number(value: object, yes: bool | None) -> None:
    assert flag(value) is yes


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (" t3_abc ", "abc"),
        ("t3_", None),
        ("", None),
        (17, "17"),
        ("a" * 101, "a" * 100),
        ("_" * 101, "_" * 100),
    ],
)
def test_an_id_is_what_is_left_of_a_full_name(value: object, found: str | None) -> None:
    assert name(value) == found


def test_a_title_is_cut_at_its_limit_and_holds_no_half_character() -> None:
    assert text("a" * 1001, MAX_TITLE_CHARS) == "a" * 1000
    assert text("\ud83d" + "b" * 1000, MAX_TITLE_CHARS) == "\ufffd" + "b" * 999


def test_a_url_as_posted_is_stored_in_utf8() -> None:
    assert storable("http://a.example/\udce9") == "http://a.example/\ufffd"


def test_every_true_dump_line_since_2005_is_read(shared: Path) -> None:
    from webtext.links.line_chunks import LineChunks

    for dump, rows in (("RS_mixed_2005-2024.zst", 31), ("api_submissions_2005-2026.ndjson.zst", 3957)):
        read = [parse_lines(chunk) for chunk in LineChunks(shared / "reddit" / dump)]
        posts = [post for batch, _ in read for post in batch]
        assert len(posts) == rows and not any(malformed for _, malformed in read)
        assert all(seconds(post.created_utc) and integer(post.score) is not None for post in posts)
        assert json.dumps([post.title for post in posts])
