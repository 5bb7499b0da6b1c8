"""A glance at a line decides what parsing it would decide, or leaves it to the parser."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.links.dumps import post
from webtext.links.codes import count_reasons
from webtext.links.glance import MAX_ROWS, Glance, Glancer
from webtext.links.posts import MAX_SECONDS
from webtext.links.readers import Reading
from webtext.links.selection import Rules
from webtext.links.sifting import Sieve
from webtext.links.sources import Source
from webtext.links.superseding import make_keys
from webtext.recipe import Recipe, override

pytest.importorskip("webtext.links._scan", reason="the scanner was not compiled", exc_type=ImportError)

SETTINGS: tuple[list[str], ...] = (
    [],
    ['links.karma_rule="sum"', 'links.subreddits_blocked=["builtin:adult"]'],
    ["links.over_18=true", "links.after=2010-01-01"],
)
RULES = [Rules.of(override(Recipe(), settings).links) for settings in SETTINGS]

Outcome = Callable[[bytes, Rules, bool], tuple[Any, ...]]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What becomes of a dump: the keys of its rows, numbered anew, counts, links, malformed lines."""
    path = tmp_path_factory.mktemp("glance") / "dump.ndjson"

    def of(lines: bytes, rules: Rules, at_a_glance: bool) -> tuple[Any, ...]:
        path.write_bytes(lines)
        source = Source("dump", path, "submissions")
        keys, reasons, links, malformed = [], Counter[str](), [], []
        for batch in Reading(source, glancer=Glancer(rules, True) if at_a_glance else None):
            sifted = Sieve(rules, scored=True).sift(batch.posts, batch.rows)
            made = make_keys(sifted.rows, sifted.ids, sifted.retrieved, sifted.codes, sifted.buckets)
            keys += [*made.tolist(), *batch.refused.keys.tolist()]
            reasons.update(count_reasons(sifted.codes))
            reasons.update(batch.refused.reasons)
            links += [(each.row, each.url) for each in sifted.selected]
            malformed += batch.malformed
        places = sorted({place >> 16 for *_, place in keys} | {row for row, _ in links})
        numbers = {row: number for number, row in enumerate(places)}  # malformed lines may have had one
        keys = [[id, time, numbers[place >> 16], place & 0xFFFF] for id, time, place in keys]
        return sorted(keys), reasons, [(numbers[row], url) for row, url in links], malformed

    return of


def same(outcome: Outcome, lines: bytes, rules: Rules = RULES[0]) -> None:
    assert outcome(lines, rules, True) == outcome(lines, rules, False)


def glance(lines: bytes, first_row: int = 0) -> Glance | None:
    glancer, view = Glancer(RULES[0], scored=True), memoryview(lines)
    look = glancer.look(view)
    return None if look is None else glancer.glance(view, first_row, look)


def line(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


NUMBERS = [None, 0, -1, 2, 3, 1300000000, 1600000000, -(10**17), 10**18, 2**63, MAX_SECONDS, 1.5, 3.0, True]
WORDS = ["3", "2", "-4", "", "+3", " 3", "1_0", "1300000000", "2012-01-01", "hidden", "٣", [], {}]
integers = st.sampled_from([*NUMBERS, *WORDS])
flags: st.SearchStrategy[object] = st.sampled_from(
    [None, True, False, 0, 1, "true", "False", "", "no", [], {}]
)
FIELDS = {
    "id": st.sampled_from(["a", "zz", "0", "0a", "A", "t3_abc", "", "a" * 12, "a" * 13, "é", 7, None, []]),
    "score": integers,
    "created_utc": integers,
    "retrieved_on": integers,
    "retrieved_utc": integers,
    "_meta": st.one_of(integers, st.fixed_dictionaries({}, optional={"retrieved_2nd_on": integers})),
    "is_self": flags,
    "over_18": flags,
    "promoted": flags,
    "title": st.text(max_size=5),
    "crosspost_parent_list": st.just([{"id": "b", "score": 1, "is_self": True}]),
}
SCHEMES = ["http://", "https://", "HTTP://", "http:/", "ftp://", "", " http://", "httpss://"]
HOSTS = ["example.com", "imgur.com", "i.imgur.com", "imgur.com.", ".imgur.com", "imgur..com", "imgur"]
HOSTS += ["IMGUR.com", "m.youtube.com", "www.youtube.com", "youtu.be:80", "a@imgur.com", "imgur.com&amp;"]
HOSTS += ["1.2.3.999", "1.2.3.4"]
TARGETS = ["", "/", "/a.b?c=d&amp;e", "/a?x=1&y=/.z", "?q", "/.", "/a/../b", "/%41", "/a b", "#f", "x", "//"]
TARGETS += [" http://b.example", "/" + "a" * 2020, "/" + "a" * 2100, "/é", "/a\\b", "/;,@!", "/a.jpg"]
urls = st.tuples(*map(st.sampled_from, (SCHEMES, HOSTS, TARGETS))).map("".join)
urls = st.one_of(urls, st.sampled_from([None, "", "[deleted]", "/r/x", 5, ["http://imgur.com/"]]))
FIELDS["url_overridden_by_dest"] = urls
rows = st.fixed_dictionaries({"url": urls}, optional=FIELDS)
usual_rows = st.builds(lambda url, score: post("a", url, score), urls, st.sampled_from([2, 3]))


@given(st.lists(rows, min_size=1, max_size=8), st.sampled_from(RULES))
def test_whatever_fields_hold_a_glance_changes_nothing(
    outcome: Outcome, posts: list[Any], rules: Rules
) -> None:
    same(outcome, line(*posts), rules)


@given(st.lists(usual_rows, min_size=1, max_size=8), st.sampled_from(RULES))
def test_whatever_urls_rows_have_a_glance_changes_nothing(
    outcome: Outcome, posts: list[Any], rules: Rules
) -> None:
    same(outcome, line(*posts), rules)


@given(st.data())
def test_whatever_is_broken_in_a_line_a_glance_changes_nothing(outcome: Outcome, data: st.DataObject) -> None:
    text = bytearray(line(data.draw(rows), post("b", score=1), post("c")))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from(PIECES))
    same(outcome, bytes(text))


