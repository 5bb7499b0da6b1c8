"""What the archive says beside the exchanges themselves."""

import subprocess
import sys
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from tests.crawl.loopback import Crawled, Page, Web

WALL = b"<p>please accept our cookies" * 50


def records(crawled: Crawled) -> list[tuple[str, dict[str, str], bytes]]:
    found = []
    for path in sorted((crawled.folder / "warc").iterdir()):
        subprocess.run([sys.executable, "-m", "warcio.cli", "check", str(path)], check=True)
        with path.open("rb") as file:
            found += [
                (record.rec_type, dict(record.rec_headers.headers), record.raw_stream.read())
                for record in ArchiveIterator(file)
            ]
    return found


def told(crawled: Crawled) -> dict[str, dict[str, str]]:
    """The fields of each metadata record, by URL."""
    return {
        head["WARC-Target-URI"]: dict(line.split(": ", 1) for line in fields.decode().splitlines())
        for kind, head, fields in records(crawled)
        if kind == "metadata"
    }


def crawl(web: Web, crawled: Crawled) -> tuple[str, dict[str, dict[str, Any]]]:
    site = web.site(old=Page(b"", 302, (("Location", "/new"),)), new=Page(WALL), other=Page(WALL))
    rows = crawled.crawl([site.url("/old"), site.url("/other")])
    return site.base, rows


def test_every_exchange_has_one_beside_it_a_revisit_too(web: Web, crawled: Crawled) -> None:
    crawl(web, crawled)
    answers: list[str] = []
    requests: list[str] = []
    metadata: list[str] = []
    for kind, head, _ in records(crawled):
        if kind in ("response", "revisit"):
            answers.append(head["WARC-Record-ID"])
        elif kind in ("request", "metadata"):
            (requests if kind == "request" else metadata).append(head["WARC-Concurrent-To"])
    assert answers == requests == metadata
    assert len(answers) == 5  # robots.txt, tdmrep.json, /old, /new, /other
    assert "revisit" in [kind for kind, *_ in records(crawled)]


def test_it_leads_from_the_link_over_its_redirects(web: Web, crawled: Crawled) -> None:
    base, rows = crawl(web, crawled)
    fields = told(crawled)
    link = rows[f"{base}/old"]["id"]
    assert fields[f"{base}/new"] | {"fetchTimeMs": ""} == {
        "via": f"{base}/old",
        "hopsFromSeed": "R",
        "fetchTimeMs": "",
        "linkId": link,
    }
    assert fields[f"{base}/old"].keys() == {"fetchTimeMs", "linkId"}
    assert fields[f"{base}/robots.txt"].keys() == {"fetchTimeMs", "hopsFromSeed"}
    assert fields[f"{base}/robots.txt"]["hopsFromSeed"] == "P"
    assert all(int(each["fetchTimeMs"]) < 2000 for each in fields.values())


def test_replay_tools_take_none_of_it_for_a_page(web: Web, crawled: Crawled) -> None:
    """pywb's indexer passes over records of this content type, as it does over requests and warcinfo."""
    crawl(web, crawled)
    kinds = {kind for kind, head, _ in records(crawled) if head["Content-Type"] == "application/warc-fields"}
    assert kinds == {"warcinfo", "metadata"}
