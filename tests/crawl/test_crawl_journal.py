"""The journal of a partition, torn in every way that a kill or a power cut can tear it."""

import fcntl
import multiprocessing
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from webtext import schemas
from webtext.crawl import journal as journals
from webtext.crawl.exchange import Exchange
from webtext.crawl.journal import Journal, journal_path
from webtext.crawl.packing import pack
from webtext.crawl.warc import read_response

STEM = "part-00003"
AT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def fill(journal: Journal, *ids: str, state: str = "fetched") -> None:
    for id in ids:
        position = journal.append(pack(Exchange(f"http://a.example/{id}", 200, (), id.encode())))
        row = dict.fromkeys(schemas.PAGES.names) | {"id": id, "state": state, "captured_at": AT}
        journal.add(row | {"warc_file": position.file, "warc_offset": position.offset})


def ids(folder: Path, key: str = "key") -> list[str]:
    """Opens the journal again, and reads every record that its rows point at."""
    with Journal(folder, STEM, key) as journal:
        rows = list(journal.rows())
    for row in rows:
        assert read_response(folder, row["warc_file"], row["warc_offset"], 100).body == row["id"].encode()
    for warc in (folder / "warc").glob("*"):
        subprocess.run([sys.executable, "-m", "warcio.cli", "check", str(warc)], check=True)
    return [row["id"] for row in rows]


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    with Journal(tmp_path, STEM, "key") as journal:
        fill(journal, "a", "b")
        journal.sync()
        fill(journal, "c", "d")
    return tmp_path


def warc(folder: Path, number: int = 0) -> Path:
    return folder / "warc" / f"{STEM}-{number:04d}.warc.gz"


def tear(path: Path, drop: int) -> None:
    os.truncate(path, path.stat().st_size - drop)


def test_rows_come_back_as_they_were(filled: Path) -> None:
    with Journal(filled, STEM, "key") as journal:
        [first, *_] = journal.rows()
    assert first["captured_at"] == AT
    assert first["fetched_at"] is None


def test_a_journal_goes_on_where_it_ended(filled: Path) -> None:
    with Journal(filled, STEM, "key") as journal:
        assert [row["id"] for row in journal.rows()] == ["a", "b", "c", "d"]
        fill(journal, "e")
    assert ids(filled) == ["a", "b", "c", "d", "e"]
    assert [path.name for path in (filled / "warc").iterdir()] == [warc(filled).name]


@pytest.mark.parametrize("name", [f"{STEM}-0007.warc.gz.cdx", f"{STEM}-copy.warc.gz", f"{STEM}-0001.cdxj"])
def test_what_others_put_beside_a_partitions_warc_files_is_none_of_them(filled: Path, name: str) -> None:
    (filled / "warc" / name).write_bytes(b"an index")
    with Journal(filled, STEM, "key") as journal:
        fill(journal, "e")
    assert sorted(path.name for path in (filled / "warc").iterdir()) == sorted([warc(filled).name, name])


@pytest.mark.parametrize("drop", [1, 10, 80])
def test_a_torn_last_line_is_dropped_and_its_record_with_it(filled: Path, drop: int) -> None:
    tear(journal_path(filled, STEM), drop)
    size = warc(filled).stat().st_size
    assert ids(filled) == ["a", "b", "c"]
    assert warc(filled).stat().st_size < size


def test_a_record_without_a_row_is_cut_off(filled: Path) -> None:
    size = warc(filled).stat().st_size
    with Journal(filled, STEM, "key") as journal:
        journal.append(pack(Exchange("http://a.example/hop", 302)))
    assert ids(filled) == ["a", "b", "c", "d"]
    assert warc(filled).stat().st_size == size


@pytest.mark.parametrize(("drop", "left"), [(1, "abc"), (300, "abc"), (1000, "ab")])
def test_rows_that_the_disk_had_without_their_records_are_not_believed(
    filled: Path, drop: int, left: str
) -> None:
    tear(warc(filled), drop)
    assert ids(filled) == list(left)


def test_records_that_a_power_cut_filled_with_zeros_are_not_believed(filled: Path) -> None:
    size = warc(filled).stat().st_size
    tear(warc(filled), 300)
    os.truncate(warc(filled), size)
    assert ids(filled) == ["a", "b", "c"]


