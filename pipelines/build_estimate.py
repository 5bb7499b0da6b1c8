"""What a build would take: `webtext build-shards --dry-run`. Measures a sample in a scratch folder, writes
nothing to the corpus."""

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import build_sample, documents, pieces, vocabulary
from pipelines.build_sample import LEAST_TEXTS, Sample
from webtext import stage, trial_folder
from webtext.corpus import Corpus
from webtext.recipe import Recipe
from webtext.shards.layout import MB
from webtext.shards.shuffle import CHUNK_BYTES
from webtext.stage import Plan
from webtext.tally import counted

ORDER = ("documents", "signatures", "duplicates", "shards", "tokens")
# What must be made again when a table is not up to date, from where on in that order.
BEGINS = {"documents": 0, "clusters": 1, "shards": 3, "tokens": 4}
# A sample has hardly a near duplicate. As in the million documents of benchmarks/RESULTS.md: this share of
# them is compared with another one, at this multiple of the CPU of its signature, by its words' hashes.
COMPARED, COMPARED_COST, HASH_BYTES = 0.35, 2.0, 8
# Memory that a sample does not show: rows of the largest partition of pages, held twice, and of signatures,
# thrice; keys that are sorted at once; chunks of a shuffle, and the text of a shard, twice.
PAGE_ROW_BYTES, SIGNATURE_BYTES, SORTED_BYTES, SORTED_ROWS = 1400, 750, 60, 2_000_000
CHUNKS, SHARD_COPIES = 3, 2
# A large partition is measured in pieces, then judged by one task, in this share of the time.
JUDGING = 0.04
CORES, PARTITION, ONE_TASK = "cores", "largest partition", "one task"


@dataclass(frozen=True)
class Size:
    """What is to be done: pages to extract and texts to go through, all and of the largest partition."""

    partitions: int
    pages: int
    largest_pages: int
    texts: float
    largest_texts: float
    shard_texts: float  # of the largest shard
    training_texts: float


def dry_run(
    corpus: Corpus,
    recipe: Recipe,
    stale: Collection[str],
    workers: int | None,
    told: Callable[[str], None] = lambda _line: None,
) -> dict[str, Any] | None:
    """The plan of what is to be made again, for so many workers; `stale` names tables. None for nothing.
    `told` hears what is done meanwhile."""
    begins = min((BEGINS[name] for name in BEGINS if name in stale), default=len(ORDER))
    if begins == len(ORDER):
        return None
    plan = documents.plan(corpus, recipe)
    rows = {work.file: work.rows for work in plan.works}
    extracted = _to_extract(corpus, recipe, plan) if begins == 0 else {}
    told(f"measuring at most {build_sample.PAGES} pages in a scratch folder: about half a minute")
    with trial_folder.made() as folder:
        files = [file for file, pages in (extracted or rows).items() if pages]
        sample = build_sample.measure(corpus, recipe, files, folder, extract=bool(extracted))
    texts = sum(rows.values()) * sample.kept
    size = Size(
        len(rows),
        sum(extracted.values()),
        max(extracted.values(), default=0),
        texts,
        max(rows.values()) * sample.kept,
        min(texts, recipe.shards.target_mb * MB / max(sample.text_bytes, 1)),
        min(texts, vocabulary.TRAINING_BYTES / max(sample.text_bytes, 1)),
    )
    stages = [name for name in ORDER[begins:] if name != "documents" or extracted]
    return estimate(corpus.root, sample, size, stages, workers or os.cpu_count() or 1)


def estimate(root: Path, sample: Sample, size: Size, names: Sequence[str], workers: int) -> dict[str, Any]:
    """Of these stages, as JSON: a row each of those that were measured, their total, and what limits them."""
    stages = [_stage(name, sample, size, workers) for name in names if name in sample.costs]
    unmeasured = [name for name in names if name not in sample.costs]
    return {
        "workers": workers,
        "sample": {"pages": sample.pages, "texts": sample.texts, "seconds": round(sample.seconds, 1)},
        "kept_share": round(sample.kept, 3),
        "stages": stages,
        "total": _total(stages, sample, size),
        "limits": list(_limits(root, stages, sample, size, workers)),
        "assumptions": f"{COMPARED:.0%} of the texts are compared with another one, none is dropped for it; "
        "CPU as fast as here, one worker a core" + _left_out(unmeasured, sample),
    }


def _left_out(names: Sequence[str], sample: Sample) -> str:
    if not names:
        return ""
    few = f"{sample.texts} of the sample's texts are kept, and fewer than {LEAST_TEXTS} tell nothing of them"
    return f"; not counted: {', '.join(names)} ({few})"


