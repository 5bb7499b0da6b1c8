"""`.warc.zst`: a zstd frame for each record, and perhaps a dictionary before them."""

import gzip
import random
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.crawl.archive_site import POSTED, body_of, found_in, warc_files, warc_record
from webtext.crawl import zstd
from webtext.crawl.archives.lookup import Found
from webtext.crawl.archives.warc_places import files_of
from webtext.crawl.archives.warc_stream import NO_FRAME
from webtext.sections import Crawl

DAY = "2014-02-19T00:00:00Z"
URL, OTHER = "http://a.example/page", "http://a.example/other"
NAME = "a.warc.zst"


def plain(url: str, body: bytes) -> bytes:
    return gzip.decompress(warc_record(url, body, DAY))


PAGE, GOOD = plain(URL, b"<p>page"), plain(OTHER, b"<p>other")
SAMPLES: list[Any] = [plain(f"{URL}/{n}", b"<p>%d" % n) for n in range(500)]
DICTIONARY = zstandard.train_dictionary(2000, SAMPLES, dict_id=9)


def skipped(data: bytes, magic: bytes = b"\x53\x2a\x4d\x18") -> bytes:
    return magic + len(data).to_bytes(4, "little") + data


def framed(record: bytes, dictionary: zstandard.ZstdCompressionDict | None = None) -> bytes:
    return zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True).compress(record)


def found(path: Path, *frames: bytes, url: str = URL) -> Found:
    return found_in(path, b"".join(frames), url)


def noted(why: str) -> tuple[str]:
    return (f"warc: unavailable, 1 file cannot be read whole{why}",)


@pytest.mark.parametrize(("url", "body"), [(URL, b"<p>page"), (OTHER, b"<p>other")])
@pytest.mark.parametrize("stored", [None, bytes, framed], ids=["none", "plain", "compressed"])
def test_each_record_is_read_with_the_dictionary_that_the_file_begins_with(
    tmp_path: Path, stored: object, url: str, body: bytes
) -> None:
    frames = [framed(PAGE, DICTIONARY if stored else None), framed(GOOD, DICTIONARY if stored else None)]
    if callable(stored):
        frames.insert(0, skipped(stored(DICTIONARY.as_bytes()), zstd.DICTIONARY))
    assert body_of(found(tmp_path / NAME, *frames, url=url)) == body


def test_a_folder_s_zstd_files_are_found(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(framed(PAGE))
    assert [file.name for file in files_of(f"warc:{tmp_path}")] == [NAME]


@pytest.mark.parametrize("size", [0, 100, 488, 504, 5000, 100_000])
def test_frames_without_data_are_passed_over(tmp_path: Path, size: int) -> None:
    between = skipped(bytes(size))
    assert body_of(found(tmp_path / NAME, framed(GOOD), between, framed(b""), framed(PAGE))) == b"<p>page"
    assert found(tmp_path / NAME, framed(GOOD), between).notes == ("warc: no capture",)


def test_records_of_any_size_follow_each_other(tmp_path: Path) -> None:
    """So that frames end everywhere in the pieces that the file is read in."""
    urls = [f"{URL}/{number}" for number in range(600)]
    records = [
        framed(plain(url, b"<p>" + random.Random(1).randbytes(number))) for number, url in enumerate(urls)
    ]
    path = tmp_path / NAME
    path.write_bytes(b"".join(records))
    archive = warc_files(f"warc:{path}", dict.fromkeys(urls, POSTED), Crawl())
    assert [len(archive.read(archive.find(url, POSTED)[0]).exchange.body) for url in urls] == [
        3 + number for number in range(600)
    ]


def test_a_file_that_breaks_off_is_used_up_to_its_break(tmp_path: Path) -> None:
    last = framed(plain(URL, random.Random(1).randbytes(3000)))
    for cut in (1, 4, 1000, len(last) - 2):
        assert body_of(found(tmp_path / NAME, framed(GOOD), last[:-cut], url=OTHER)) == b"<p>other"
        assert found(tmp_path / NAME, framed(GOOD), last[:-cut]).notes == noted("")


@pytest.mark.parametrize("at", [2, 40, 1500, 2990])
def test_a_damaged_frame_is_no_page_and_costs_nothing_behind_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], at: int
) -> None:
    frame = bytearray(framed(plain(URL, random.Random(1).randbytes(3000))))
    frame[at] ^= 0xFF
    for frames in ([framed(GOOD), bytes(frame)], [framed(b""), bytes(frame), framed(GOOD)]):
        assert found(tmp_path / NAME, *frames).notes == noted("")
        assert body_of(found(tmp_path / NAME, *frames, url=OTHER)) == b"<p>other"
    assert capfd.readouterr().err == ""


