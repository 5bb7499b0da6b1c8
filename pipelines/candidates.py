"""From signatures to candidate pairs: four maps that leave arrays in a scratch folder.

An array that exists is done, so that a killed run goes on where it stopped. Memory is bounded by the
constants below, except for `write_ranks`, which takes some 170 bytes a document.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines import signatures
from pipelines.arrays import Arrays
from webtext import schemas
from webtext.corpus import Corpus, Part
from webtext.dedup.candidates import SHIFT, candidate_pairs, split
from webtext.dedup.order import Ranks, ids_of, keep_order, rank
from webtext.engine import Engine, Report, Task
from webtext.progress import Progress
from webtext.recipe import Dedup

BAND_DOCUMENTS = 4_000_000  # whose hashes of one band are sorted at once
PAIR_DOCUMENTS = 50_000  # whose pairs are verified by one task


@dataclass(frozen=True)
class Item:
    root: Path
    scratch: Path
    settings: Dedup
    number: int = 0
    band: int = 0

    @property
    def arrays(self) -> Arrays:
        return Arrays(self.scratch)


def rank_all(engine: Engine, item: Item, progress: Progress) -> None:
    """The keep order of all documents, and who shares a text."""
    if not item.arrays.has("rank"):
        run(engine, write_ranks, [item], progress, "ranks")


def find(engine: Engine, item: Item, progress: Progress) -> None:
    """The candidate pairs among distinct texts, and which of these are in one."""
    documents = signatures.starts(signed(item.root))[-1]
    banded = [
        replace(item, band=band, number=number)
        for band in range(item.settings.bands)
        for number in range(shares(documents, BAND_DOCUMENTS))
    ]
    run(engine, write_band, banded, progress, "bands")
    ranges = [replace(item, number=number) for number in range(shares(documents, PAIR_DOCUMENTS))]
    run(engine, write_pairs, ranges, progress, "pairs")
    run(engine, write_wanted, [item], progress, "wanted")


def run(engine: Engine, task: Task, items: Sequence[Item], progress: Progress, name: str) -> None:
    with progress.bar(f"clusters/{name}", len(items)) as report:
        for _ in engine.map(task, items, report):
            report(1, {})


def signed(root: Path) -> tuple[Part, ...]:
    manifest = Corpus(root).table(signatures.TABLE).manifest()
    assert manifest is not None
    return manifest.partitions


def shares(documents: int, at_once: int) -> int:
    return max(1, -(-documents // at_once))


def ranks_of(item: Item, partition: int) -> tuple[Ranks, npt.NDArray[np.bool_]]:
    """The rank of each row of a signatures partition, and whether the row is its text's first."""
    starts = signatures.starts(signed(item.root))
    rows = np.arange(starts[partition], starts[partition + 1])
    ranks = item.arrays.load("rank")[rows]
    return ranks, item.arrays.load("first")[ranks] == rows


def write_ranks(item: Item, _: Report) -> None:
    """`id` of each row of signatures, `first` row of each rank, `rank` of each row."""
    arrays = item.arrays
    table = Corpus(item.root).table(signatures.TABLE)

    def rows(*columns: str) -> pa.Table:
        return pa.concat_tables(table.read(part.file, columns) for part in signed(item.root))

    arrays.save("id", ids_of(rows("id")["id"]))
    order = keep_order(rows("id", "first_posted", "karma"))
    first, ranks = rank(order, rows("text_hash")["text_hash"] if item.settings.methods else None)
    arrays.save("first", first)
    arrays.save("rank", ranks)


def write_band(item: Item, _: Report) -> None:
    """The candidate pairs of one band and one share of its hashes."""
    name = _band_name(item.band, item.number)
    if item.arrays.has(name):
        return
    table, column = Corpus(item.root).table(signatures.TABLE), schemas.band_column(item.band)
    parts = signed(item.root)
    of = shares(signatures.starts(parts)[-1], BAND_DOCUMENTS)
    hashes, ranks = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)]
    for partition, part in enumerate(parts):
        band = table.read(part.file, [column])[column]
        values = np.asarray(band.fill_null(0).to_numpy(), np.uint64)
        mine, first = ranks_of(item, partition)
        chosen = first & band.is_valid().to_numpy() & (_share(values, of) == item.number)
        hashes.append(values[chosen])
        ranks.append(mine[chosen])
    with item.arrays.ragged(name) as append:
        for keys in candidate_pairs(np.concatenate(hashes), np.concatenate(ranks)):
            append(keys)


def write_pairs(item: Item, _: Report) -> None:
    """All bands' pairs of one range of later documents."""
    arrays, name = item.arrays, pairs_name(item.number)
    if arrays.has(name):
        return
    of = shares(signatures.starts(signed(item.root))[-1], BAND_DOCUMENTS)
    limits = np.array([item.number, item.number + 1], np.uint64) * np.uint64(PAIR_DOCUMENTS) << SHIFT
    found = [np.empty(0, np.uint64)]
    for band in range(item.settings.bands):
        for number in range(of):
            keys = arrays.load_ragged(_band_name(band, number))
            begin, end = np.searchsorted(keys, limits)
            found.append(keys[begin:end])
    arrays.save(name, np.unique(np.concatenate(found)))


def write_wanted(item: Item, _: Report) -> None:
    """Whether each rank is in a candidate pair."""
    if item.arrays.has("wanted"):
        return
    wanted = np.zeros(len(item.arrays.load("first")), np.bool_)
    documents = signatures.starts(signed(item.root))[-1]
    for number in range(shares(documents, PAIR_DOCUMENTS)):
        for ranks in split(item.arrays.load(pairs_name(number))):
            wanted[ranks] = True
    item.arrays.save("wanted", wanted)


def pairs_name(number: int) -> str:
    return f"pairs-{number:05d}"


def _band_name(band: int, number: int) -> str:
    return f"band-{band:03d}-{number:03d}"


def _share(hashes: npt.NDArray[np.uint64], of: int) -> npt.NDArray[Any]:
    """Which of `of` equal ranges each hash lies in."""
    return (hashes >> SHIFT) * np.uint64(of) >> SHIFT