def _to_extract(corpus: Corpus, recipe: Recipe, plan: Plan) -> dict[str, int]:
    """The pages of each partition whose measures do not stand; the others are only judged again."""
    before = corpus.table("documents").manifest()
    unchanged = before is not None and (before.version, before.inputs) == (plan.version, plan.inputs)
    if unchanged and corpus.recipe().extract == recipe.extract:
        return {}
    return {work.file: work.rows for work in stage.standing(corpus, plan).todo if work.rows}


def _stage(name: str, sample: Sample, size: Size, workers: int) -> dict[str, Any]:
    cost, rows = sample.costs[name], size.texts
    longest_s, limit, memory = 0.0, PARTITION, 0.0
    match name:
        case "documents":
            rows, alone = size.pages, max(min(size.largest_pages, pieces.PAGES), JUDGING * size.largest_pages)
            longest_s = alone * cost.row_s
            memory = size.largest_pages * PAGE_ROW_BYTES
        case "signatures":
            longest_s, memory = size.largest_texts * cost.row_s, size.largest_texts * SIGNATURE_BYTES
        case "duplicates":
            memory = min(size.texts, SORTED_ROWS) * SORTED_BYTES
        case "shards":
            longest_s = max(size.shard_texts, size.largest_texts) * cost.row_s
            chunk = min(CHUNK_BYTES, size.largest_texts * sample.text_bytes)
            memory = max(CHUNKS * chunk, SHARD_COPIES * size.shard_texts * sample.text_bytes)
        case "tokens":
            rows, limit = size.training_texts, ONE_TASK
            longest_s = rows * cost.row_s
    cpu_s = cost.seconds(size.partitions, rows)
    if name == "duplicates":
        cpu_s += size.texts * COMPARED * COMPARED_COST * sample.costs["signatures"].row_s
    return {
        "stage": name,
        "rows": round(rows),
        "cpu_seconds": round(cpu_s, 1),
        "memory_mb": round((cost.memory_bytes + memory) / 1e6),
        "disk_mb": round(cost.disk_bytes * (size.pages if name == "documents" else size.texts) / 1e6, 1),
        "seconds": round(cost.build_s + max((cpu_s - cost.build_s) / workers, longest_s), 1),
        "longest_task_seconds": round(longest_s, 1),
        "limit": limit if longest_s > cpu_s / workers else CORES,
    }


def _total(stages: list[dict[str, Any]], sample: Sample, size: Size) -> dict[str, Any]:
    disk_mb = sum(row["disk_mb"] for row in stages)
    return {
        "cpu_hours": round(sum(row["cpu_seconds"] for row in stages) / 3600, 3),
        "seconds": round(sum(row["seconds"] for row in stages), 1),
        "memory_mb": max((row["memory_mb"] for row in stages), default=0),
        "disk_mb": round(disk_mb, 1),
        "disk_mb_at_most": round(disk_mb + _scratch_bytes(sample, size) / 1e6, 1),
    }


def _scratch_bytes(sample: Sample, size: Size) -> float:
    """What a build holds for a while: hashes of the texts that are compared, then the shuffled texts."""
    return size.texts * max(COMPARED * HASH_BYTES * sample.words, sample.text_bytes)


def _limits(
    root: Path, stages: list[dict[str, Any]], sample: Sample, size: Size, workers: int
) -> Iterator[str]:
    if not stages:
        return
    slowest = max(stages, key=lambda row: row["seconds"])
    longest_s = slowest["longest_task_seconds"]
    useful = slowest["cpu_seconds"] / longest_s if longest_s else size.partitions
    most = counted(max(round(useful), 1), "worker")
    if slowest["limit"] == CORES:
        yield f"cores: {slowest['stage']} takes longest; up to {most} would share it evenly"
    else:
        yield f"{slowest['limit']}: {slowest['stage']} waits for it; more than {most} do not help there"
    total = _total(stages, sample, size)
    with suppress(OSError, ValueError, AttributeError):  # a system, or an address, that does not tell
        memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
        if total["memory_mb"] * workers > memory_mb:
            most = max(memory_mb // total["memory_mb"], 1)
            yield f"memory: the {memory_mb / 1e3:,.0f} GB here are enough for {most:,.0f} workers at once"
        free_mb = shutil.disk_usage(root).free / 1e6
        if total["disk_mb_at_most"] > free_mb:
            wanted = total["disk_mb_at_most"] / 1e3
            yield f"disk: {wanted:,.1f} GB are wanted, {free_mb / 1e3:,.1f} GB are free"
