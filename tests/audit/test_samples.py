"""Documents to read come from every length."""

from pathlib import Path

from tests.audit.conftest import Planted, Writer
from webtext.audit.sections import samples
from webtext.audit.source import Source


def test_published_samples_are_two_of_each_third_by_length(tmp_path: Path) -> None:
    links = [Planted(f"http://a.example/{n}", words=10 * n) for n in range(1, 31)]
    found = samples.measure(Source(Writer(tmp_path, links).write("shards")))["published"]
    assert [row["stratum"] for row in found] == ["short"] * 2 + ["middle"] * 2 + ["long"] * 2
    words = [row["words"] for row in found]
    assert max(words[:2]) <= 100 < min(words[2:4]) <= max(words[2:4]) <= 200 < min(words[4:])


def test_one_document_is_shown_once(tmp_path: Path) -> None:
    corpus = Writer(tmp_path, [Planted("http://a.example/")]).write("shards")
    (row,) = samples.measure(Source(corpus))["published"]
    assert row["url"] == "http://a.example/"
