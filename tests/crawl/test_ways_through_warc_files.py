"""Pages of WARC files that a redirect leads to, or whose body an earlier record has."""

import random
import time
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.crawl.archive_site import rebuilt, warc_files, warc_record, warc_revisit
from tests.crawl.loopback import HTML, Crawled, Page, Web
from webtext.buckets import StoredFile
from webtext.crawl import recovery
from webtext.crawl.archives.lookup import Found, Wanted, look_up
from webtext.crawl.archives.warc_files import WarcFiles
from webtext.crawl.archives.warc_listing import Listings, filed_under
from webtext.crawl.archives.warc_places import files_of
from webtext.sections import Crawl

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)
DAY = "2014-02-19T00:00:00Z"
OLD, NEW = "http://old.example.org/page", "https://new.example.org/page"


def moved(url: str, to: str, date: str = DAY) -> bytes:
    return warc_record(url, b"", date, status=301, headers=(("Location", to),))


def found(tmp_path: Path, *files: list[bytes], url: str = OLD, **settings: Any) -> Found:
    for number, records in enumerate(files):
        (tmp_path / f"{number}.warc.gz").write_bytes(b"".join(records))
    asked = Crawl(**settings)
    archive = warc_files(f"warc:{tmp_path}", {url: POSTED}, asked)
    return look_up(Wanted(0, "id", url, POSTED), [archive], asked)


def page_of(found: Found) -> tuple[bytes, str, int]:
    assert found.exchange is not None, found.notes
    return found.exchange.body, found.exchange.url, found.redirects


@pytest.mark.parametrize("places", [[0, 0], [0, 1], [1, 0]], ids=["beside it", "later", "earlier"])
def test_a_redirect_leads_to_its_page_wherever_that_lies(tmp_path: Path, places: list[int]) -> None:
    files: list[list[bytes]] = [[], []]
    files[places[0]].append(moved(OLD, NEW))
    files[places[1]].append(warc_record(NEW, b"<p>here", DAY))
    assert page_of(found(tmp_path, *files)) == (b"<p>here", NEW, 1)


def test_a_redirect_to_an_address_in_utf8_leads_to_its_page(tmp_path: Path) -> None:
    redirect = rebuilt(moved(OLD, "/XX"), b"/XX", "/é".encode())
    there = warc_record("http://old.example.org/%C3%A9", b"<p>here", DAY)
    assert page_of(found(tmp_path, [redirect, there]))[0] == b"<p>here"


def test_of_several_captures_the_page_at_the_time_of_the_redirect_is_taken(tmp_path: Path) -> None:
    late, near = "2020-02-19T00:00:00Z", "2014-02-20T00:00:00Z"
    pages = [warc_record(NEW, b"<p>late", late), warc_record(NEW, b"<p>near", near)]
    assert page_of(found(tmp_path, [*pages, moved(OLD, NEW)]))[0] == b"<p>near"


def test_dead_links_of_one_site_each_lead_to_the_front_page_of_their_day(tmp_path: Path) -> None:
    days = [f"2014-02-{day:02}T00:00:00Z" for day in range(1, 25)]
    links = [f"http://old.example.org/{day}" for day in range(1, 25)]
    records = [moved(link, "/", day.replace("T00", "T03")) for link, day in zip(links, days, strict=True)]
    records += [warc_record("http://old.example.org/", f"<p>{day}".encode(), day) for day in days]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(records))
    archive = warc_files(f"warc:{tmp_path}", dict.fromkeys(links, POSTED), Crawl())
    for link, day in zip(links, days, strict=True):
        (pointer,) = archive.find(link, POSTED)
        assert archive.read(pointer).exchange.body == f"<p>{day}".encode()


def test_as_many_redirects_are_followed_as_a_crawl_would(tmp_path: Path) -> None:
    steps = [moved(f"http://a.example/{n}", f"/{n + 1}") for n in range(3)]
    records = [*reversed(steps), warc_record("http://a.example/3", b"<p>end", DAY)]
    first = "http://a.example/0"
    assert page_of(found(tmp_path, records, url=first, max_redirects=3))[2] == 3
    assert found(tmp_path, records, url=first, max_redirects=2).verdict is None


