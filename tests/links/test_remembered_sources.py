"""Without `--links` the sources used before are taken again: those very files, wherever the command runs."""

from pathlib import Path
from typing import Any

import pytest

from pipelines import link_sources, link_steps
from tests.links.dumps import harvest, parts_of, post, write_dump
from webtext.corpus import Corpus
from webtext.errors import UserError

A, B = "http://a.example/", "http://b.example/"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with a file of the same name, of different links."""
    for name, url in (("one", A), ("two", B)):
        (tmp_path / name).mkdir()
        write_dump(tmp_path / name / "RS", [post("1", url, 9), post("2", f"{url}low", 4)])
    return tmp_path / "one", tmp_path / "two"


def urls(found: tuple[Any, list[dict[str, Any]]]) -> list[str]:
    return sorted(link["url"] for link in found[1])


def test_a_name_means_the_file_that_it_meant_where_it_was_given(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folders[0])
    first, _ = harvest(tmp_path / "c", ["RS"])
    monkeypatch.chdir(folders[1])
    assert urls(harvest(tmp_path / "c", [], "min_karma=5")) == [A]
    second, _ = harvest(tmp_path / "c", [])
    assert second.extra == first.extra  # which names no folder


def test_columns_that_were_mapped_are_mapped_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(f"page,likes\n{A},9\n{B},4\n")
    harvest(tmp_path / "c", ["x.csv?url=page&score=likes"])
    monkeypatch.chdir("/")
    assert urls(harvest(tmp_path / "c", [], "min_karma=5")) == [A]


def test_another_file_in_its_place_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    harvest(tmp_path / "c", [folders[0] / "RS"])
    (folders[1] / "RS").replace(folders[0] / "RS")
    before = parts_of(tmp_path / "c")
    with pytest.raises(UserError, match=r"one/RS: is not what the links were made from; name .* --links"):
        harvest(tmp_path / "c", [], "min_karma=5")
    assert parts_of(tmp_path / "c") == before


def test_one_that_is_gone_is_said_to_be_remembered(folders: tuple[Path, Path], tmp_path: Path) -> None:
    harvest(tmp_path / "c", [folders[0] / "RS"])
    (folders[0] / "RS").unlink()
    with pytest.raises(
        UserError, match=r"one/RS: no such file; the links were made from it: name .* --links"
    ):
        harvest(tmp_path / "c", [], "min_karma=5")


def test_one_that_moved_is_remembered_where_it_was_named_last(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    first, _ = harvest(tmp_path / "c", [folders[0] / "RS"])
    moved = (folders[0] / "RS").rename(tmp_path / "moved")
    assert harvest(tmp_path / "c", [moved])[0] == first  # nothing to do
    assert urls(harvest(tmp_path / "c", [], "min_karma=5")) == [A]


def test_a_corpus_that_remembers_names_alone_takes_no_other_file(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folders[0])
    harvest(tmp_path / "c", ["RS"])
    (tmp_path / "c" / "links" / "_sources.json").unlink()  # as of corpora made before there was one
    assert urls(harvest(tmp_path / "c", [], "min_karma=5")) == [A]
    (tmp_path / "c" / "links" / "_sources.json").unlink()
    monkeypatch.chdir(folders[1])
    with pytest.raises(UserError, match="RS: is not what the links were made from"):
        harvest(tmp_path / "c", [], "min_karma=4")


def test_they_are_known_after_a_run_that_was_interrupted_while_it_made_the_links(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harvest(tmp_path / "c", [folders[0] / "RS"])
    monkeypatch.setattr(link_steps, "merge", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        harvest(tmp_path / "c", [], "min_karma=5")
    monkeypatch.undo()
    assert Corpus(tmp_path / "c").table("links").manifest() is None
    assert urls(harvest(tmp_path / "c", [], "min_karma=5")) == [A]


def test_notes_that_are_damaged_say_what_to_do(folders: tuple[Path, Path], tmp_path: Path) -> None:
    harvest(tmp_path / "c", [folders[0] / "RS"])
    (tmp_path / "c" / "links" / "_sources.json").write_text("[{}]")
    with pytest.raises(UserError, match="name the sources with --links"):
        link_sources.remembered(Corpus(tmp_path / "c"))
