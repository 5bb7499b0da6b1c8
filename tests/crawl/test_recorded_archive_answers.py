"""Answers that the real services gave once."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from tests.crawl.archive_site import ArchiveSite
from tests.crawl.loopback import Crawled, Page
from webtext.crawl.archives import chosen
from webtext.crawl.network import Network

NEAR = datetime(2025, 8, 10, tzinfo=UTC)


def recorded(shared: Path, test: str) -> list[dict[str, str]]:
    path = shared / "archives" / "cdx_toolkit" / "mock_responses" / f"{test}.jsonl"
    if not path.exists():
        pytest.skip(f"needs {path.name}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_common_crawls_answers_lead_to_a_page(shared: Path, crawled: Crawled, archive: ArchiveSite) -> None:
    (collinfo, *_) = recorded(shared, "test_cc/test_get_cc_endpoints")
    answers = recorded(shared, "test_capture_object/test_capture_object")
    index = next(answer for answer in answers if "-index" in answer["url"])
    data = next(answer for answer in answers if answer["url"].startswith("https://data."))
    archive.first["/collinfo.json"] = [Page(collinfo["response_text"].encode())]
    archive.first["/CC-MAIN-2025-33-index"] = [Page(index["response_text"].encode())]
    archive.first["/crawl-data/"] = [Page(base64.b64decode(data["response_text"]), 206)]
    network = Network(crawled.recipe().crawl)
    (source,) = chosen.open_archives(["commoncrawl"], network, crawled.folder, {}, Event())
    (pointer,) = source.find("http://example.com/", NEAR)
    exchange = source.read(pointer).exchange
    network.close()
    assert (exchange.status, exchange.at.date().isoformat()) == (200, "2025-08-02")
    assert b"Example Domain" in exchange.body


def test_the_wayback_machines_index_is_understood(
    shared: Path, crawled: Crawled, archive: ArchiveSite
) -> None:
    (answer,) = recorded(shared, "test_cli/test_multi_ia")
    archive.first["/cdx/"] = [Page(answer["response_text"].encode())]
    network = Network(crawled.recipe().crawl)
    (source,) = chosen.open_archives(["wayback"], network, crawled.folder, {}, Event())
    pointers = source.find("http://commoncrawl.org/", datetime(2008, 7, 11, tzinfo=UTC))
    network.close()
    assert [pointer.at.day for pointer in pointers] == [10, 12, 9]
