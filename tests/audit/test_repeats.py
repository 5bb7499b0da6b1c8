"""What most documents share is found, with how many documents have it."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audit.conftest import Planted, Writer
from webtext.audit import frequent
from webtext.audit.sections import repeats
from webtext.audit.source import Source

FOOT = "All rights reserved by the owners of this site."
LICENCE = "permission is hereby granted free of charge to any person who wants it"


def prose(number: int, words: int = 80) -> str:
    chosen = random.Random(number)
    return " ".join("".join(chosen.choices("abcdefghij", k=7)) for _ in range(words))


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def measure(*texts: str) -> dict[str, Any]:
        links = [
            Planted(f"http://d{n}.example/{n}", domain=f"d{n % 3}.example", text=text)
            for n, text in enumerate(texts)
        ]
        return repeats.measure(Source(Writer(tmp_path, links).write("shards")))

    return measure


def test_a_line_counts_each_document_once_and_its_domains(measured: Callable[..., dict[str, Any]]) -> None:
    texts = [f"{prose(n)}\n{FOOT}\n{FOOT}" if n < 4 else prose(n) for n in range(9)]
    (line,) = measured(*texts)["lines"]
    assert (line["text"], line["documents"], line["domains"]) == (FOOT, 4, 3)
    assert line["share"] == pytest.approx(4 / 9, abs=1e-4)
    assert line["example"] in {f"http://d{n}.example/{n}" for n in range(4)}


def test_neighbouring_runs_are_one_passage_inside_of_lines(measured: Callable[..., dict[str, Any]]) -> None:
    texts = [f"{prose(n)} {LICENCE} {prose(100 + n)}" if n in (2, 5, 7) else prose(n) for n in range(9)]
    (passage,) = measured(*texts)["passages"]
    assert (passage["text"], passage["documents"]) == (LICENCE, 3)


def test_nothing_in_common_is_said_in_a_sentence(measured: Callable[..., dict[str, Any]]) -> None:
    numbers = measured(*map(prose, range(5)))
    assert numbers["lines"] == numbers["passages"] == []
    assert "No two documents" in str(repeats.view(numbers)[0])


def test_short_lines_are_not_counted(measured: Callable[..., dict[str, Any]]) -> None:
    short, long = "Share this with all", "Share this with them"
    lines = measured(*(f"{prose(n)}\n{short}\n  {long}  " for n in range(5)))["lines"]
    assert (len(short), [line["text"] for line in lines]) == (repeats.LEAST_CHARS - 1, [long])


def test_passages_are_looked_for_in_the_first_documents_alone(
    measured: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{prose(n)} {LICENCE}" for n in range(9)]
    monkeypatch.setattr(repeats, "MOST_DOCUMENTS", 7)
    found = measured(*texts)
    assert (found["documents"], found["documents_searched"]) == (9, 7)
    (passage,) = found["passages"]
    assert (passage["documents"], passage["share"]) == (7, 1)


def test_the_most_frequent_are_exact_however_many_strangers_share_their_buckets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("webtext.audit.frequent.BUCKETS", 1 << 10)
    monkeypatch.setattr("webtext.audit.frequent.FULLEST", 20)
    strangers = np.random.default_rng(0).integers(1 << 63, 1 << 64, 100_000, np.uint64)
    planted = np.repeat(np.arange(1, 6, dtype=np.uint64), [5000, 4000, 3000, 2000, 1000])
    pieces = (strangers, planted)
    mask = frequent.fullest(frequent.count([each]) for each in pieces)
    counts = sum((frequent.count_exactly(each, mask) for each in pieces), Counter[int]())
    assert frequent.most(counts, 5) == [(1, 5000), (2, 4000), (3, 3000), (4, 2000), (5, 1000)]


def test_what_occurs_once_is_not_frequent_though_its_bucket_was_full() -> None:
    assert frequent.most(Counter({5: 1, 7: 2, 3: 2}), 10) == [(3, 2), (7, 2)]
