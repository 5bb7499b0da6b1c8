import gzip
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard

from pipelines import crawl, crawl_checks, own_archives, pages
from pipelines.request import Request
from tests.crawl.archive_site import warc_files, warc_record
from tests.crawl.loopback import HTML, Crawled, Page, Web
from tests.pipelines.removals import Here
from webtext.corpus import Corpus
from webtext.crawl.archives import warc_listing, warc_places
from webtext.crawl.archives.captures import Unavailable, Unusable
from webtext.crawl.archives.lookup import Wanted, look_up
from webtext.crawl.archives.warc_places import files_of
from webtext.crawl.warc import read_response
from webtext.errors import RunFailed, UserError
from webtext.links import partitions
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.sections import Crawl

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)
URL = "http://127.0.8.8/page"


def write(path: Path, *records: bytes) -> Path:
    path.write_bytes(b"".join(records))
    return path


def found(path: Path, url: str = URL) -> Any:
    archive = warc_files(f"warc:{path}", {url: POSTED}, Crawl(max_bytes=10_000))
    return look_up(Wanted(0, "id", url, POSTED), [archive], Crawl(allow_private=True))


def test_pages_of_the_users_archives_are_taken_and_the_web_is_not_asked(
    web: Web, crawled: Crawled, tmp_path: Path
) -> None:
    site = web.site(old=Page(b"<p>live"), new=Page(b"<p>live"))
    old, new = site.url("/old"), site.url("/new")
    write(
        tmp_path / "a.warc.gz",
        warc_record(old, b"<p>far", "2001-01-01T00:00:00Z"),
        warc_record(old, b"<p>near", "2014-02-19T00:00:00Z"),
        warc_record(new, b"gone", "2014-02-19T00:00:00Z", status=404),
    )
    crawled.link([old, new], first_posted=POSTED)
    rows = crawled.crawl(sources=[f"warc:{tmp_path}/*.warc.gz", "live"])
    assert {url: (row["state"], row["source"]) for url, row in rows.items()} == {
        old: ("fetched", "warc"),
        new: ("fetched", "live"),
    }
    assert rows[old]["detail"] == "capture 2014-02-19, 1 day from the first submission"
    stored = read_response(crawled.folder, rows[old]["warc_file"], rows[old]["warc_offset"], 1000)
    assert stored.body == b"<p>near"
    assert "/old" not in site.paths()


def test_a_file_that_the_system_does_not_open_now_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z"))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(RunFailed, match=r"a\.warc\.gz cannot be read now: .*Permission denied"):
        found(path)


def test_a_crawl_that_has_ended_leaves_no_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "MIN_PARTITIONS", 2)
    archive = write(tmp_path / "a.warc.gz", warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z"))
    listed, root = tmp_path / "urls.txt", tmp_path / "corpus"
    listed.write_text(URL)
    made = list[Path]()
    look = warc_listing.Listings.look

    def noted(listings: warc_listing.Listings, *arguments: Any) -> Any:
        made.extend((root / "pages" / warc_listing.FOLDER).iterdir())
        return look(listings, *arguments)

    monkeypatch.setattr(warc_listing.Listings, "look", noted)
    asked = Here(root, settings=(f'crawl.sources=["warc:{archive}"]', "crawl.allow_private=true"))
    counts = crawl.run(asked, [str(listed)], Progress(quiet=True))["pages"]
    assert (counts["out"], len(set(made))) == (1, 1)
    assert not (root / "pages" / warc_listing.FOLDER).exists()


def test_the_reading_of_a_file_is_told_as_it_goes_on_and_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc_listing, "TELL_BYTES", 1000)
    page = warc_record(URL, random.Random(1).randbytes(50_000), "2014-02-19T00:00:00Z")
    damaged = write(tmp_path / "a.warc.gz", page, b"no member", bytes(50_000))
    [file], told = files_of(f"warc:{damaged}"), list[int]()
    own_archives.make_listing(
        own_archives.Item(file, tmp_path / "listing"), lambda count, *_: told.append(count)
    )
    assert (len(told) > 3, sum(told)) == (True, damaged.stat().st_size)


def test_own_files_are_read_before_the_crawl_once_until_it_has_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z")
    size = sum(write(tmp_path / name, page).stat().st_size for name in ("a.warc.gz", "b.warc.gz"))
    listed = tmp_path / "urls.txt"
    listed.write_text(URL)
    settings = (f'crawl.sources=["warc:{tmp_path}"]', "crawl.allow_private=true")
    for _ in range(2):
        crawl.run(Here(tmp_path / "corpus", settings=settings), [str(listed)], Progress())
    lines = [line.partition(":") for line in capsys.readouterr().err.splitlines()]
    assert [line.partition(",")[0] for name, _, line in lines if name == "archives, bytes"] == [
        f" {size} of {size}"
    ]