def test_a_record_in_several_frames_costs_itself(tmp_path: Path) -> None:
    frames = [framed(PAGE[:-9]), framed(PAGE[-9:]), framed(GOOD)]
    assert found(tmp_path / NAME, *frames).notes == noted("")
    assert body_of(found(tmp_path / NAME, *frames, url=OTHER)) == b"<p>other"


@pytest.mark.parametrize("junk", [b"\0\0junk", b"x", bytes(range(256)) * 20], ids=["some", "one", "many"])
def test_what_follows_the_last_frame_may_have_been_records(tmp_path: Path, junk: bytes) -> None:
    assert body_of(found(tmp_path / NAME, framed(PAGE), junk)) == b"<p>page"
    assert found(tmp_path / NAME, framed(GOOD), junk).notes == noted("")


def other_dictionary(number: int) -> bytes:
    made = zstandard.train_dictionary(
        2000, [b"%d of another site" % n * 9 for n in range(500)], dict_id=number
    )
    return skipped(made.as_bytes(), zstd.DICTIONARY)


@pytest.mark.parametrize(
    "before",
    [b"", other_dictionary(7), other_dictionary(9)],
    ids=["none", "another", "another of its number"],
)
def test_a_file_without_its_dictionary_says_so(tmp_path: Path, before: bytes) -> None:
    frames = [framed(PAGE, DICTIONARY), framed(GOOD, DICTIONARY)]
    assert found(tmp_path / NAME, before, *frames).notes == noted(f"; {NAME} is {NO_FRAME}")


@pytest.mark.parametrize(
    "before",
    [
        skipped(b"no dictionary", zstd.DICTIONARY),
        skipped(b"", zstd.DICTIONARY),
        skipped(framed(b"no dictionary"), zstd.DICTIONARY),
        skipped(framed(DICTIONARY.as_bytes())[:-99], zstd.DICTIONARY),
        skipped(zstandard.compress(bytes(20_000_000)), zstd.DICTIONARY),
        zstd.DICTIONARY + b"\xff\xff\xff\xff" + DICTIONARY.as_bytes(),
        skipped(DICTIONARY.as_bytes(), zstd.DICTIONARY)[:-99],
    ],
    ids=["no", "empty", "compressed no", "cut, compressed", "bomb", "huge", "cut"],
)
def test_a_dictionary_that_is_none_is_named(tmp_path: Path, before: bytes) -> None:
    assert found(tmp_path / NAME, before).notes == noted(f"; {NAME} is zstd whose dictionary cannot be read")


def test_frames_that_begin_well_and_are_damaged_are_called_so(tmp_path: Path) -> None:
    frame = framed(random.Random(1).randbytes(200_000))
    assert found(tmp_path / NAME, frame[:-1] + b"\0").notes == noted(f"; {NAME} is {NO_FRAME}")


def test_a_file_compressed_as_a_whole_says_what_mends_it(tmp_path: Path) -> None:
    assert found(tmp_path / NAME, framed(PAGE + GOOD)).notes == noted(
        f"; {NAME} is compressed as a whole, not record by record: `unzstd` mends that"
    )


def test_a_zstd_file_of_something_else_is_called_so(tmp_path: Path) -> None:
    assert found(tmp_path / NAME, framed(b'{"url": "http://a.example/page"}\n')).notes == noted(
        f"; {NAME} is no WARC or ARC file, plain, gzipped or zstd"
    )


def windowed(log: int, record: bytes) -> bytes:
    settings = zstandard.ZstdCompressionParameters(window_log=log)
    coder = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    return coder.compress(record) + coder.flush()


def test_a_window_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    assert body_of(found(tmp_path / NAME, windowed(27, PAGE))) == b"<p>page"
    assert found(tmp_path / NAME, framed(GOOD), windowed(28, PAGE)).notes == noted("")


def test_bombs_cost_no_more_than_gzip_s_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zstd, "RATIO_FREE_BYTES", 100_000_000)
    head = PAGE.partition(b"\r\n\r\nHTTP")[0].rpartition(b"\r\n")[0]
    bomb = framed(head + b"\r\nContent-Length: 200000000\r\n\r\n" + bytes(200_000_000))
    started = time.thread_time()
    assert found(tmp_path / NAME, framed(GOOD), bomb * 1000).notes == noted("")
    assert time.thread_time() - started < 2
    assert body_of(found(tmp_path / NAME, framed(GOOD), bomb, url=OTHER)) == b"<p>other"


def test_thousands_of_tiny_frames_are_passed_over(tmp_path: Path) -> None:
    assert body_of(found(tmp_path / NAME, framed(b"") * 20_000, framed(PAGE))) == b"<p>page"