def test_redirects_in_a_ring_end(tmp_path: Path) -> None:
    result = found(tmp_path, [moved(OLD, NEW), moved(NEW, OLD)])
    assert result.notes == ("warc: leads to a page that the files do not have",)


def test_a_redirect_whose_page_the_files_lack_hides_no_capture_of_the_link(tmp_path: Path) -> None:
    records = [moved(OLD, NEW), warc_record(OLD, b"<p>before it moved", "2010-01-01T00:00:00Z")]
    assert page_of(found(tmp_path, records))[0] == b"<p>before it moved"


@pytest.mark.parametrize(
    "original", [NEW, OLD, ""], ids=["of another page", "of the same", "of one not named"]
)
def test_a_revisit_has_the_body_of_the_record_that_it_repeats(tmp_path: Path, original: str) -> None:
    earlier = [warc_record(original or OLD, body, "2014-01-01T00:00:00Z") for body in (b"<p>no", b"<p>yes")]
    revisit = warc_revisit(OLD, original, b"<p>yes", DAY)
    result = found(tmp_path, [revisit], earlier)
    assert page_of(result) == (b"<p>yes", OLD, 0)
    assert result.exchange and result.exchange.at == datetime(2014, 2, 19, tzinfo=UTC)


def test_a_revisit_speaks_for_itself_where_it_opts_out(tmp_path: Path) -> None:
    earlier = warc_record(NEW, b"<p>x", "2014-01-01T00:00:00Z")
    revisit = warc_revisit(OLD, NEW, b"<p>x", DAY, headers=(*HTML, ("X-Robots-Tag", "noai")))
    result = found(tmp_path, [earlier, revisit])
    assert result.verdict and result.verdict.state == "opted_out"


def test_a_page_that_was_not_modified_has_the_head_that_it_had(tmp_path: Path) -> None:
    earlier = warc_record(OLD, b"<p>x", "2010-01-01T00:00:00Z")
    revisit = warc_revisit(OLD, OLD, b"<p>x", DAY, status=304, headers=())
    result = found(tmp_path, [earlier, revisit])
    assert page_of(result)[0] == b"<p>x"
    assert result.exchange and (result.exchange.status, result.exchange.headers) == (200, HTML)


def test_a_revisit_of_another_body_is_not_taken_for_it(tmp_path: Path) -> None:
    earlier, revisit = warc_record(NEW, b"<p>other", DAY), warc_revisit(OLD, NEW, b"<p>x", DAY)
    assert found(tmp_path, [earlier, revisit]).verdict is None


def test_the_archive_of_a_crawl_gives_all_its_pages_again(web: Web, crawled: Crawled, tmp_path: Path) -> None:
    text = Page(b"<p>" + b"a long page " * 100)
    site = web.site(
        page=text,
        twin=text,
        moved=Page(b"", 301, (("Location", "/page"),)),
        far=Page(b"", 301, (("Location", "/moved"),)),
        gone=Page(status=404),
    )
    urls = [site.url(f"/{name}") for name in ("page", "twin", "moved", "far", "gone")]
    first = crawled.crawl(urls)
    again = Crawled(tmp_path / "again").crawl(urls, sources=[f"warc:{crawled.folder}/warc"])
    assert [first[url]["state"] for url in urls] == [*["fetched"] * 4, "not_found"]
    for url in urls[:4]:
        same = ("state", "final_url", "redirects", "sha256")
        assert {name: first[url][name] for name in same} == {name: again[url][name] for name in same}
    assert again[urls[4]]["state"] == "no_capture"


def test_the_same_files_give_the_same_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsteady(*arguments: Any) -> Found:
        time.sleep(random.random() / 50)
        return look_up(*arguments)

    monkeypatch.setattr(recovery, "look_up", unsteady)
    links = [f"http://a.example/{n}" for n in range(30)]
    records = [warc_record(url, f"<p>{random.random()} of {url}".encode(), DAY) for url in links]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(records))
    one, other = (
        Crawled(tmp_path / name).crawl(links, sources=[f"warc:{tmp_path}/a.warc.gz"]) for name in ("1", "2")
    )
    for row in (*one.values(), *other.values()):
        assert row.pop("fetched_at") and row["state"] == "fetched"
    assert one == other


