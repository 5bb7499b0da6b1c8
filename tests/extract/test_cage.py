"""A page that hangs, explodes or kills its process costs itself and nothing else."""

import os
import random
import signal
from collections.abc import Iterator

import pytest
from langdetect import LangDetectException

from tests.extract.web import english
from webtext.engine import Report
from webtext.errors import RunFailed
from webtext.extract.cage import Cage
from webtext.extract.page import Page
from webtext.reasons import UNEXTRACTABLE
from webtext.sections import Extract

GOOD = Page(english(), "http://a.example.org/", "text/html")
# Some seconds of work for the extractor.
HEAVY = Page(b"<html><body>" + b'<a href="/x">link</a> ' * 1_000_000, "http://b.example.org/", "text/html")
SHORT = Extract(timeout_s=1)


def die(_: object, __: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def recurse(item: object, report: Report) -> None:
    recurse(item, report)


def fail_as_langdetect_does(_: object, __: Report) -> None:
    raise LangDetectException(0, "said")  # which cannot be made again of what it says


def entity_bomb() -> bytes:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))
    return f'<!DOCTYPE a [<!ENTITY a0 "lol">{entities}]><html><body><p>&a19;</p></body></html>'.encode()


HOSTILE = {
    "nested": b"<div>" * 200_000 + b"text",
    "nested_tables": b"<table><tr><td>" * 30_000,
    "one_line": b"<html><body><p>" + b"word " * 6_000_000,
    "attributes": b"<html><body><p " + b" ".join(b"a%d=1" % n for n in range(1_000_000)) + b">text</p>",
    "element_names": b"<html><body>" + b"".join(b"<t%d>x" % n for n in range(100_000)),
    "unclosed_tags": b"<" * 5_000_000,
    "comments": b"<!--" * 500_000,
    "nuls": b"<p>a\0b</p>" * 1000 + b"\0" * 1_000_000,
    "random": random.Random(1).randbytes(1_000_000),
    "entities": entity_bomb(),
    "combining_marks": ("<p>a" + "\u0301\u0316" * 100_000).encode(),
    "spaces": b"<html><body><pre>" + b"a \n" * 300_000,
    "empty": b"",
}


@pytest.fixture(autouse=True)
def _the_cage_is_whole_again(cage: Cage) -> Iterator[None]:
    yield
    assert cage.measure(GOOD, Extract())["words"] > 100


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_html_gets_a_row_in_time(body: bytes, cage: Cage) -> None:
    row = cage.measure(Page(body, "http://a.example.org/", "text/html"), Extract(timeout_s=2))
    assert row.get("verdict") in UNEXTRACTABLE or row["chars"] <= 1_000_000


@pytest.mark.parametrize("name", ["one_line", "nuls", "random", "empty"])
def test_hostile_text_gets_a_row_in_time(name: str, cage: Cage) -> None:
    row = cage.measure(Page(HOSTILE[name], "http://a.example.org/", "text/plain"), Extract(timeout_s=2))
    assert row.get("verdict") in UNEXTRACTABLE or row["chars"] <= 1_000_000


def test_a_page_that_takes_too_long_is_stopped(cage: Cage) -> None:
    row = cage.measure(HEAVY, SHORT)
    assert row == {"verdict": "extract_timeout", "detail": "more than 1 s"}


def test_a_page_that_wants_too_much_memory_is_a_crash() -> None:
    small = Cage(memory_bytes=320 << 20)
    try:
        row = small.measure(HEAVY, Extract(timeout_s=60))
        assert row["verdict"] == "extract_crash"
        assert row["detail"].endswith("320 MiB")
        assert small.measure(GOOD, Extract())["words"] > 100
    finally:
        small.close()


def test_a_page_that_kills_its_process_is_a_crash(cage: Cage, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("webtext.extract.cage._measure", die)
        assert cage.measure(GOOD, Extract())["verdict"] == "extract_crash"


def test_a_page_whose_extraction_raises_is_a_crash_named_by_the_error(
    cage: Cage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("webtext.extract.cage._measure", recurse)
        row = cage.measure(GOOD, Extract())
    assert row == {"verdict": "extract_crash", "detail": "RecursionError"}


def test_an_error_that_cannot_travel_costs_its_page_alone(
    cage: Cage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("webtext.extract.cage._measure", fail_as_langdetect_does)
        assert cage.measure(GOOD, Extract())["verdict"] == "extract_crash"


def test_a_process_that_another_killed_costs_nothing(cage: Cage) -> None:
    expected = cage.measure(GOOD, Extract())
    assert cage._child is not None and cage._child.process.pid is not None
    os.kill(cage._child.process.pid, signal.SIGKILL)
    assert cage.measure(GOOD, Extract()) == expected


def test_a_process_is_replaced_after_so_many_pages(cage: Cage, monkeypatch: pytest.MonkeyPatch) -> None:
    cage.measure(GOOD, Extract())
    before = cage.pid
    monkeypatch.setattr("webtext.extract.cage.PAGES_PER_PROCESS", 1)
    cage.measure(GOOD, Extract())
    assert cage.pid != before


def test_a_process_that_cannot_start_stops_the_run_and_blames_no_page() -> None:
    with pytest.raises(RunFailed, match="does not start"):
        Cage(memory_bytes=10 << 20).measure(GOOD, Extract())
