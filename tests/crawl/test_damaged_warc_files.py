"""Records of the users' WARC files that are cut short, or say of themselves what is not so."""

import gzip
import random
import zlib
from pathlib import Path

import pytest
from warcio.bufferedreaders import BUFF_SIZE

from tests.crawl.archive_site import body_of, found_in, rebuilt, warc_record
from tests.crawl.loopback import HTML
from webtext.crawl.archives import warc_listing
from webtext.crawl.archives.lookup import Found
from webtext.crawl.archives.members import GZIP, MOST_FALSE_STARTS
from webtext.crawl.archives.warc_places import files_of
from webtext.crawl.archives.warc_stream import HEAD_BYTES

DAY = "2014-02-19T00:00:00Z"
URL, OTHER = "http://a.example/page", "http://a.example/other"
CHUNKED = (*HTML, ("Transfer-Encoding", "chunked"))
GOOD = warc_record(OTHER, b"<p>other", DAY)
FALSE_START = GZIP + bytes(7) + b"\x07"  # a member's head, and a kind of block that there is none of
LONG = b"<p>" + bytes(range(32, 127)) * 50


def found(path: Path, *records: bytes, url: str = URL) -> Found:
    return found_in(path, b"".join(records), url)


@pytest.mark.parametrize("url", [URL, "http://a.example/beyond"])
@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc"])
def test_a_file_that_breaks_off_may_have_had_what_was_asked_for(tmp_path: Path, name: str, url: str) -> None:
    records = [GOOD, warc_record(URL, LONG, DAY)]
    data = b"".join(records if name.endswith("gz") else map(gzip.decompress, records))
    assert found(tmp_path / name, data[:-40], url=url).notes == (
        "warc: unavailable, 1 file cannot be read whole",
    )


@pytest.mark.parametrize("at", [12, 30_000, 90_000, -5], ids=["head", "body", "behind", "checksum"])
def test_a_damaged_record_costs_nothing_behind_it(tmp_path: Path, at: int) -> None:
    path, first = tmp_path / "a.warc.gz", warc_record(URL, b"<p>x", "2010-01-01T00:00:00Z")
    damaged = bytearray(warc_record(URL, random.Random(1).randbytes(100_000), DAY))
    damaged[at] ^= 0x55
    assert body_of(found(path, first, bytes(damaged), GOOD, url=OTHER)) == b"<p>other"
    assert body_of(found(path, first, bytes(damaged), GOOD)) == b"<p>x"
    assert found(path, bytes(damaged), GOOD).notes == ("warc: unavailable, 1 file cannot be read whole",)


@pytest.mark.parametrize("shift", range(4))
def test_a_record_behind_what_is_none_is_found_wherever_it_begins(tmp_path: Path, shift: int) -> None:
    begin = HEAD_BYTES + 2 * BUFF_SIZE - shift  # it is read in pieces
    pieces = [GOOD.ljust(begin, b"\0"), warc_record(URL, b"<p>x", DAY)]
    assert body_of(found(tmp_path / "a.warc.gz", *pieces)) == b"<p>x"


def test_what_only_looks_like_records_hides_those_behind_it_where_it_has_no_end(tmp_path: Path) -> None:
    page, some = warc_record(URL, b"<p>x", DAY), FALSE_START * (MOST_FALSE_STARTS - 9)
    assert body_of(found(tmp_path / "a.warc.gz", GOOD, some, GOOD, some, page)) == b"<p>x"
    assert found(tmp_path / "a.warc.gz", GOOD, some, some, page).verdict is None


@pytest.mark.parametrize("length", [b"-5", b"10", b"99999", b"x"])
def test_a_record_of_a_wrong_length_costs_nothing_behind_it(tmp_path: Path, length: bytes) -> None:
    record = gzip.decompress(warc_record(URL, LONG, DAY))
    head, _, http = record.partition(b"\r\n\r\n")
    said = head.rpartition(b"Content-Length: ")[2].partition(b"\r\n")[0]
    wrong = head.replace(b"Content-Length: " + said, b"Content-Length: " + length)
    path, records = tmp_path / "a.warc.gz", [gzip.compress(wrong + b"\r\n\r\n" + http), GOOD]
    assert found(path, *records).verdict is None
    assert body_of(found(path, *records, url=OTHER)) == b"<p>other"


def test_a_digest_that_is_none_is_not_kept_in_the_listing(tmp_path: Path) -> None:
    path, digest = tmp_path / "a.warc.gz", b"WARC-Payload-Digest: sha1:"
    path.write_bytes(GOOD + gzip.compress(gzip.decompress(GOOD).replace(digest, digest + b"A" * 900_000)))
    (file,) = files_of(f"warc:{path}")
    good, long = warc_listing.listed_in(file)
    assert good.pointer.digest.startswith("sha1:")
    assert long.pointer.digest == ""


