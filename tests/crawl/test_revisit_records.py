"""Bodies that are stored once, however many addresses have them."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.crawl.loopback import HTML, Crawled, Page, Web
from webtext.crawl import revisits
from webtext.crawl.exchange import Exchange
from webtext.crawl.journal import Journal
from webtext.crawl.packing import pack
from webtext.crawl.revisits import ExchangeWriter
from webtext.crawl.warc import read_response

WALL = b"<p>please accept our cookies" * 50


def records(crawled: Crawled, kind: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted((crawled.folder / "warc").iterdir()):
        subprocess.run([sys.executable, "-m", "warcio.cli", "check", str(path)], check=True)
        with path.open("rb") as file:
            found += [dict(r.rec_headers.headers) for r in ArchiveIterator(file) if r.rec_type == kind]
    return found


def read(crawled: Crawled, row: dict[str, Any]) -> bytes:
    stored = read_response(crawled.folder, row["warc_file"], row["warc_offset"], row["bytes"])
    assert hashlib.sha256(stored.body).hexdigest() == row["sha256"]
    return stored.body


def test_a_body_is_stored_once_and_each_row_leads_to_it(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(WALL), b=Page(WALL), c=Page(WALL + b"!"))
    rows = crawled.crawl([site.url(path) for path in ("/a", "/b", "/c")])
    assert [read(crawled, rows[site.url(path)]) for path in ("/a", "/b", "/c")] == [WALL, WALL, WALL + b"!"]
    [revisit] = records(crawled, "revisit")
    first, second = (site.url(path) for path in site.paths() if path in ("/a", "/b"))
    assert (revisit["WARC-Target-URI"], revisit["WARC-Refers-To-Target-URI"]) == (second, first)
    [original] = [r for r in records(crawled, "response") if r["WARC-Target-URI"] == first]
    assert revisit["WARC-Payload-Digest"] == original["WARC-Payload-Digest"]
    assert revisit["WARC-Refers-To-Date"] == original["WARC-Date"]
    assert revisit["WARC-Profile"].endswith("/1.1/revisit/identical-payload-digest")
    assert [r["WARC-Target-URI"] for r in records(crawled, "request")].count(second) == 1


def test_the_same_bytes_of_another_type_are_another_body(web: Web, crawled: Crawled) -> None:
    latin = (("Content-Type", "text/html; charset=latin-1"),)
    site = web.site(a=Page(WALL), b=Page(WALL, headers=latin))
    crawled.crawl([site.url("/a"), site.url("/b")])
    assert not records(crawled, "revisit")


def test_a_small_body_is_stored_again(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(b"<p>x"), b=Page(b"<p>x"))
    crawled.crawl([site.url("/a"), site.url("/b")])
    assert not records(crawled, "revisit")


def test_a_body_that_was_cut_short_stands_for_no_other(web: Web, crawled: Crawled) -> None:
    big = Page(WALL, headers=(*HTML, ("X-Robots-Tag", "noai")))
    site = web.site(a=big, b=big)
    rows = crawled.crawl([site.url("/a"), site.url("/b")])
    assert {row["state"] for row in rows.values()} == {"opted_out"}
    assert not records(crawled, "revisit")


def test_no_more_than_so_many_bodies_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisits, "KNOWN_BODIES", 2)
    with Journal(tmp_path, "part-00000", "key") as journal:
        archives = ExchangeWriter({0: journal})
        first, again, _, _, forgotten = (
            archives.append(0, pack(Exchange("http://a.example/", 200, (), WALL + letter.encode())))
            for letter in "aabca"
        )
    assert again == first
    assert forgotten != first


def test_of_several_bodies_the_one_that_was_met_last_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisits, "KNOWN_BODIES", 2)
    with Journal(tmp_path, "part-00000", "key") as journal:
        archives = ExchangeWriter({0: journal})
        first, *_, again = (
            archives.append(0, pack(Exchange("http://a.example/", 200, (), WALL + letter.encode())))
            for letter in "abaca"
        )
    assert again == first


def test_a_row_leads_to_its_own_partitions_archive(tmp_path: Path) -> None:
    with Journal(tmp_path, "part-00000", "key") as first, Journal(tmp_path, "part-00001", "key") as second:
        archives = ExchangeWriter({0: first, 1: second})
        packed = pack(Exchange("http://a.example/", 200, (), WALL))
        assert [archives.append(number, packed).file for number in (0, 1)] == [
            "warc/part-00000-0000.warc.gz",
            "warc/part-00001-0000.warc.gz",
        ]


def test_the_same_bytes_of_another_coding_are_another_body(tmp_path: Path) -> None:
    with Journal(tmp_path, "part-00000", "key") as journal:
        archives, coded = ExchangeWriter({0: journal}), (("Content-Encoding", "br"),)
        places = [
            archives.append(0, pack(Exchange("http://a.example/", 200, headers, WALL)))
            for headers in ((), coded)
        ]
    assert places[0] != places[1]
