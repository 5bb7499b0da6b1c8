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


def test_of_three_documents_each_is_a_third(tmp_path: Path) -> None:
    links = [Planted(f"http://a.example/{n}", words=10 * n) for n in (3, 1, 2)]
    found = samples.measure(Source(Writer(tmp_path, links).write("shards")))["published"]
    assert [(row["stratum"], row["words"]) for row in found] == [("short", 10), ("middle", 20), ("long", 30)]


def test_one_document_is_shown_once(tmp_path: Path) -> None:
    corpus = Writer(tmp_path, [Planted("http://a.example/")]).write("shards")
    (row,) = samples.measure(Source(corpus))["published"]
    assert row["url"] == "http://a.example/"


def test_which_are_shown_is_decided_by_the_second_half_of_an_id_alone(tmp_path: Path) -> None:
    links = [Planted(f"http://a.example/{n}", "kept" if n < 40 else "language", words=9) for n in range(80)]
    links += [Planted("http://a.example/", words=10), Planted("http://b.example/", words=11)]
    few = samples.measure(
        Source(Writer(tmp_path / "few", links, row_group_rows=3, partitions=5).write("shards"))
    )
    many = samples.measure(Source(Writer(tmp_path / "many", links, row_group_rows=99).write("shards")))
    assert few == many
    order = sorted(links, key=lambda link: link.id[8:])
    kept, refused = (
        [link.id for link in order if (link.fate, link.words) == (fate, 9)] for fate in ("kept", "language")
    )
    assert [row["id"] for row in few["published"] if row["stratum"] == "short"] == kept[:2]
    assert [row["id"] for row in few["refused"][0]["documents"]] == refused[:2]