def test_own_files_that_a_killed_crawl_had_read_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z")
    archives = [write(tmp_path / name, record) for name in ("a.warc.gz", "b.warc.gz")]
    listed = tmp_path / "urls.txt"
    listed.write_text(URL)
    sources = ", ".join(f'"warc:{archive}"' for archive in archives)
    settings = (f'crawl.sources=[{sources}, "live"]', "crawl.allow_private=true")
    asked = Here(tmp_path / "corpus", settings=settings)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(pages, "crawl_parts", lambda *_: 1 / 0)
        crawl.run(asked, [str(listed)], Progress())
    assert f"archives, bytes: {2 * len(record)} of {2 * len(record)}" in capsys.readouterr().err
    crawl.run(asked, [], Progress())
    assert "archives, bytes" not in capsys.readouterr().err


def test_another_spelling_of_the_url_is_the_same_page(tmp_path: Path) -> None:
    record = warc_record("http://127.0.8.8:80/a/../page#top", b"<p>x", "2014-02-19T00:00:00Z")
    assert found(write(tmp_path / "a.warc.gz", record)).verdict.state == "fetched"


def test_a_capture_of_https_is_one_of_http(tmp_path: Path) -> None:
    record = warc_record("https://127.0.8.8/page", b"<p>x", "2014-02-19T00:00:00Z")
    assert found(write(tmp_path / "a.warc.gz", record)).verdict.state == "fetched"


@pytest.mark.parametrize(
    ("coding", "coder"), [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstandard.compress)]
)
def test_chunked_and_compressed_bodies_are_read(tmp_path: Path, coding: str, coder: Any) -> None:
    coded = coder(b"<p>hello")
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(coded), coded)
    headers = (*HTML, ("Transfer-Encoding", "chunked"), ("Content-Encoding", coding))
    result = found(
        write(tmp_path / "a.warc.gz", warc_record(URL, chunked, "2014-02-19T00:00:00Z", headers=headers))
    )
    assert (result.verdict.state, result.verdict.bytes) == ("fetched", 8)
    assert result.exchange.body == coded


def test_an_uncompressed_warc_and_an_arc_file_are_read(tmp_path: Path) -> None:
    plain = gzip.decompress(warc_record(URL, b"<p>plain", "2014-02-19T00:00:00Z"))
    assert found(write(tmp_path / "a.warc", plain, plain)).verdict.state == "fetched"
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>arc"
    head = b"filedesc://a.arc 0.0.0.0 20140219000000 text/plain 77\n"
    version = b"1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n\n"
    head = head.replace(b"77", b"%d" % len(version))
    line = b"%s 127.0.0.1 20140219000000 text/html %d\n" % (URL.encode(), len(http))
    result = found(write(tmp_path / "b.arc", head, version, b"\n", line, http, b"\n"))
    assert (result.verdict.state, result.exchange.at.year) == ("fetched", 2014)


def test_a_broken_file_is_used_up_to_its_break(tmp_path: Path) -> None:
    good = warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z")
    path = write(tmp_path / "a.warc.gz", good, b"\x1f\x8b\x08garbage" * 50)
    archive = warc_files(f"warc:{path}", {URL: POSTED}, Crawl(max_bytes=10_000))
    assert len(archive.find(URL, POSTED)) == 1
    with pytest.raises(Unavailable, match="1 file cannot be read whole"):
        archive.find("http://127.0.8.8/other", POSTED)


def test_a_body_over_the_limit_is_not_a_page(tmp_path: Path) -> None:
    record = warc_record(URL, b"<p>" + b"x" * 50_000, "2014-02-19T00:00:00Z")
    result = found(write(tmp_path / "a.warc.gz", record))
    assert (result.verdict, result.notes) == (None, ("warc: too_large",))


def test_a_file_that_is_gone_when_it_is_read_costs_the_capture_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z"))
    archive = warc_files(f"warc:{path}", {URL: POSTED}, Crawl(max_bytes=10_000))
    path.unlink()
    with pytest.raises(Unusable):
        archive.read(archive.find(URL, POSTED)[0])


