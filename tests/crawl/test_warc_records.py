import contextlib
import gzip
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.crawl.loopback import Crawled, Page, Web
from webtext.crawl.exchange import Exchange
from webtext.crawl.packing import pack
from webtext.crawl.warc import LostRecord, Position, WarcFile, read_response, whole_records
from webtext.errors import RunFailed

URL = "http://a.example/x?y=1"


def write(folder: Path, *exchanges: Exchange) -> list[Position]:
    with WarcFile(folder, "part-00000-0000.warc.gz") as warc:
        return [warc.append(pack(exchange)) for exchange in exchanges]


def check(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def records(folder: Path) -> list[tuple[str, dict[str, str], bytes]]:
    with (folder / "warc" / "part-00000-0000.warc.gz").open("rb") as file:
        return [
            (record.rec_type, dict(record.rec_headers.headers), record.raw_stream.read())
            for record in ArchiveIterator(file)
        ]


def test_a_response_is_read_back_from_its_position(tmp_path: Path) -> None:
    headers = (("Content-Type", "text/html; charset=utf-8"), ("X-Odd", "caf\xe9"))
    _, at = write(tmp_path, Exchange(URL, 404), Exchange(URL, 200, headers, b"<p>hello"))
    response = read_response(tmp_path, at.file, at.offset, 1000)
    assert (response.status, response.body, response.truncated) == (200, b"<p>hello", False)
    assert response.content_type == "text/html; charset=utf-8"
    assert ("X-Odd", "caf\xe9") in response.headers


def test_the_content_coding_is_stored_and_undone_by_the_reader(tmp_path: Path) -> None:
    coded = gzip.compress(b"hello" * 50)
    [at] = write(tmp_path, Exchange(URL, 200, (("Content-Encoding", "gzip"),), coded))
    assert records(tmp_path)[1][2] == coded
    assert read_response(tmp_path, at.file, at.offset, 1000).body == b"hello" * 50


def test_no_more_of_a_body_is_read_than_asked_for(tmp_path: Path) -> None:
    [at] = write(tmp_path, Exchange(URL, 200, (), b"x" * 100))
    response = read_response(tmp_path, at.file, at.offset, 10)
    assert (response.body, response.truncated) == (b"x" * 10, True)


def test_headers_that_are_no_longer_true_are_renamed(tmp_path: Path) -> None:
    headers = (("Transfer-Encoding", "chunked"), ("Content-Length", "99"))
    [at] = write(tmp_path, Exchange(URL, 200, headers, b"hello", truncated="disconnect"))
    response = read_response(tmp_path, at.file, at.offset, 1000)
    assert response.truncated
    assert response.headers == [
        ("X-Crawl-Transfer-Encoding", "chunked"),
        ("X-Crawl-Content-Length", "99"),
        ("Content-Length", "5"),
    ]


def test_of_a_redirect_the_head_alone_is_kept(web: Web, crawled: Crawled) -> None:
    site = web.site(old=Page(b"<p>moved" * 99, 302, (("Location", "/new"),)), new=Page(b"<p>new"))
    crawled.crawl([site.url("/old")])
    check(crawled.folder / "warc" / "part-00000-0000.warc.gz")
    [(head, body)] = [
        (head, body)
        for kind, head, body in records(crawled.folder)
        if kind == "response" and head["WARC-Target-URI"] == site.url("/old")
    ]
    assert (body, head["WARC-Truncated"]) == (b"", "unspecified")


def test_a_header_cannot_smuggle_lines_into_the_archive(tmp_path: Path) -> None:
    [at] = write(
        tmp_path, Exchange(URL, 200, (("X", "a\r\nWARC-Type: evil\n\nbody"),), b"hello", reason="O\r\nK")
    )
    response = read_response(tmp_path, at.file, at.offset, 1000)
    assert [name for name, _ in response.headers] == ["X"]
    assert response.body == b"hello"


def test_a_url_cannot_smuggle_lines_into_the_archive(tmp_path: Path) -> None:
    url = f"{URL}\r\nX-Smuggled: y\x00\x7f"
    write(
        tmp_path,
        Exchange(url, 200, (), b"x", source_uri=url, hops="R", via=url, truncated="a\nX-Smuggled: y"),
    )
    for _, headers, _ in records(tmp_path)[1:]:  # the first tells of the file
        assert "X-Smuggled" not in headers
        assert headers["WARC-Target-URI"] == f"{URL} X-Smuggled: y".replace(" ", "%20")
    check(tmp_path / "warc" / "part-00000-0000.warc.gz")


def test_the_archive_says_what_was_asked_when_and_of_whom(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    write(tmp_path, Exchange(URL, 200, (), b"x", "OK", (("Host", "a.example"),), None, "192.0.2.1", at))
    (info, _, _), (first, response, _), (second, request, _) = records(tmp_path)
    assert (info, first, second) == ("warcinfo", "response", "request")
    assert response["WARC-Date"] == "2026-01-02T03:04:05.000678Z"
    assert (response["WARC-IP-Address"], response["WARC-Target-URI"]) == ("192.0.2.1", URL)
    assert request["WARC-Concurrent-To"] == response["WARC-Record-ID"]


def test_metadata_says_how_the_crawl_came_there_and_how_long_it_took(tmp_path: Path) -> None:
    via = "http://a.example/old"
    exchange = Exchange(URL, 200, (), b"x", seconds=0.2514, link_id="00ff", via=via, hops="R")
    [at] = write(tmp_path, exchange)
    _, (_, response, _), (request, *_), (kind, metadata, fields) = records(tmp_path)
    assert (request, kind, metadata["Content-Type"]) == ("request", "metadata", "application/warc-fields")
    assert metadata["WARC-Concurrent-To"] == response["WARC-Record-ID"]
    assert (metadata["WARC-Target-URI"], metadata["WARC-Date"]) == (URL, response["WARC-Date"])
    assert fields.decode().splitlines() == [
        f"via: {via}",
        "hopsFromSeed: R",
        "fetchTimeMs: 251",
        "linkId: 00ff",
    ]
    check(tmp_path / at.file)


def test_warcio_finds_nothing_wrong(tmp_path: Path) -> None:
    [*_, last] = write(
        tmp_path,
        Exchange(URL, 200, (("Content-Type", "text/html"),), bytes(range(256)) * 100),
        Exchange(URL, 301, (("Location", "/z"),)),
        Exchange(URL, 200, (), b"cut", truncated="length"),
    )
    check(tmp_path / last.file)


def test_every_record_is_a_gzip_member_of_the_length_that_its_position_says(tmp_path: Path) -> None:
    positions = write(tmp_path, Exchange(URL, 200, (), b"a"), Exchange(URL, 200, (), b"b"))
    for position in positions:
        data = (tmp_path / position.file).read_bytes()[position.offset :][: position.length]
        assert gzip.decompress(data).startswith(b"WARC/1.1\r\n")


@pytest.mark.parametrize("offset", [0, 5, 10_000_000])
def test_a_position_without_a_response_is_a_lost_record(tmp_path: Path, offset: int) -> None:
    [at] = write(tmp_path, Exchange(URL, 200, (), b"x"))
    with pytest.raises(LostRecord):
        read_response(tmp_path, at.file, offset, 1000)


def test_a_missing_file_is_a_lost_record(tmp_path: Path) -> None:
    with pytest.raises(LostRecord):
        read_response(tmp_path, "warc/none.warc.gz", 0, 1000)


def test_a_record_that_the_system_does_not_open_now_is_not_lost(tmp_path: Path) -> None:
    [at] = write(tmp_path, Exchange(URL, 200, (), b"x"))
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (tmp_path / at.file).open("rb") as last:
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, most))
        try:
            with pytest.raises(RunFailed, match=r"warc\.gz cannot be read now: Too many open files"):
                read_response(tmp_path, at.file, at.offset, 1000)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))


