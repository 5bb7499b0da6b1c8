"""The chain from links to tokens, run by the command line on real pages served from loopback."""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from warcio.checker import Checker

from benchmarks.serve_pages import real_web
from data.miniweb import serve
from tests.pipelines.chains import (
    QUICK,
    differing,
    results,
    settings,
    url_list,
    webtext,
    webtext_json,
)
from webtext import show_plan

PAGES = 36
TABLES = ("links", "pages", "documents", "clusters", "shards", "tokens", "ledger")
SMALL = ("tokens.vocab_size=1000", "shards.validation=0.1", "shards.target_mb=0.1", "filter.min_tokens=64")


@pytest.fixture(scope="module")
def corpus(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("chain")
    web, root = real_web(shared / "pages" / "pages.parquet", PAGES), folder / "corpus"
    links = url_list(folder / "links.txt", sorted(web.pages))
    with serve(web) as proxy:
        webtext(
            "crawl",
            root,
            "--links",
            links,
            *settings(*QUICK, *SMALL, f"crawl.proxy={proxy.address}"),
            "--workers",
            2,
        )
        webtext("build-shards", root, "--workers", 2)
        yield root


def manifest(corpus: Path, table: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((corpus / table / "_manifest.json").read_text())
    return read


@pytest.mark.parametrize("table", TABLES)
def test_every_manifest_balances(corpus: Path, table: str) -> None:
    counts = manifest(corpus, table)
    assert counts["in"] == counts["out"] + counts["merged"] + sum(counts["dropped"].values())
    assert counts["in"] > 0


def test_every_stage_takes_in_what_the_one_before_let_out(corpus: Path) -> None:
    flow = [manifest(corpus, table) for table in TABLES[:-1]]
    assert [later["in"] for later in flow[1:]] == [earlier["out"] for earlier in flow[:-1]]


def test_every_link_has_one_row_in_the_ledger(corpus: Path) -> None:
    links = pq.read_table(corpus / "links", columns=["id"])["id"].to_pylist()
    ledger = pq.read_table(corpus / "ledger", columns=["id", "state"])
    assert sorted(ledger["id"].to_pylist()) == sorted(links)
    assert "pending" not in ledger["state"].to_pylist()


def test_kept_links_are_the_documents_of_the_shards(corpus: Path) -> None:
    query = f"select id from '{corpus}/ledger/*.parquet' where state = 'kept'"
    kept = {id for (id,) in duckdb.execute(query).fetchall()}
    shards = {id for (id,) in duckdb.execute(f"select id from '{corpus}/shards/*.parquet'").fetchall()}
    assert kept == shards
    assert len(kept) >= PAGES / 3


def test_nanogpts_way_of_reading_finds_every_document(corpus: Path) -> None:
    index = json.loads((corpus / "tokens" / "index.json").read_text())
    for split in index["splits"].values():
        for file in split["files"]:
            ids = np.memmap(corpus / "tokens" / file["file"], dtype=np.uint16, mode="r")
            assert (ids == index["tokenizer"]["eot"]).sum() == file["documents"]


def test_every_archive_passes_warcio_check(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archives = sorted((corpus / "pages" / "warc").glob("*.warc.gz"))
    assert archives
    checker = Checker(type("Options", (), {"inputs": [str(path) for path in archives], "verbose": False})())
    checker.process_all()
    assert not checker.exit_value, capsys.readouterr().out


def test_a_second_run_does_nothing(corpus: Path) -> None:
    again = webtext("build-shards", corpus)
    assert again.stderr.count("up to date") == len(TABLES) - 2 + 2  # clusters has two tables inside
    assert "partitions to do" not in again.stderr


@pytest.mark.slow
def test_one_worker_gives_the_same_bytes_as_two(corpus: Path, tmp_path: Path) -> None:
    import shutil

    alone = tmp_path / "corpus"
    shutil.copytree(corpus, alone)
    for table in ("documents", "clusters", "shards", "tokens", "ledger"):
        shutil.rmtree(alone / table)
    webtext("build-shards", alone, "--workers", 1)
    assert differing(results(alone), results(corpus)) == []
    for path in sorted((corpus / "shards").iterdir()):
        assert (alone / "shards" / path.name).read_bytes() == path.read_bytes()


def test_status_says_that_every_stage_is_current(corpus: Path) -> None:
    stages = webtext_json("status", corpus)["stages"]
    assert {row["stage"]: row["state"] for row in stages} == dict.fromkeys(TABLES, "current")


@pytest.mark.slow
def test_a_changed_threshold_is_told_by_the_dry_run_before_anything_runs(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = results(corpus)
    planned = webtext_json("build-shards", corpus, "--dry-run", *settings("filter.min_tokens=100"))
    states = {row["stage"]: row for row in planned["stages"]}
    assert states["documents"]["state"] == "stale"
    assert states["documents"]["why"].endswith("recipe changed")
    assert states["clusters"]["state"] == "waits"
    stages = planned["estimate"]["stages"]
    assert [row["stage"] for row in stages] == ["signatures", "duplicates", "shards", "tokens"]
    assert all(row["cpu_seconds"] > 0 for row in stages)  # documents are only judged again
    show_plan.build(planned)
    assert "What a build would take, measured on" in capsys.readouterr().out
    assert differing(before, results(corpus)) == []


def test_explain_shows_a_page_beside_what_is_kept_of_it(corpus: Path, tmp_path: Path) -> None:
    query = f"select url, text from '{corpus}/documents/*.parquet' where verdict = 'keep' order by id limit 1"
    ((url, text),) = duckdb.execute(query).fetchall()
    webtext("explain", corpus, url, "--view", tmp_path / "view.html")
    shown = (tmp_path / "view.html").read_text("utf-8")
    assert html.escape(text.splitlines()[0]) in shown
    assert 'class="dropped"' in shown


def test_explain_tells_a_kept_links_story(corpus: Path) -> None:
    query = f"select url from '{corpus}/ledger/*.parquet' where state = 'kept' order by id limit 1"
    ((url,),) = duckdb.execute(query).fetchall()
    story = webtext_json("explain", corpus, url)
    assert story["ledger"]["state"] == "kept"
    assert story["page"]["state"] == "fetched"
    assert story["shard"]["file"].endswith(".parquet")
    assert {row["measure"] for row in story["measures"]} >= {"pretokens", "language"}


@pytest.mark.slow
def test_a_trainings_dry_run_times_a_step_and_writes_nothing(corpus: Path, tmp_path: Path) -> None:
    asked = ("train", corpus, "--out", tmp_path / "run", "--config", "demo", "--dry-run")
    plan = webtext_json(*asked, *settings("train.steps=7"))
    assert (plan["steps"], plan["tokens"]) == (7, 7 * 8 * 128)
    assert (
        plan["corpus_tokens"]
        == json.loads((corpus / "tokens" / "index.json").read_text())["splits"]["train"]["tokens"]
    )
    shown = webtext(*asked).stdout
    assert "[train] " in shown
    assert "ms per step" in shown
    assert not list(tmp_path.iterdir())
