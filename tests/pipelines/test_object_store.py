"""The chain gives the same bytes in an S3 bucket as on a disk, whatever goes wrong meanwhile."""

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow.parquet as pq
import pytest

from data import miniweb
from data.miniweb import serve
from pipelines import build_shards, crawl, link_steps, scratch
from pipelines.request import Request
from tests.object_store import BUCKET, ObjectStore, google, serving
from tests.pipelines.chains import (
    differing,
    killed_amid,
    ray_workers_killed,
    results,
    settings,
    webtext,
    webtext_json,
)
from webtext import store
from webtext.engine import Report, Task
from webtext.progress import Progress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

UNWELL = 0.01  # of the requests go wrong


@dataclass(frozen=True)
class Chain:
    """A demo web that is served, its links, and what a chain on a disk makes of them."""

    links: list[object]
    local: dict[str, Any]
    kept: str  # a URL


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("local")
    web, dump, corpus = miniweb.build(), folder / "RS_demo.zst", folder / "corpus"
    miniweb.write_dump(web, dump)
    with serve(web) as proxy:
        options = ["--links", dump, "--recipe", "demo", *settings(f"crawl.proxy={proxy.address}")]
        webtext("crawl", corpus, *options)
        webtext("build-shards", corpus)
        rows = pq.read_table(next((corpus / "shards").glob("train-*.parquet")), columns=["url"])
        yield Chain(options, results(corpus), rows["url"][0].as_py())


@pytest.fixture(scope="module")
def site() -> Iterator[ObjectStore]:
    with serving() as site:
        yield site


@pytest.fixture
def cache(site: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine works on what is in the store; the store is well again."""
    site.unwell = 0.0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_unwell_store_and_another_machine_for_each_command_change_no_byte(
    chain: Chain, site: ObjectStore, cache: Path, tmp_path: Path
) -> None:
    site.unwell, corpus = UNWELL, f"s3://{BUCKET}/unwell/corpus"
    webtext("crawl", corpus, *chain.links)
    shutil.rmtree(cache)
    assert webtext_json("build-shards", corpus, "--dry-run")["recipe"] == "demo"
    webtext("build-shards", corpus)
    shutil.rmtree(cache)
    states = {row["stage"]: row["state"] for row in webtext_json("status", corpus)["stages"]}
    assert set(states.values()) == {"current"}
    assert webtext_json("explain", corpus, chain.kept)["ledger"]["state"] == "kept"
    assert webtext_json("audit", corpus)["report"] == f"{corpus}/audit/report.html"
    assert site.faults_had > 0
    there = site.downloaded("unwell/corpus", tmp_path / "corpus")
    assert differing(chain.local, results(there)) == []
    assert not [name for name in site.objects("unwell") if "/.lock/" in name or "scratch" in name]


def test_kills_with_and_without_what_this_machine_had_change_no_byte(
    chain: Chain, site: ObjectStore, cache: Path, tmp_path: Path
) -> None:
    site.unwell, corpus, moments = UNWELL, f"s3://{BUCKET}/storm/corpus", random.Random(9)
    hit = 0
    for arguments in (["crawl", corpus, *chain.links], ["build-shards", corpus]):
        for attempt in range(4):
            hit += killed_amid(cache, moments, arguments)
            if attempt % 2:
                shutil.rmtree(cache)
        webtext(*arguments)
    assert hit >= 6
    there = site.downloaded("storm/corpus", tmp_path / "corpus")
    assert differing(chain.local, results(there)) == []


class Elsewhere:
    """Runs each task on a machine that has nothing of the driver's, and keeps nothing."""

    workers = 2

    def __init__(self, cache: Path) -> None:
        self.cache, self.driver = cache, cache.with_name("driver")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def map(self, task: Task, items: Sequence[Any], _: Report) -> Iterator[Any]:
        for item in items:
            for remembered in (link_steps.spilled, scratch._signed):
                remembered.cache_clear()
            self.cache.rename(self.driver)
            try:
                result = task(item, lambda *_: None)
            finally:
                shutil.rmtree(self.cache, ignore_errors=True)
                self.driver.rename(self.cache)
            yield result


def test_tasks_reach_all_that_they_read_through_the_store(
    chain: Chain, site: ObjectStore, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = store.folder_of(f"s3://{BUCKET}/elsewhere/corpus")
    monkeypatch.setattr(Request, "start_engine", lambda _: Elsewhere(cache / store.FOLDER))
    assigned = (str(chain.links[-1]),)
    crawl.run(Request(corpus, "demo", assigned), [str(chain.links[1])], Progress(quiet=True))
    build_shards.run(Request(corpus), Progress(quiet=True))
    there = site.downloaded("elsewhere/corpus", tmp_path / "corpus")
    assert differing(chain.local, results(there)) == []


@pytest.mark.usefixtures("cache")
def test_ray_gives_the_same_bytes_when_its_workers_are_killed(
    chain: Chain, site: ObjectStore, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs the extra: pip install 'webtext[ray]'")
    site.unwell, corpus = UNWELL, f"s3://{BUCKET}/ray/corpus"
    webtext("crawl", corpus, *chain.links, "--engine", "ray", "--workers", 2)
    assert ray_workers_killed(["build-shards", corpus, "--engine", "ray", "--workers", 2]) > 0
    there = site.downloaded("ray/corpus", tmp_path / "corpus")
    assert differing(chain.local, results(there)) == []


def test_googles_store_gets_the_same_bytes(chain: Chain, cache: Path, tmp_path: Path) -> None:
    with google(tmp_path / "objects") as bucket:
        corpus, moments = f"gs://{BUCKET}/nested/corpus", random.Random(10)
        for arguments in (["crawl", corpus, *chain.links], ["build-shards", corpus]):
            killed_amid(cache, moments, arguments)
            shutil.rmtree(cache)
            webtext(*arguments)
        there = bucket.downloaded("nested/corpus", tmp_path / "corpus")
        assert differing(chain.local, results(there)) == []
        assert not [name for name in bucket.objects("nested") if "/.lock/" in name or "scratch" in name]
