"""Records taken out of an archive in place: the others stay where they are, and every reader reads on."""

import gzip
import os
import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from webtext.crawl import scrub
from webtext.crawl.exchange import Exchange
from webtext.crawl.packing import Packed, pack
from webtext.crawl.warc import LostRecord, Position, WarcFile, read_response, whole_records
from webtext.crawl.warc_exchanges import exchanges
from webtext.errors import UserError

SECRET, DAY = b"<p>take me out" * 400, "2026-11-25"


def exchange(name: str, body: bytes) -> Exchange:
    headers = (("Content-Type", "text/html"),)
    return Exchange(f"http://a.example/{name}", 200, headers, body, hops="")


@pytest.fixture
def places(tmp_path: Path) -> list[Position]:
    with WarcFile(tmp_path, "part-00000-0000.warc.gz") as warc:
        return [warc.append(pack(exchange(*page))) for page in (("a", b"A"), ("b", SECRET), ("c", b"C"))]


def records_of(folder: Path, response: Position) -> tuple[Position, ...]:
    return next(each.records for each in exchanges(folder, response.file) if each.records[0] == response)


def everything(folder: Path) -> bytes:
    return gzip.decompress((folder / "warc" / "part-00000-0000.warc.gz").read_bytes())


def test_the_exchange_of_a_page_is_its_response_and_what_belongs_to_it(
    tmp_path: Path, places: list[Position]
) -> None:
    found = records_of(tmp_path, places[1])
    assert len(found) == 3  # request, metadata
    assert found[-1].offset + found[-1].length == places[2].offset


def test_a_scrubbed_page_is_nowhere_in_the_file_and_its_neighbours_are_where_they_were(
    tmp_path: Path, places: list[Position]
) -> None:
    before = (tmp_path / places[0].file).stat().st_size
    scrub.scrub(tmp_path, records_of(tmp_path, places[1]), DAY)
    assert b"take me out" not in everything(tmp_path)
    assert b"a.example/b" not in everything(tmp_path)
    assert (tmp_path / places[0].file).stat().st_size == before
    for place, body in ((places[0], b"A"), (places[2], b"C")):
        assert read_response(tmp_path, place.file, place.offset, 1000).body == body
    with pytest.raises(LostRecord):
        read_response(tmp_path, places[1].file, places[1].offset, 1000)


def test_a_scrubbed_archive_is_read_to_its_end_and_passes_warcio_check(
    tmp_path: Path, places: list[Position], capsys: pytest.CaptureFixture[str]
) -> None:
    scrub.scrub(tmp_path, records_of(tmp_path, places[1]), DAY)
    path = tmp_path / places[0].file
    with path.open("rb") as file:
        kinds = [record.rec_type for record in ArchiveIterator(file)]
    exchange_kinds = ["response", "request", "metadata"]
    assert kinds == ["warcinfo", *exchange_kinds, "metadata", "metadata", "metadata", *exchange_kinds]
    assert whole_records(path, 0) == path.stat().st_size
    checker = Checker(type("Options", (), {"inputs": [str(path)], "verbose": False})())
    checker.process_all()
    assert not checker.exit_value, capsys.readouterr().out


def test_a_scrub_that_was_killed_is_finished_by_the_next_run(
    tmp_path: Path, places: list[Position], monkeypatch: pytest.MonkeyPatch
) -> None:
    records, path = records_of(tmp_path, places[1]), tmp_path / places[0].file
    intact = path.read_bytes()

    def torn(place: Position, _: str) -> bytes:
        if place == records[1]:
            raise KeyboardInterrupt
        return b"torn"

    monkeypatch.setattr(scrub, "empty_record", torn)
    with pytest.raises(KeyboardInterrupt):
        scrub.scrub(tmp_path, records, DAY)
    monkeypatch.undo()
    assert path.read_bytes() != intact
    scrub.finish(tmp_path)
    assert b"take me out" not in everything(tmp_path)
    assert not (tmp_path / scrub.PLAN).exists()