def test_whole_records_end_before_a_torn_one(tmp_path: Path) -> None:
    first, second = write(tmp_path, Exchange(URL, 200, (), b"a"), Exchange(URL, 200, (), b"b"))
    path = tmp_path / first.file
    whole = path.stat().st_size
    assert whole_records(path, 0) == whole
    with path.open("r+b") as file:
        file.truncate(second.offset + 20)
    assert whole_records(path, 0) == second.offset
    with path.open("ab") as file:
        file.write(bytes(1000))
    assert whole_records(path, first.offset) == second.offset


def test_the_odd_and_malformed_samples_of_others_never_break_the_reader(shared: Path) -> None:
    samples = [path for path in sorted((shared / "warc").rglob("*")) if path.is_file()]
    for path in samples:
        with contextlib.suppress(LostRecord):
            read_response(path.parent, path.name, 0, 100_000)
    assert samples


def test_a_url_with_a_space_is_stored_as_a_uri(tmp_path: Path) -> None:
    write(tmp_path, Exchange(f"{URL}/a b\x1b[31m", 200, (), b"hello", hops="R", via=URL))
    stored = gzip.decompress((tmp_path / "warc" / "part-00000-0000.warc.gz").read_bytes())
    heads = [line for line in stored.splitlines() if line.startswith(b"WARC-Target-URI")]
    assert set(heads) == {f"WARC-Target-URI: {URL}/a%20b%20[31m".encode()}


def test_a_url_with_a_space_in_the_file_of_another_is_read_without_a_warning(tmp_path: Path) -> None:
    record = (
        b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://a/b \x1b[2J\r\nContent-Length: 0\r\n\r\n"
    )
    (tmp_path / "other.warc").write_bytes(record)
    program = (
        "import sys; from webtext.crawl.archives.warc_stream import WarcStream; "
        "print(len(list(WarcStream(open(sys.argv[1], 'rb')))))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "other.warc")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