@pytest.mark.parametrize("pattern", ["/no/such/*", "~nobody-here/a.warc.gz", "/no/such**/a.warc.gz"])
def test_a_pattern_that_matches_nothing_is_named(crawled: Crawled, pattern: str) -> None:
    with pytest.raises(UserError, match="no file matches"):
        crawl_checks.settings(crawled.recipe(sources=[f"warc:{pattern}"]))


def test_a_path_that_is_empty_is_not_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.warc.gz")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="warc: names no file"):
        files_of(warc_places.absolute("warc:"))


def test_a_file_whose_name_no_record_can_hold_is_to_be_renamed(tmp_path: Path) -> None:
    write(tmp_path / os.fsdecode(b"\xff.warc.gz"))
    with pytest.raises(UserError, match="a name that is not UTF-8"):
        files_of(f"warc:{tmp_path}")


def test_a_wacz_package_is_to_be_unzipped(crawled: Crawled, tmp_path: Path) -> None:
    (tmp_path / "a.wacz").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"a\.wacz is a WACZ package: unzip it"):
        crawl_checks.settings(crawled.recipe(sources=[f"warc:{tmp_path}/a.wacz"]))


@pytest.mark.parametrize("kind", ["response", "conversion"])
def test_files_in_which_there_are_no_pages_at_all_are_told(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = gzip.decompress(warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z"))
    record = record.replace(b"WARC-Type: response", f"WARC-Type: {kind}".encode())
    write(tmp_path / "a.warc.gz", gzip.compress(record))
    (tmp_path / "urls.txt").write_text(URL)
    settings = (f'crawl.sources=["warc:{tmp_path}"]', "crawl.allow_private=true")
    asked = Here(tmp_path / "corpus", settings=settings)
    crawl.run(asked, [str(tmp_path / "urls.txt")], Progress(quiet=True))
    told = "archives: no page in 1 file" in capsys.readouterr().err
    assert told == (kind == "conversion")


def test_a_file_whose_name_looks_like_a_glob_is_found(tmp_path: Path) -> None:
    record = warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z")
    assert found(write(tmp_path / "a[1].warc.gz", record)).verdict.state == "fetched"


def test_a_path_is_frozen_as_it_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "a [1]"
    here.mkdir()
    record = warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z")
    file = write(here / "a.warc.gz", record)
    monkeypatch.chdir(here)
    given = ["warc:a.warc.gz", "warc:*.warc.gz", "warc:.", "live", "warc:s3://b/x"]
    request = Request(tmp_path / "corpus", settings=(f"crawl.sources={given}",))
    *local, live, stored = request.wanted().crawl.sources
    monkeypatch.chdir(tmp_path)
    assert [[each.path for each in files_of(source)] for source in local] == [[str(file)]] * 3
    assert (live, stored) == ("live", "warc:s3://b/x")


def test_a_relative_path_that_an_older_version_froze_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = Recipe(crawl=Crawl(sources=["warc:a.warc.gz", "live"]))
    Corpus(tmp_path / "corpus").freeze(old)
    again = Request(tmp_path / "corpus", settings=('crawl.sources=["warc:a.warc.gz", "live"]',))
    assert Request(tmp_path / "corpus").wanted() == again.wanted() == old


def test_other_archives_are_another_plan(crawled: Crawled, tmp_path: Path) -> None:
    crawled.link([URL])
    recipe = crawled.recipe(sources=[f"warc:{tmp_path}"])
    record = warc_record(URL, b"<p>x", "2014-02-19T00:00:00Z")
    write(tmp_path / "a.warc.gz", record)
    before = pages.plan(crawled.corpus, recipe).works[0].key
    assert pages.plan(crawled.corpus, recipe).works[0].key == before
    write(tmp_path / "b.warc.gz", record)
    assert pages.plan(crawled.corpus, recipe).works[0].key != before


def test_no_odd_sample_of_any_tool_breaks_a_crawl(shared: Path) -> None:
    files = files_of(f"warc:{shared}/warc/**/*")
    wanted: set[str] = set()
    for path in files:
        try:
            wanted.update(found.pointer.url for found in warc_listing.listed_in(path))
        except Exception:  # what WarcFiles has to survive
            continue
    settings = Crawl(allow_private=True, max_bytes=1_000_000)
    archive = warc_files(f"warc:{shared}/warc/**/*", dict.fromkeys(wanted, POSTED), settings)
    answers = [look_up(Wanted(0, "id", url, POSTED), [archive], settings) for url in sorted(wanted)]
    assert any(answer.verdict and answer.verdict.state == "fetched" for answer in answers)
    assert 0 < archive.damaged < len(files)