def test_the_disk_has_overwritten_the_records_before_the_plan_goes(
    tmp_path: Path, places: list[Position], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for, fsync = [], os.fsync

    def watched(handle: int) -> None:
        asked_for.append((os.fstat(handle).st_ino, (tmp_path / scrub.PLAN).exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    scrub.scrub(tmp_path, records_of(tmp_path, places[1]), DAY)
    assert ((tmp_path / places[0].file).stat().st_ino, True) in asked_for


@pytest.mark.parametrize("from_its_end", [100, 5], ids=["in its content", "in its checksum"])
def test_a_damaged_record_hides_none_behind_it(
    tmp_path: Path, places: list[Position], from_its_end: int
) -> None:
    whole = [records_of(tmp_path, place) for place in places]
    path = tmp_path / places[0].file
    damaged = bytearray(path.read_bytes())
    damaged[places[0].offset + places[0].length - from_its_end] ^= 0x10
    path.write_bytes(damaged)
    assert [records_of(tmp_path, place) for place in places[1:]] == whole[1:]


def test_of_an_archive_that_was_cut_short_what_is_there_is_overwritten(
    tmp_path: Path, places: list[Position]
) -> None:
    path, records = tmp_path / places[0].file, records_of(tmp_path, places[1])
    end = records[0].offset + records[0].length // 2
    os.truncate(path, end)
    scrub.scrub(tmp_path, records, DAY)
    assert path.stat().st_size == end
    left = zlib.decompressobj(31).decompress(path.read_bytes()[records[0].offset :])
    assert left == b""


@pytest.mark.parametrize("length", [200, 70_000, 3_000_000])
def test_an_empty_record_has_the_length_it_is_asked_for(length: int) -> None:
    place = Position("warc/x.warc.gz", 17, length)
    member = scrub.empty_record(place, DAY)
    assert len(member) == length
    assert gzip.decompress(member).startswith(b"WARC/1.1\r\n")
    assert scrub.empty_record(replace(place, offset=18), DAY) != member  # a name of its own


def test_a_plan_that_names_a_file_elsewhere_overwrites_nothing(tmp_path: Path) -> None:
    own, pages = tmp_path / "own", tmp_path / "pages"
    own.write_bytes(b"kept" * 100)
    for name in (str(own), "warc/../../own"):
        with pytest.raises(
            UserError, match=r"scrub\.json: names '.*own', which is no WARC file of this corpus"
        ):
            scrub.scrub(pages, [Position(name, 0, 300)], DAY)
    assert own.read_bytes() == b"kept" * 100


def test_what_a_page_has_that_looks_like_a_record_ends_no_search(tmp_path: Path) -> None:
    forged = gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n\r\n")
    with WarcFile(tmp_path, "part-00000-0000.warc.gz") as warc:
        warc.append(Packed(forged, len(forged)))  # as behind damage in a page that is a gzip file itself
        place = warc.append(pack(exchange("a", b"A")))
    assert [each.records[0] for each in exchanges(tmp_path, place.file)] == [place]


def test_beginnings_of_members_that_all_lead_into_one_without_an_end_are_not_each_read_to_the_end(
    tmp_path: Path,
) -> None:
    begins, stored = b"\x1f\x8b\x08\0\0\0\0\0\0\xff", struct.Struct("<BHH")  # RFC 1952 §2.3, 1951 §3.2.4
    one = len(begins) + stored.size
    to_there = [4_000 * one - (number + 1) * one for number in range(4_000)]
    chains = b"".join(begins + stored.pack(0, length, length ^ 0xFFFF) for length in to_there)
    endless = (stored.pack(0, 0xFFFF, 0) + bytes(0xFFFF)) * 100
    with WarcFile(tmp_path, "part-00000-0000.warc.gz") as warc:
        place = warc.append(pack(exchange("a", b"A")))
    with (tmp_path / place.file).open("ab") as file:
        file.write(chains + endless)
    started = time.process_time()
    assert [each.records[0] for each in exchanges(tmp_path, place.file)] == [place]
    assert time.process_time() - started < 3  # 26 GB would take half a minute
