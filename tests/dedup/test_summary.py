"""What a build says about its duplicates, in the manifest and at the terminal."""

from pathlib import Path
from typing import Any

import pytest

from tests.dedup.conftest import Prose
from tests.dedup.corpora import Document, build_clusters, write_corpus
from webtext import show, terminal


def said_of(root: Path, prose: Prose, **settings: Any) -> dict[str, Any]:
    """Clusters of 5 (a text, two copies, two near copies) and 2, two single texts, one cousin."""
    words, other = prose(200), prose(100)
    text = " ".join(words)
    near = [" ".join([*words[:place], "edit", *words[place:]]) for place in (50, 100)]
    cousin = " ".join([*other[:20], "a", *other[20:40], "b", *other[40:60], "c", *other[60:]])
    texts = [" ".join(prose(50)), text, text.upper(), f"{text}!", *near, *[" ".join(other)] * 2, cousin]
    corpus = write_corpus(root, [Document(n, text) for n, text in enumerate(texts)])
    return build_clusters(corpus, **settings).extra


def test_the_manifest_tells_clusters_by_size_and_names_the_largest(tmp_path: Path, prose: Prose) -> None:
    said = said_of(tmp_path, prose)
    assert said["clusters"] == 2
    assert said["sizes"] == [
        {"from": 2, "to": 2, "clusters": 1, "documents": 2},
        {"from": 4, "to": 7, "clusters": 1, "documents": 5},
    ]
    assert said["largest"] == [
        {"documents": 5, "id": f"{1:016x}", "url": "https://example.org/1"},
        {"documents": 2, "id": f"{6:016x}", "url": "https://example.org/6"},
    ]


def test_the_manifest_tells_pairs_compared_verified_and_refused(tmp_path: Path, prose: Prose) -> None:
    pairs = said_of(tmp_path, prose, bands=64, rows=2)["pairs"]  # so many bands find the cousin too
    assert pairs == {"compared": 4, "verified": 3, "refused": 1}


def test_the_manifest_tells_the_recall_curve_and_its_warning(tmp_path: Path, prose: Prose) -> None:
    banding = said_of(tmp_path, prose, bands=9, rows=13)["banding"]
    assert banding["curve"]["0.9"] == 0.9286 and "dedup.bands = 12" in banding["warning"]


def test_without_near_duplicates_nothing_is_said_of_bands(tmp_path: Path, prose: Prose) -> None:
    said = said_of(tmp_path, prose, methods=["exact"])
    assert said["banding"] is None and said["pairs"]["compared"] == 0
    assert [cluster["documents"] for cluster in said["largest"]] == [3, 2]


def test_the_terminal_shows_it_all(
    tmp_path: Path, prose: Prose, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.console, "width", 200)
    show.build({"corpus": "corpus", "duplicates": said_of(tmp_path, prose, bands=9, rows=13)})
    shown = capsys.readouterr().out
    for line in (
        "9 bands × 13 rows",
        "0.9 92.9%",
        "warning: ",
        " compared, ",
        "4–7",
        "https://example.org/1",
    ):
        assert line in shown


def test_a_single_cluster_is_told_as_one(
    tmp_path: Path, prose: Prose, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_of(tmp_path, prose)
    show.build({"corpus": "corpus", "duplicates": said | {"clusters": 1}})
    assert "1 cluster of two or more" in capsys.readouterr().out
