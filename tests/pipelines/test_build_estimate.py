"""`webtext build-shards --dry-run`: what a build would take, scaled from a measured sample."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench_plan import build, real_corpus
from pipelines import documents
from pipelines.build_estimate import ORDER, Size, dry_run, estimate
from pipelines.build_sample import Cost, Sample, measure
from tests.extract.web import Web, crawled, english
from webtext import parquet, schemas, stage
from webtext.engine.inline import InlineEngine
from webtext.extract.page import EXTRACTOR_VERSION
from webtext.progress import Progress
from webtext.recipe import Recipe, override
from webtext.table import partition_name

COST = Cost(build_s=1.0, partition_s=0.01, row_s=0.002, memory_bytes=200_000_000, disk_bytes=1000.0)
COSTS = dict.fromkeys(ORDER, COST) | {"documents": replace(COST, build_s=0.0, partition_s=0.0, row_s=0.03)}
SAMPLE = Sample(100, 60, 9.0, kept=0.6, words=600.0, text_bytes=3600.0, costs=COSTS)
SIZE = Size(
    partitions=100,
    pages=1_000_000,
    largest_pages=20_000,
    texts=600_000,
    largest_texts=12_000,
    shard_texts=70_000,
    training_texts=140_000,
)


def told(workers: int, root: Path, size: Size = SIZE) -> dict[str, Any]:
    found = estimate(root, SAMPLE, size, ORDER, workers)
    return found | {row["stage"]: row for row in found["stages"]}


def test_cpu_grows_with_pages_texts_and_partitions(tmp_path: Path) -> None:
    found = told(1, tmp_path)
    assert found["documents"]["cpu_seconds"] == 30_000
    assert found["signatures"]["cpu_seconds"] == 1 + 100 * 0.01 + 600_000 * 0.002
    compared = 600_000 * 0.35 * 2 * 0.002
    assert found["duplicates"]["cpu_seconds"] == found["signatures"]["cpu_seconds"] + compared
    assert found["total"]["cpu_hours"] == pytest.approx(
        sum(row["cpu_seconds"] for row in found["stages"]) / 3600, abs=1e-3
    )


def test_workers_share_a_stage_until_the_largest_partition_is_all_that_is_left(tmp_path: Path) -> None:
    assert told(10, tmp_path)["documents"]["seconds"] == 3000
    few, many = told(10, tmp_path), told(1000, tmp_path)
    assert few["documents"]["limit"] == "cores"
    assert many["documents"]["limit"] == "largest partition"
    piece_s = 10_000 * 0.03
    assert many["documents"]["seconds"] == piece_s
    assert "up to 100 workers would share it" in few["limits"][0]
    assert "more than 100 workers do not help" in many["limits"][0]
    assert told(1000, tmp_path, replace(SIZE, largest_pages=9_000))["documents"]["seconds"] == 9_000 * 0.03
    assert told(1000, tmp_path, replace(SIZE, largest_pages=500_000))["documents"]["seconds"] == 2 * piece_s


def test_where_every_task_is_too_short_to_measure_partitions_bound_the_workers(tmp_path: Path) -> None:
    few = replace(SIZE, partitions=16, pages=0, largest_pages=0, texts=9, largest_texts=1, shard_texts=1)
    (limit, *_) = told(1, tmp_path, replace(few, training_texts=0))["limits"]
    assert limit.endswith("up to 16 workers would share it evenly")


def test_a_vocabulary_is_trained_by_one_task_on_no_more_than_its_sample(tmp_path: Path) -> None:
    tokens = told(1000, tmp_path)["tokens"]
    assert (tokens["rows"], tokens["limit"]) == (140_000, "one task")
    assert tokens["seconds"] == 1 + 140_000 * 0.002


def test_a_dry_run_says_that_it_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, recipe = crawled(tmp_path / "corpus", [Web("http://a.example.org/", english())]), Recipe()
    monkeypatch.setattr("pipelines.build_sample.measure", lambda *_, **__: SAMPLE)
    heard: list[str] = []
    dry_run(corpus, recipe, {"documents"}, 1, heard.append)
    assert heard == ["measuring at most 120 pages in a scratch folder: about half a minute"]


def test_memory_of_a_task_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    larger = replace(SIZE, pages=10**9, texts=6 * 10**8, partitions=100_000)
    one, other = told(1, tmp_path), told(1, tmp_path, larger)
    for name in ("documents", "signatures", "shards", "tokens"):
        assert one[name]["memory_mb"] == other[name]["memory_mb"] >= 200
    assert other["duplicates"]["memory_mb"] == 200 + 2_000_000 * 60 / 1e6  # what is sorted at once


def test_workers_whose_memory_is_not_there_and_a_full_disk_are_limits(tmp_path: Path) -> None:
    limits = told(1_000_000, tmp_path, replace(SIZE, texts=10**13))["limits"]
    assert [line.partition(":")[0] for line in limits[1:]] == ["memory", "disk"]
    assert len(told(1, tmp_path)["limits"]) == 1


def test_what_was_not_measured_is_named(tmp_path: Path) -> None:
    sample = replace(SAMPLE, texts=3, costs={"documents": COST})
    found = estimate(tmp_path, sample, SIZE, ORDER, 1)
    assert [row["stage"] for row in found["stages"]] == ["documents"]
    assert "not counted: signatures, duplicates, shards, tokens (3 of" in found["assumptions"]
    assert "not counted" not in told(1, tmp_path)["assumptions"]


def test_texts_are_kept_by_the_rules_to_come(tmp_path: Path) -> None:
    pages = [Web("http://a.example.org/", english()), Web("http://b.example.org/", english(paragraphs=2))]
    corpus, recipe = crawled(tmp_path / "corpus", pages), Recipe()
    parquet.write(corpus.table("links").path(0), schemas.LINKS, [schemas.LINKS.empty_table()])
    stage.run(corpus, InlineEngine(), documents.plan(corpus, recipe), Progress(quiet=True))
    kept = {
        least: measure(corpus, changed, [partition_name(0)], tmp_path, extract=False).kept
        for least in (50, 150, 5_000)
        for changed in [override(recipe, [f"filter.min_tokens={least}"])]
    }
    assert kept == {50: 1.0, 150: 0.5, 5_000: 0.0}


def test_pages_that_another_version_extracted_are_extracted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, recipe = crawled(tmp_path / "corpus", [Web("http://a.example.org/", english())]), Recipe()
    corpus.freeze(recipe)
    parquet.write(corpus.table("links").path(0), schemas.LINKS, [schemas.LINKS.empty_table()])
    stage.run(corpus, InlineEngine(), documents.plan(corpus, recipe), Progress(quiet=True))
    monkeypatch.setattr(documents, "EXTRACTOR_VERSION", EXTRACTOR_VERSION + 1)
    plan = dry_run(corpus, recipe, {"documents"}, 1)
    assert plan is not None and [row["stage"] for row in plan["stages"]] == ["documents"]


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
def test_a_build_of_real_pages_takes_what_was_said(tmp_path: Path) -> None:
    corpus = real_corpus(tmp_path / "corpus", 240, 4)
    before = sorted(path.name for path in corpus.root.rglob("*"))
    plan = dry_run(corpus, corpus.recipe(), {"documents", "clusters", "shards", "tokens"}, 2)
    assert plan is not None and [row["stage"] for row in plan["stages"]] == list(ORDER)
    assert plan["sample"]["pages"] == 120
    assert sorted(path.name for path in corpus.root.rglob("*")) == before
    meter = build(corpus, corpus.recipe())
    took = sum(meter.seconds.values())
    assert took / 2 < plan["total"]["cpu_hours"] * 3600 < took * 2
