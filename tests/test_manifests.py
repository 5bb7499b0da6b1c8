"""A manifest of tens of thousands of partitions is parsed as seldom as can be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webtext import table
from webtext.manifest import Counts, Manifest, Part
from webtext.table import Table


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The stages whose manifests were parsed."""
    names, real = list[str](), Manifest.from_json

    def told(row: dict[str, Any]) -> Manifest:
        names.append(row["stage"])
        return real(row)

    monkeypatch.setattr(Manifest, "from_json", told)
    table._parsed.cache_clear()
    yield names
    table._parsed.cache_clear()


def made(folder: Path, name: str = "pages", rows: int = 1) -> Table:
    there = Table(name, folder / name, None)
    part = Part("part-00000.parquet", "key", rows, 1, "hash", Counts(rows, rows))
    there.publish(Manifest(name, 1, "recipe", "inputs", (part,), Counts(rows, rows)))
    return there


def test_a_manifest_is_parsed_once_however_often_it_is_asked_for(tmp_path: Path, parsed: list[str]) -> None:
    tables = [made(tmp_path, name) for name in ("links", "pages", "documents", "clusters")]
    for _ in range(3):
        assert [each.published().stage for each in tables] == [each.name for each in tables]
    assert sorted(parsed) == ["clusters", "documents", "links", "pages"]


def test_a_manifest_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    assert made(tmp_path, rows=1).published().counts.out == 1
    assert made(tmp_path, rows=2).published().counts.out == 2


def test_whether_a_table_is_published_is_told_without_its_manifest(tmp_path: Path, parsed: list[str]) -> None:
    assert not Table("pages", tmp_path / "pages", None).is_published
    assert made(tmp_path).is_published
    assert parsed == []