MEMBERS = [
    '"a":null',
    '"b": {"c":[1,"x"]}',
    '"a":12',
    '"a":1',
    '"bb":"1234567890123456"',
    '"score":3',
    '"score":2',
]
MEMBERS += [
    '"id":"a"',
    '"id":"b"',
    '"url":"http://a.example/"',
    '"is_self":false',
    '"":""',
    '"d":"é"',
    "",
    "x",
]
changes = st.tuples(st.integers(0, 8), st.sampled_from(MEMBERS), st.sampled_from([",", ",", ", ", " ,", ";"]))


@pytest.mark.slow
@given(st.lists(st.sampled_from(MEMBERS), min_size=2, max_size=8), st.lists(changes, min_size=2, max_size=5))
def test_whatever_a_line_repeats_of_the_one_before_a_glance_changes_nothing(
    outcome: Outcome, members: list[str], lines: list[tuple[int, str, str]]
) -> None:
    changed = [comma.join([*members[:at], each, *members[at + 1 :]]) for at, each, comma in lines]
    same(outcome, "".join(f"{{{line}}}\n" for line in changed).encode())


@pytest.mark.parametrize(
    "text", ['{"a":"1234567890123";"b":1,"c":2,"is_self":true}', '{"a":"1234567890123","b":1']
)
def test_a_line_that_ends_being_json_where_it_begins_to_differ_is_malformed(
    outcome: Outcome, text: str
) -> None:
    lines = b'{"a":"1234567890123","b":1,"c":2,"is_self":true}\n' + text.encode() + b"\n"
    same(outcome, lines)
    assert outcome(lines, RULES[0], True)[3] == [text]


def test_lines_of_more_members_than_are_compared_are_read_to_their_ends(outcome: Outcome) -> None:
    many = {f"name {n}": n for n in range(1000)}
    same(outcome, line(many | post("a", score=2), many | post("b", score=3), many | post("c", score=2)))
    assert glance(line(many | post("a", score=2), many | post("b", score=2)))


PIECES = [*b'"\\{}[]:,-+.0129eE \t\r\n\0\x1f\x7f\x80\xc3\xff', b"\\u12", b"\\u0041", b"\\x", b"null", b"tru"]
PIECES = [each if isinstance(each, bytes) else bytes([each]) for each in PIECES]


