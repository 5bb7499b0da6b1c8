"""From signatures to candidate pairs, band by band. Memory is bounded by the constants below."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from pipelines.ranks import share_limits
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
    of = signed(item)
    banded = [
        piece
        for band in range(item.settings.bands)
        for piece in replace(item, band=band).pieces(shares(of.documents, BAND_DOCUMENTS))
    ]
    ranges = item.pieces(shares(of.documents, pair_documents(of.documents)))
    steps = [
        (write_hashes, item.pieces(len(of.groups))),
        (write_band, banded),
        (write_pairs, ranges),
        (write_wanted, [item]),
    ]
    run(engine, steps, progress, "bands")
    item.arrays.remove("band-*")
    item.arrays.remove("hashes-*")


def pair_documents(documents: int) -> int:
    """How many later documents' pairs one task verifies."""
    return min(max(-(-documents // PAIR_TASKS), FEWEST_PAIR_DOCUMENTS), MOST_PAIR_DOCUMENTS)


def write_hashes(item: Item, _: Report) -> None:
    """Of a group's distinct texts, band by band the sorted hashes, and their ranks: bands × 2 × texts."""
    name = _hashes_name(item.number)
    if item.arrays.has(name):
        return
    of, columns = signed(item), [schemas.band_column(band) for band in range(item.settings.bands)]
    ranks, first = ranks_of(item, of.rows(item.number))
    rows = of.read(item.number, columns).filter(pa.array(first))
    ranks = ranks[first][rows[columns[0]].is_valid().to_numpy()]  # a text without a word has no hashes
    hashed = np.empty((len(columns), 2, len(ranks)), np.uint64)
    for column, (hashes, of_hash) in zip(columns, hashed, strict=True):
        values = rows[column].drop_null().to_numpy()
        order = np.argsort(values)
        hashes[:], of_hash[:] = values[order], ranks[order]
    item.arrays.save(name, hashed)


def write_band(item: Item, _: Report) -> None:
    """The candidate pairs of one band and one share of its hashes."""
    name = _band_name(item.band, item.number)
    if item.arrays.has(name):
        return
    of = signed(item)
    limits = share_limits(item.number, shares(of.documents, BAND_DOCUMENTS))
    found = [np.empty((2, 0), np.uint64)]
    for group in range(len(of.groups)):
        hashed = item.arrays.load(_hashes_name(group))[item.band]
        begin, end = np.searchsorted(hashed[0], limits[0]), np.searchsorted(hashed[0], limits[1], "right")
        found.append(hashed[:, begin:end].copy())  # lets go of the file, which has all bands
    hashes, ranks = np.concatenate(found, axis=1)
    with item.arrays.ragged(name) as append:
        for keys in candidate_pairs(hashes, ranks.astype(np.uint32)):
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
            found.append(keys[begin:end])
    arrays.save(name, np.unique(np.concatenate(found)))


def write_wanted(item: Item, _: Report) -> None:
    """Of each rank whether it is in a candidate pair: a bool a document."""
    documents = signed(item).documents
    with item.arrays.filling("wanted", documents, np.bool_) as wanted:
        for number in range(shares(documents, pair_documents(documents))):
            for ranks in split(item.arrays.load(pairs_name(number))):
                wanted[ranks] = True


def pairs_name(number: int) -> str:
    return f"pairs-{number:05d}"


def _band_name(band: int, number: int) -> str:
    return f"band-{band:03d}-{number:03d}"


def _hashes_name(group: int) -> str:
    return f"hashes-{group:05d}"
