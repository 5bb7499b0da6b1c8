"""kill -9 of the whole process tree at random moments, the same command again, then a comparison."""

import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.serve_pages import real_web
from data import miniweb
from data.miniweb import MiniWeb, serve
from tests.pipelines.chains import (
    QUICK,
    SMALL,
    differing,
    killed_amid,
    results,
    settings,
    url_list,
    webtext,
)


def stormy(corpus: Path, arguments: list[object], moments: random.Random, kills: int) -> int:
    """Kills a command up to `kills` times, then lets it end; returns how often it was hit while running."""
    hit = sum(killed_amid(corpus, moments, arguments) for _ in range(kills))
    webtext(*arguments)
    return hit


def undisturbed_and_stormy(
    folder: Path, web: MiniWeb, source: Path, options: list[str], kills: int
) -> tuple[Path, Path, int]:
    calm, storm = folder / "calm", folder / "storm"
    moments = random.Random(20171231)
    with serve(web) as proxy:
        options = [*options, *settings(f"crawl.proxy={proxy.address}")]
        webtext("crawl", calm, "--links", source, *options, "--workers", 1)
        hit = stormy(storm, ["crawl", storm, "--links", source, *options], moments, kills)
    webtext("build-shards", calm, "--workers", 1)
    hit += stormy(storm, ["build-shards", storm], moments, kills)
    return calm, storm, hit


@pytest.mark.slow
def test_a_chain_that_was_killed_gives_the_same_bytes(shared: Path, tmp_path: Path) -> None:
    web = real_web(shared / "pages" / "pages.parquet", 16)
    source = url_list(tmp_path / "links.txt", sorted(web.pages))
    options = settings(*QUICK, *SMALL, "crawl.per_host_delay_s=0.3")
    calm, storm, hit = undisturbed_and_stormy(tmp_path, web, source, options, kills=2)
    assert differing(results(calm), results(storm)) == []
    assert hit >= 2


@pytest.mark.slow
def test_a_removal_that_was_killed_gives_the_same_bytes(shared: Path, tmp_path: Path) -> None:
    web, calm, storm = real_web(shared / "pages" / "pages.parquet", 40), tmp_path / "calm", tmp_path / "storm"
    source = url_list(tmp_path / "links.txt", sorted(web.pages))
    with serve(web) as proxy:
        options = settings(*QUICK, *SMALL, f"crawl.proxy={proxy.address}")
        webtext("crawl", calm, "--links", source, *options)
    webtext("build-shards", calm)
    shards = sorted((calm / "shards").glob("*.parquet"))
    kept = [url for path in shards for url in pq.read_table(path, columns=["url"])["url"].to_pylist()]
    removed = url_list(tmp_path / "removed.txt", sorted(kept)[::3])
    shutil.copytree(calm, storm)
    webtext("remove", calm, "--from", removed, "--workers", 1)
    hit = stormy(storm, ["remove", storm, "--from", removed], random.Random(20181104), kills=6)
    assert hit >= 4
    assert differing(results(calm), results(storm)) == []
    for archive in (calm / "pages" / "warc").iterdir():
        assert archive.read_bytes() == (storm / "pages" / "warc" / archive.name).read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_demo_killed_at_ten_random_moments_gives_the_same_bytes(tmp_path: Path) -> None:
    web = miniweb.build()
    source = tmp_path / "RS_demo.zst"
    miniweb.write_dump(web, source)
    options = ["--recipe", "demo"]
    calm, storm, hit = undisturbed_and_stormy(tmp_path, web, source, options, kills=6)
    assert differing(results(calm), results(storm)) == []
    assert hit >= 10
