"""With which versions of the libraries the texts were made."""

from dataclasses import replace
from pathlib import Path

from tests.audit.conftest import Planted, Writer
from webtext.audit.sections import libraries
from webtext.audit.source import Source
from webtext.corpus import Corpus

LINKS = [Planted(f"http://a.example/{number}") for number in range(6)]


def made_with(corpus: Corpus, *of_partitions: dict[str, list[str]]) -> Source:
    table = corpus.table("documents")
    manifest = table.manifest()
    assert manifest
    parts = [
        replace(part, extra={"libraries": each})
        for part, each in zip(manifest.partitions, of_partitions, strict=True)
    ]
    table.publish(replace(manifest, partitions=tuple(parts)))
    return Source(corpus)


def test_pages_are_counted_by_the_versions_that_read_them(tmp_path: Path) -> None:
    source = made_with(
        Writer(tmp_path, LINKS).write("documents"),
        {"ftfy": ["6.3"], "lxml": ["5.3"]},
        {"ftfy": ["6.3"], "lxml": ["5.3", "6.0"]},
    )
    first, second = (len(source.corpus.table("documents").read(file)) for file in source.files("documents"))
    assert libraries.measure(source)["versions"] == [
        {"library": "ftfy", "version": "6.3", "pages": 6},
        {"library": "lxml", "version": "5.3", "pages": first},
        {"library": "lxml", "version": "5.3, 6.0", "pages": second},
    ]


def test_the_page_names_the_libraries_of_which_there_are_several_versions(tmp_path: Path) -> None:
    source = made_with(
        Writer(tmp_path, LINKS).write("documents"),
        {"ftfy": ["6.3"], "lxml": ["5.3"]},
        {"ftfy": ["6.3"], "lxml": ["6.0"]},
    )
    assert "more than one of lxml." in str(libraries.view(libraries.measure(source))[0])


def test_documents_that_name_none_are_told(tmp_path: Path) -> None:
    numbers = libraries.measure(Source(Writer(tmp_path, LINKS).write("documents")))
    assert (numbers["pages"], numbers["told"], numbers["versions"]) == (6, 0, [])
    assert "was not kept yet" in str(libraries.view(numbers)[0])


def test_a_partition_of_two_versions_is_told_where_it_is_the_only_one(tmp_path: Path) -> None:
    both = {"lxml": ["5.3", "6.0"]}
    source = made_with(Writer(tmp_path, LINKS).write("documents"), both, both)
    assert "more than one of lxml." in str(libraries.view(libraries.measure(source))[0])
