"""The journal of a partition whose corpus lies in an object store, on machines that come and go."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crawl.test_crawl_journal import AT, STEM
from tests.object_store import BUCKET, ObjectStore, serving
from webtext import files, schemas, store
from webtext.crawl import journal as journals
from webtext.crawl.exchange import Exchange
from webtext.crawl.journal import Journal
from webtext.crawl.packing import pack
from webtext.crawl.warc import FOLDER, LostRecord, read_response


@pytest.fixture(scope="module")
def site() -> Iterator[ObjectStore]:
    with serving() as site:
        yield site


@pytest.fixture
def pages(
    site: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Path:
    """The folder of pages on this machine; one archive to a row."""
    assert not site.denied
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    monkeypatch.setattr(journals, "PUT_BYTES", 1)
    return store.folder_of(f"s3://{BUCKET}/{request.node.name}") / "pages"


def fill(journal: Journal, *ids: str) -> None:
    for id in ids:
        position = journal.append(pack(Exchange(f"http://a.example/{id}", 200, (), id.encode())))
        row = dict.fromkeys(schemas.PAGES.names) | {"id": id, "state": "fetched", "captured_at": AT}
        place = {"warc_file": position.file, "warc_offset": position.offset}
        journal.add(row | place | {"warc_length": position.length})


def crawl(pages: Path, *ids: str, finish: bool = False) -> None:
    with Journal(pages, STEM, "key") as journal:
        fill(journal, *ids)
        if finish:
            journal.finish()


def stored(pages: Path) -> list[str]:
    """The rows that the store's journal has, each with its record read by range from the store."""
    with Journal(pages, STEM, "key") as journal:
        rows = list(journal.rows())
    for row in rows:
        place = row["warc_file"], row["warc_offset"]
        assert read_response(pages, *place, 100, row["warc_length"]).body == row["id"].encode()
    return [row["id"] for row in rows]


def lose(pages: Path) -> None:
    """This machine's copies are gone."""
    shutil.rmtree(pages)


def test_another_machine_goes_on_from_what_was_put(pages: Path) -> None:
    crawl(pages, *"abc")  # of which each but the last has a follower
    lose(pages)
    assert stored(pages) == ["a", "b"]
    crawl(pages, *"de", finish=True)
    lose(pages)
    assert stored(pages) == ["a", "b", "d", "e"]


def test_an_archive_is_put_before_the_journal_that_speaks_of_it(
    pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, put = [], files.put

    def watched(path: Path) -> None:
        order.append(path.name)
        put(path)

    with Journal(pages, STEM, "key") as journal:
        fill(journal, "a")
        monkeypatch.setattr(files, "put", watched)
        journal.finish()
    assert order == [f"{STEM}-0000.warc.gz", f"{STEM}.journal.jsonl"]


def test_what_has_waited_for_long_is_put(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "PUT_BYTES", 1_000_000)
    with Journal(pages, STEM, "key") as journal:
        fill(journal, *"ab")
        journal.sync()
        monkeypatch.setattr(journals, "PUT_EVERY_S", 0)
        journal.sync(every_s=60)
        fill(journal, "c")
    lose(pages)
    assert stored(pages) == ["a", "b"]


def test_the_same_machine_goes_on_from_what_lies_there(pages: Path) -> None:
    crawl(pages, *"abc")
    crawl(pages, "d", finish=True)
    lose(pages)
    assert stored(pages) == list("abcd")


def test_rows_that_a_kill_left_outlive_an_end_without_new_ones(pages: Path) -> None:
    crawl(pages, "a")
    with Journal(pages, STEM, "key") as journal:
        journal.finish()
        assert [row["id"] for row in journal.rows()] == ["a"]
    lose(pages)
    assert stored(pages) == ["a"]


def test_what_another_machine_did_since_takes_the_place_of_what_lies_here(pages: Path) -> None:
    crawl(pages, "a")
    away = pages.with_name("away")
    pages.rename(away)
    crawl(pages, *"xy", finish=True)
    lose(pages)
    away.rename(pages)
    assert stored(pages) == ["x", "y"]


def test_a_journal_that_was_ended_elsewhere_is_not_taken_up_again(pages: Path) -> None:
    crawl(pages, "a")
    away = pages.with_name("away")
    pages.rename(away)
    with Journal(pages, STEM, "key") as journal:
        fill(journal, "x")
        journal.finish()
        journal.remove()
    archives = files.sizes(pages / FOLDER)
    lose(pages)
    away.rename(pages)
    crawl(pages, "z", finish=True)
    assert stored(pages) == ["z"]
    assert files.sizes(pages / FOLDER).items() > archives.items()  # of the table that the other one made


def test_an_archive_that_no_row_knows_of_is_removed(pages: Path) -> None:
    crawl(pages, "a", finish=True)
    with Journal(pages, STEM, "key") as journal:
        journal.append(pack(Exchange("http://a.example/hop", 302)))
        files.put(pages / FOLDER / f"{STEM}-0001.warc.gz")
    lose(pages)
    assert stored(pages) == ["a"]
    assert list(files.sizes(pages / FOLDER)) == [f"{STEM}-0000.warc.gz"]


def test_a_record_that_the_store_has_not_is_lost(pages: Path) -> None:
    with pytest.raises(LostRecord):
        read_response(pages, f"{FOLDER}/{STEM}-0000.warc.gz", 0, 100, 50)
