"""From signatures to candidate pairs, band by band. Memory is bounded by the constants below."""

from dataclasses import replace

import numpy as np

from pipelines.ranks import share_of
from pipelines.scratch import Item, ranks_of, run, shares, signed
from webtext import schemas
from webtext.dedup.candidates import SHIFT, candidate_pairs, split
from webtext.engine import Engine, Report
from webtext.progress import Progress

BAND_DOCUMENTS = 2_000_000  # whose hashes of one band are sorted at once
# Whose pairs are verified by one task: the most that one should hold, and the fewest that are worth one.
MOST_PAIR_DOCUMENTS, FEWEST_PAIR_DOCUMENTS = 50_000, 5_000
PAIR_TASKS = 8  # for a few workers to share; later ranges have more pairs


def find(engine: Engine, item: Item, progress: Progress) -> None:
    """Leaves the candidate pairs among distinct texts, by ranges of the later one's rank, and `wanted`:
    which ranks are in one."""
    if item.arrays.has("wanted"):
        return
    documents = signed(item).documents
    banded = [
        piece
        for band in range(item.settings.bands)
        for piece in replace(item, band=band).pieces(shares(documents, BAND_DOCUMENTS))
    ]
    ranges = item.pieces(shares(documents, pair_documents(documents)))
    run(engine, [(write_band, banded), (write_pairs, ranges), (write_wanted, [item])], progress, "bands")
    item.arrays.remove("band-*")


def pair_documents(documents: int) -> int:
    """How many later documents' pairs one task verifies."""
    return min(max(-(-documents // PAIR_TASKS), FEWEST_PAIR_DOCUMENTS), MOST_PAIR_DOCUMENTS)


def write_band(item: Item, _: Report) -> None:
    """The candidate pairs of one band and one share of its hashes."""
    name = _band_name(item.band, item.number)
    if item.arrays.has(name):
        return
    of, column = signed(item), schemas.band_column(item.band)
    share = shares(of.documents, BAND_DOCUMENTS)
    hashes, ranks = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)]
    for partition, part in enumerate(of.parts):
        band = of.table.read(part.file, [column])[column]
        values = np.asarray(band.fill_null(0).to_numpy(), np.uint64)
        mine, first = ranks_of(item, partition)
        chosen = first & band.is_valid().to_numpy() & (share_of(values, share) == item.number)
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
    documents = signed(item).documents
    limits = np.array([item.number, item.number + 1], np.uint64)
    limits = limits * np.uint64(pair_documents(documents)) << SHIFT
    found = [np.empty(0, np.uint64)]
    for band in range(item.settings.bands):
        for number in range(shares(documents, BAND_DOCUMENTS)):
            keys = arrays.load_ragged(_band_name(band, number))
            begin, end = np.searchsorted(keys, limits)
            found.append(keys[begin:end].copy())  # as in write_bounds
    arrays.save(name, np.unique(np.concatenate(found)))


def write_wanted(item: Item, _: Report) -> None:
    documents = signed(item).documents
    with item.arrays.filling("wanted", documents, np.bool_) as wanted:
        for number in range(shares(documents, pair_documents(documents))):
            for ranks in split(item.arrays.load(pairs_name(number))):
                wanted[ranks] = True


def pairs_name(number: int) -> str:
    return f"pairs-{number:05d}"


def _band_name(band: int, number: int) -> str:
    return f"band-{band:03d}-{number:03d}"