def monthly(url: str, years: range) -> list[bytes]:
    """More captures of a page than are remembered of one."""
    dates = [f"{year}-{month:02}" for year in years for month in range(1, 13)]
    return [warc_record(url, f"<p>{date}".encode(), f"{date}-01T00:00:00Z") for date in dates]


def test_the_nearest_of_very_many_captures_is_taken(tmp_path: Path) -> None:
    assert page_of(found(tmp_path, monthly(OLD, range(1996, 2024))))[0] == b"<p>2014-03"


def test_of_a_link_without_a_time_the_latest_of_very_many_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(b"".join(monthly(OLD, range(1996, 2024))))
    link = Wanted(0, "id", OLD)
    archive = warc_files(f"warc:{tmp_path}", {OLD: link.near}, Crawl())
    assert page_of(look_up(link, [archive], Crawl()))[0] == b"<p>2023-12"


@pytest.mark.parametrize(
    "wanted_too", [False, True], ids=["of another page", "of one with a time of its own"]
)
def test_a_redirect_leads_to_the_nearest_of_very_many_captures(tmp_path: Path, wanted_too: bool) -> None:
    records = [*monthly(NEW, range(1996, 2024)), moved(OLD, NEW)]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(records))
    times = {OLD: POSTED} | ({NEW: datetime(1996, 1, 1, tzinfo=UTC)} if wanted_too else {})
    archive = warc_files(f"warc:{tmp_path}", times, Crawl())
    assert page_of(look_up(Wanted(0, "id", OLD, POSTED), [archive], Crawl()))[0] == b"<p>2014-03"


@pytest.mark.parametrize("of", [OLD, NEW], ids=["of the same page", "of another"])
def test_a_revisit_finds_its_body_among_very_many_captures(tmp_path: Path, of: str) -> None:
    records = [*monthly(of, range(1996, 2010)), warc_revisit(OLD, of, b"<p>1996-07", DAY)]
    records += monthly(of, range(2015, 2024))
    assert page_of(found(tmp_path, records)) == (b"<p>1996-07", OLD, 0)


def test_very_many_redirects_to_nowhere_hide_no_page(tmp_path: Path) -> None:
    nowhere = [
        moved(OLD, NEW, f"2014-02-{day:02}T00:{minute:02}:00Z") for day in range(1, 28) for minute in range(9)
    ]
    page = warc_record(OLD, b"<p>before it moved", "2010-01-01T00:00:00Z")
    assert page_of(found(tmp_path, [*nowhere, page]))[0] == b"<p>before it moved"


def test_a_body_that_the_files_lack_is_looked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look = Counter[str](), Listings.look

    def counted(listings: Listings, file: StoredFile, wanted: Collection[str]) -> Any:
        looks[file.path] += 1
        return look(listings, file, wanted)

    monkeypatch.setattr(Listings, "look", counted)
    records = [*monthly(OLD, range(1996, 2024)), warc_revisit(OLD, OLD, b"<p>nowhere", DAY)]
    found(tmp_path, records)
    assert looks.total() == 2


def test_files_are_read_through_once_whoever_looks_for_pages_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.warc.gz").write_bytes(moved(OLD, NEW) + warc_record(NEW, b"<p>here", DAY) + b"\x1f\x8b")
    read, stream = Counter[str](), StoredFile.stream

    def counted(file: StoredFile) -> Any:
        read[file.path] += 1
        return stream(file)

    monkeypatch.setattr(StoredFile, "stream", counted)
    files, folder = files_of(f"warc:{tmp_path}"), tmp_path / "listings"
    for url in (OLD, NEW):
        archive = WarcFiles(files, {url: POSTED}, Crawl(), folder)
        assert [pointer.url for pointer in archive.find(url, POSTED)] == [filed_under(NEW)]
        assert archive.damaged == 1
    assert read.total() == 1
