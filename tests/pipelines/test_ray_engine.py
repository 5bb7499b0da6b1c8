"""The chain on a Ray cluster of several workers gives what processes give, whatever is killed."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serve_pages import real_web
from data.miniweb import serve
from pipelines import links
from tests.pipelines.chains import (
    QUICK,
    SMALL,
    differing,
    killed_amid,
    ray_workers_killed,
    results,
    settings,
    url_list,
    webtext,
)
from webtext.corpus import Corpus

pytest.importorskip("ray", reason="needs the extra: pip install 'webtext[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RAY = ("--engine", "ray", "--workers", 2)


@pytest.fixture(scope="module")
def crawl(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[object]]:
    """The options of a crawl of 24 real pages from loopback."""
    web = real_web(shared / "pages" / "pages.parquet", 24)
    source = url_list(tmp_path_factory.mktemp("links") / "links.txt", sorted(web.pages))
    with serve(web) as proxy:
        chosen = settings(*QUICK, *SMALL, "crawl.per_host_delay_s=0.2", f"crawl.proxy={proxy.address}")
        yield ["--links", source, *chosen]


@pytest.fixture(scope="module")
def local(crawl: list[object], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    corpus = tmp_path_factory.mktemp("local") / "corpus"
    webtext("crawl", corpus, *crawl, "--workers", 1)
    webtext("build-shards", corpus, "--workers", 1)
    return results(corpus)


def test_ray_gives_the_same_bytes(crawl: list[object], local: dict[str, Any], tmp_path: Path) -> None:
    webtext("crawl", tmp_path / "c", *crawl, *RAY)
    webtext("build-shards", tmp_path / "c", *RAY)
    assert differing(local, results(tmp_path / "c")) == []
    for out, engine in (("one", ("--workers", 1)), ("cluster", RAY)):
        webtext("audit", tmp_path / "c", "--out", tmp_path / out, *engine)
    one, cluster = (
        {path.name: path.read_bytes() for path in (tmp_path / out).iterdir()} for out in ("one", "cluster")
    )
    assert differing(one, cluster) == [] and "report.html" in one


def test_a_removal_leaves_the_same_bytes(crawl: list[object], tmp_path: Path) -> None:
    webtext("crawl", tmp_path / "one", *crawl)
    webtext("build-shards", tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "cluster")
    before, url = results(tmp_path / "one"), next(iter(links.urls(Corpus(tmp_path / "one"), None)))
    webtext("remove", tmp_path / "one", "--url", url, "--workers", 1)
    webtext("remove", tmp_path / "cluster", "--url", url, *RAY)
    assert differing(results(tmp_path / "one"), results(tmp_path / "cluster")) == []
    assert differing(results(tmp_path / "one"), before)


def test_a_driver_that_is_killed_goes_on_when_it_is_started_again(
    crawl: list[object], local: dict[str, Any], tmp_path: Path
) -> None:
    moments = random.Random(8)
    for arguments in (["crawl", tmp_path / "c", *crawl, *RAY], ["build-shards", tmp_path / "c", *RAY]):
        killed = [killed_amid(tmp_path / "c", moments, arguments) for _ in range(3)]
        assert all(killed)
        webtext(*arguments)
    assert differing(local, results(tmp_path / "c")) == []


def test_workers_that_are_killed_are_replaced(
    crawl: list[object], local: dict[str, Any], tmp_path: Path
) -> None:
    webtext("crawl", tmp_path / "c", *crawl, *RAY)
    assert ray_workers_killed(["build-shards", tmp_path / "c", *RAY]) > 0
    assert differing(local, results(tmp_path / "c")) == []