def test_the_disk_has_the_records_before_the_journal_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for, fsync, path = [], os.fsync, journal_path(tmp_path, STEM)

    def watched(handle: int) -> None:
        asked_for.append((os.fstat(handle).st_ino, '"synced"' in path.read_text()))
        fsync(handle)

    with Journal(tmp_path, STEM, "key") as journal:
        fill(journal, "a")
        monkeypatch.setattr(os, "fsync", watched)
        journal.sync()
        journal.sync()  # there is nothing new
        fill(journal, "b")
        journal.sync(every_s=60)  # too soon
    assert asked_for == [(warc(tmp_path).stat().st_ino, False), (path.stat().st_ino, True)]


def test_garbage_after_the_last_line_is_dropped(filled: Path) -> None:
    with journal_path(filled, STEM).open("ab") as file:
        file.write(b"\0\0\0\n")
    with Journal(filled, STEM, "key") as journal:
        fill(journal, "e")
    assert ids(filled) == ["a", "b", "c", "d", "e"]


def test_under_another_key_only_the_fetched_rows_stay(tmp_path: Path) -> None:
    with Journal(tmp_path, STEM, "old") as journal:
        fill(journal, "a")
        fill(journal, "b", state="timeout")
    assert ids(tmp_path, "new") == ["a"]
    assert ids(tmp_path, "old") == ["a"]


def test_a_new_journal_leaves_the_files_of_older_tables_alone(filled: Path) -> None:
    with Journal(filled, STEM, "key") as journal:
        journal.remove()
    before = warc(filled).read_bytes()
    with Journal(filled, STEM, "key") as journal:
        assert not list(journal.rows())
        fill(journal, "e")
    assert warc(filled).read_bytes() == before
    assert warc(filled, 1).exists()


@pytest.mark.slow
def test_files_are_rolled_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "WARC_BYTES", 1000)
    with Journal(tmp_path, STEM, "key") as journal:
        fill(journal, *"abcdef")
    assert len(list((tmp_path / "warc").iterdir())) > 1
    assert ids(tmp_path) == list("abcdef")
    tear(journal_path(tmp_path, STEM), 1)
    assert ids(tmp_path) == list("abcde")


def test_a_file_that_was_begun_for_no_row_is_removed(tmp_path: Path) -> None:
    with Journal(tmp_path, STEM, "key") as journal:
        journal.append(pack(Exchange("http://a.example/hop", 302)))
    assert ids(tmp_path) == []
    assert not warc(tmp_path).exists()


def hold(folder: Path, opened: Any, seconds: float) -> None:
    with Journal(folder, STEM, "key") as journal:
        fill(journal, "a")
        opened.set()
        time.sleep(seconds)


def test_a_second_process_waits_for_the_first_to_end(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    opened = context.Event()
    process = context.Process(target=hold, args=(tmp_path, opened, 0.5))
    process.start()
    opened.wait(10)
    started = time.monotonic()
    assert ids(tmp_path) == ["a"]
    assert time.monotonic() - started > 0.3
    process.join()


def test_a_journal_that_is_ended_while_another_process_opens_it_is_begun_anew(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flock = journal_path(filled, STEM), fcntl.flock

    def ended_meanwhile(handle: int, operation: int) -> None:
        monkeypatch.undo()
        path.unlink()
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", ended_meanwhile)
    with Journal(filled, STEM, "key") as journal:
        fill(journal, "e")
    assert ids(filled) == ["e"]


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        ('"id": "c"', '"ie": "c"', ["a", "b"]),
        ('"id": "c", "url": null, "state"', '"id": "c", "url": null, "statf"', ["a", "b"]),
        ('"first_warc"', '"firsu_warc"', []),
        ('"first_warc": 0', '"first_warc": "0"', []),
        ('"captured_at": "2026-', '"captured_at": "2.26-', []),
        ('"warc": ["warc/', '"warc": 7, "was": ["warc/', []),
    ],
)
def test_a_line_that_lacks_what_is_read_of_it_ends_the_journal_as_a_torn_one_does(
    filled: Path, old: str, new: str, left: list[str]
) -> None:
    path = journal_path(filled, STEM)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert ids(filled) == left


def test_a_line_that_names_a_file_elsewhere_ends_the_journal(filled: Path, tmp_path: Path) -> None:
    path, text = journal_path(filled, STEM), journal_path(filled, STEM).read_text()
    own = tmp_path / f"{STEM}-0000.warc.gz"
    own.write_bytes(b"kept" * 10_000)
    assert '["warc/' in text
    path.write_text(text.replace('["warc/', f'["{own.parent}/'))
    assert ids(filled) == []
    assert own.stat().st_size == 40_000