@pytest.mark.parametrize(
    "text",
    [
        rb'{"id":"a","score":9,"sc\u006fre":1,"is_self":false,"url":"http://a.example/"}',
        rb'{"sc\u006fre":9,"score":1,"is_self":false,"id":"a","url":"http://a.example/"}',
        b'{"id":"a","score":1,"score":9,"is_self":false,"url":"http://a.example/"}',
        b'{"id":"a","score":"\\u0031","is_self":false,"url":"http://a.example/"}',
        b'{"id":"a","is_self":true} {"id":"b","is_self":true}',
        b'{"id":"a",\n"is_self":true}',
        b'{"id":"a","is_self":true',
        b'{"id":"a","is_self":true,}',
        b'{"id":"a","is_self":true,"x":01}',
        b'{"id":"a","is_self":true,"x":"\xff\xfe"}',
        b'{"id":"a","is_self":true,"x":"\\ud800"}',
        b'{"id":"a","is_self":true,"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"id":"a","is_self":true,"x":1e999}',
        b'  {"id" : "a" , "is_self" :\ttrue }  \r',
        b'{"id":"a","is_self":false,"score":1,"created_utc":1300000000000}',
        b'{"id":"a","is_self":true,"created_utc":1300000000,"retrieved_on":1400000000000}',
        b"[1]",
        b"null",
        b"",
        b"   ",
    ],
)
def test_oddly_written_lines_are_read_as_the_parser_reads_them(outcome: Outcome, text: bytes) -> None:
    same(outcome, text + b"\n" + line(post("y", score=1), post("z")))
    same(outcome, line(post("y", score=1), post("z")) + text)


def test_usual_rows_that_fall_to_a_cheap_rule_are_never_parsed() -> None:
    refused = [
        post("a", is_self=True),
        post("b", score=2),
        post("c", score=None),
        post("d", created_utc=1600000000),
        post("e", created_utc="1600000000", retrieved_on=1600000000),
        post("f", over_18=True, _meta={"retrieved_2nd_on": 1700000000}, retrieved_utc=5),
        post("g", "https://i.imgur.com/a.jpg", promoted=None),
    ]
    seen = glance(line(*refused, post("h")), first_row=7)
    assert seen is not None
    assert seen.refused.total == len(seen.refused.keys) == len(refused)
    assert seen.rows.tolist() == [14]
    assert [json.loads(each)["id"] for each in seen.lines] == ["h"]


ODD = [
    b"x",
    b'{"id":"o","is_self":true',
    b'{"id":"o","is_self":true}}',
    b'{"id":"o"} {"id":"p"}',
    rb'{"\u0069d":"o","score":1}',
    b'{"id":"o","x":' + b"[" * 70 + b"]" * 70 + b"}",
    b'"' + b"o" * 2000,
    b"\0",
    b"\x0b",
]


@pytest.mark.parametrize("odd", ODD)
def test_a_line_that_a_glance_cannot_tell_is_left_open_as_it_is_and_costs_no_other(
    outcome: Outcome, odd: bytes
) -> None:
    usual = line(post("a", score=2), post("b"))
    seen = glance(usual + odd + b"\n" + usual + odd, first_row=7)
    assert seen is not None
    assert seen.refused.total == 2
    assert seen.rows.tolist() == [8, 9, 11, 12]
    assert [seen.lines[number] for number in (1, 3)] == [odd + b"\n"] * 2
    same(outcome, usual + odd + b"\n" + usual + odd)


@pytest.mark.slow
@given(st.lists(st.one_of(st.sampled_from([*ODD, b"", b" \t\r"]), st.builds(line, rows)), max_size=12))
def test_however_odd_lines_stand_among_others_a_glance_changes_nothing(
    outcome: Outcome, lines: list[bytes]
) -> None:
    same(outcome, b"\n".join(each.removesuffix(b"\n") for each in lines))


def test_blank_lines_are_no_rows() -> None:
    seen = glance(b"\n \t\r\n\n" + line(post("a")) + b"\n  ")
    assert seen is not None
    assert seen.rows.tolist() == [0]
    assert glance(b"\n" * (MAX_ROWS + 1)) is not None


@pytest.mark.slow
def test_more_rows_than_a_glance_has_room_for_are_parsed(outcome: Outcome) -> None:
    lines = b'{"id":"a","is_self":true}\n'
    assert glance(lines * MAX_ROWS) is not None
    assert glance(lines * (MAX_ROWS + 1)) is None
    same(outcome, lines * (MAX_ROWS + 1))


def test_a_dump_of_many_chunks_is_looked_at_ahead_and_nothing_changes(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webtext.links.line_chunks.CHUNK_BYTES", 1 << 12)
    rows = [post(f"a{number}", f"http://h{number % 7}.example/", number % 5) for number in range(1000)]
    same(outcome, line(*rows))


def test_where_no_scanner_was_built_a_glance_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = line(post("a", is_self=True))
    assert glance(lines) is not None
    monkeypatch.setattr("webtext.links.glance.scan", None)
    assert glance(lines) is None
