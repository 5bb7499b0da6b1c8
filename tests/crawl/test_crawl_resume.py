"""kill -9 during a crawl, and the same crawl again."""

import multiprocessing
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.crawl.loopback import Crawled, Page, Site, Web
from webtext.crawl.rows import FACTS
from webtext.crawl.warc import read_response

THREADS, KILLS = 4, 3


def crawl(root: Path, settings: dict[str, Any]) -> None:
    Crawled(root).crawl(**settings)


def facts(crawled: Crawled) -> list[list[Any]]:
    return [[row[name] for name in FACTS] for row in crawled.rows().values()]


def check_archives(crawled: Crawled) -> None:
    warcs = sorted(map(str, (crawled.folder / "warc").iterdir()))
    subprocess.run([sys.executable, "-m", "warcio.cli", "check", *warcs], check=True)
    for row in crawled.rows().values():
        if row["state"] == "fetched":
            stored = read_response(crawled.folder, row["warc_file"], row["warc_offset"], 10_000)
            assert stored.body.decode() == f"<p>{row['final_url'].rpartition('/')[2]}"


def sites(web: Web) -> list[Site]:
    made = [web.site() for _ in range(12)]
    for site in made:
        site.pages |= {f"/p{n}": Page(f"<p>p{n}".encode(), delay_s=0.02) for n in range(12)}
        site.pages["/p3"] = Page(b"", 302, (("Location", "/p4"),))
        site.pages["/p5"] = Page(b"gone", 410)
    return made


@pytest.mark.slow
def test_a_killed_crawl_asks_twice_only_for_what_was_in_flight(web: Web, tmp_path: Path) -> None:
    hosts = sites(web)
    urls = [site.url(f"/p{n}") for site in hosts for n in range(12) if n != 4]
    undisturbed, crawled = Crawled(tmp_path / "undisturbed"), Crawled(tmp_path / "killed")
    for corpus in (undisturbed, crawled):
        corpus.link(urls, partitions=4)
    undisturbed.crawl(threads=THREADS)
    for site in hosts:
        site.hits.clear()

    settings: dict[str, Any] = {"threads": THREADS, "per_host_delay_s": 0.1}
    context, chance = multiprocessing.get_context("spawn"), random.Random(7)
    for _ in range(KILLS):
        process = context.Process(target=crawl, args=(crawled.corpus.root, settings))
        before = sum(len(site.hits) for site in hosts)
        process.start()
        while sum(len(site.hits) for site in hosts) < before + 5 and process.is_alive():
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.3))
        process.kill()
        process.join()
    crawled.crawl(**settings)

    paths = {f"/p{n}" for n in range(12)}
    asked = [path for site in hosts for path in site.paths() if path in paths and path != "/p4"]
    twice = len(asked) - len(set(urls))
    assert 0 <= twice <= KILLS * THREADS
    assert crawled.rows().keys() == undisturbed.rows().keys()
    assert sorted(facts(crawled)) == sorted(facts(undisturbed))
    assert [p.hash for p in crawled.corpus.table("pages").finished()] == [
        p.hash for p in undisturbed.corpus.table("pages").finished()
    ]
    assert not list(crawled.folder.glob("*.journal.jsonl"))
    check_archives(crawled)


def test_a_crawl_that_ended_between_its_table_and_its_mark_asks_for_nothing(
    web: Web, crawled: Crawled
) -> None:
    site = web.site(a=Page())
    rows = crawled.crawl([site.url("/a"), site.url("/none")])
    asked = len(site.hits)
    (crawled.folder / "_manifest.json").unlink()
    assert crawled.crawl() == rows
    assert len(site.hits) == asked