@pytest.mark.parametrize("date", [b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", b"yesterday"])
def test_a_record_of_no_possible_time_costs_nothing_behind_it(tmp_path: Path, date: bytes) -> None:
    odd = rebuilt(warc_record(URL, b"<p>x", DAY), DAY.encode(), date)
    assert body_of(found(tmp_path / "a.warc.gz", odd, GOOD, url=OTHER)) == b"<p>other"


def test_a_file_gzipped_as_a_whole_says_what_mends_it(tmp_path: Path) -> None:
    whole = gzip.compress(gzip.decompress(warc_record(URL, b"<p>x", DAY) + GOOD))
    assert found(tmp_path / "a.warc.gz", whole).notes == (
        "warc: unavailable, 1 file cannot be read whole; a.warc.gz is gzipped as a whole, not record "
        "by record: `warcio recompress` mends that",
    )


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04 a zip", gzip.compress(b"<html>\n<p>no")],
    ids=["zip", "gzip of HTML"],
)
def test_a_file_that_is_no_archive_is_called_so(tmp_path: Path, data: bytes) -> None:
    assert found(tmp_path / "a.warc.gz", data).notes == (
        "warc: unavailable, 1 file cannot be read whole; a.warc.gz is no WARC or ARC file, plain, "
        "gzipped or zstd",
    )


@pytest.mark.parametrize(
    "chunks",
    [b"8\r\n<p>c", b"8\r\n<p>chunk\r\n", b"8\r\n<p>chunk\r\nx\r\n"],
    ids=["within", "at the end", "no size"],
)
def test_a_chunked_body_without_its_last_chunk_is_not_a_page(tmp_path: Path, chunks: bytes) -> None:
    record = warc_record(URL, chunks, DAY, headers=CHUNKED)
    assert found(tmp_path / "a.warc.gz", record).notes == ("warc: the body is cut short",)


@pytest.mark.parametrize(
    "stored", [b"8;x=1\r\n<p>chunk\r\n0\r\nTrailer: x\r\n\r\n", b"8\r\n<p>chunk\r\n0\r\n\r\n", b"<p>chunk"]
)
def test_chunks_are_undone_unless_the_archive_has_undone_them(tmp_path: Path, stored: bytes) -> None:
    record = warc_record(URL, stored, DAY, headers=CHUNKED)
    assert body_of(found(tmp_path / "a.warc.gz", record)) == b"<p>chunk"


def test_a_body_shorter_than_its_server_said_is_not_a_page(tmp_path: Path) -> None:
    record = warc_record(URL, b"<p>half", DAY, headers=(*HTML, ("Content-Length", "5000")))
    assert found(tmp_path / "a.warc.gz", record).notes == ("warc: the body is cut short",)


def test_a_body_that_its_archive_calls_cut_short_is_not_a_page_under_the_length_that_is_there(
    tmp_path: Path,
) -> None:
    record = warc_record(URL, b"<p>half", DAY, headers=(*HTML, ("Content-Length", "7")))
    cut = rebuilt(record, b"WARC-Type:", b"WARC-Truncated: disconnect\r\nWARC-Type:")
    assert found(tmp_path / "a.warc.gz", cut).notes == ("warc: truncated",)


@pytest.mark.parametrize(
    "header", [("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"), ("Content-Length", "3")]
)
def test_a_length_from_before_codings_were_undone_is_not_believed(
    tmp_path: Path, header: tuple[str, str]
) -> None:
    body = gzip.compress(b"<p>whole") if header[1] == "gzip" else b"<p>whole"
    headers = (*HTML, header, *([("Content-Length", "5000")] if header[1] != "3" else []))
    record = warc_record(URL, body, DAY, headers=headers)
    assert body_of(found(tmp_path / "a.warc.gz", record)) == body


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd"])
def test_a_content_coding_that_the_archive_has_undone_is_not_undone_again(
    tmp_path: Path, coding: str
) -> None:
    record = warc_record(URL, b"<p>plain", DAY, headers=(*HTML, ("Content-Encoding", coding)))
    assert body_of(found(tmp_path / "a.warc.gz", record)) == b"<p>plain"


@pytest.mark.parametrize("line", [b"X: ", b"X: y\r\n"], ids=["one line", "many lines"])
def test_a_head_without_end_costs_its_record_alone(tmp_path: Path, line: bytes) -> None:
    size, deflate = 10_000_000, zlib.compressobj(9, zlib.DEFLATED, 31)
    start = gzip.decompress(rebuilt(warc_record(URL, b"", DAY), b"\r\n\r\nHTTP/1.1", b"\r\nHTTP/1.1"))
    bomb = deflate.compress(start.rstrip() + b"\r\n" + line)
    for _ in range(50):
        bomb += deflate.compress(line * (size // 50 // len(line)))
    bomb += deflate.flush()
    path = tmp_path / "a.warc.gz"
    assert body_of(found(path, bomb, GOOD, url=OTHER)) == b"<p>other"
    assert found(path, bomb, GOOD).verdict is None
