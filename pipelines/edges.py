"""clusters/edges: candidate pairs, verified; a partition per range of the later document's rank."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import signatures
from pipelines.arrays import Rows
from pipelines.candidates import pair_documents, pairs_name
from pipelines.scratch import SIGNATURES, Item, ranks_of, run, shares, signed
from webtext import parquet, schemas
from webtext.corpus import Corpus
from webtext.dedup.candidates import Keys, split
from webtext.dedup.normalise import normalise
from webtext.dedup.order import Ranks, hex_of, ids_of
from webtext.dedup.signatures import shingle_sets
from webtext.dedup.verify import Evidence, similarities
from webtext.engine import Engine, Report
from webtext.fingerprint import fingerprint
from webtext.manifest import Counts, Part
from webtext.progress import Progress
from webtext.reasons import KEEP
from webtext.sections import Dedup
from webtext.stage import Plan, Work
from webtext.table import partition_name

TABLE = "clusters/edges"
VERSION = 5
PAIRS_AT_ONCE = 50_000  # between two reports
OPEN_GROUPS = 150  # whose evidence is open at a time; some systems give a process 256 files


@dataclass(frozen=True)
class Share:
    """A partition to be made."""

    of: Item
    key: str


def plan(corpus: Corpus, item: Item) -> Plan:
    """Reads the signatures table and what `prepare` left in the scratch folder."""
    table = corpus.table(SIGNATURES).published()
    says = _says(item.settings)
    documents = table.counts.out
    key = fingerprint(VERSION, says, table.hash)
    works = tuple(
        Work(partition_name(number), key, Share(replace(item, number=number), key))
        for number in range(shares(documents, pair_documents(documents)))
    )
    return Plan(TABLE, VERSION, says, table.hash, write_parts, works, group=_last_first)


def prepare(engine: Engine, item: Item, progress: Progress) -> None:
    """Leaves what the candidate pairs' documents are compared by."""
    run(engine, [(write_evidence, item.pieces(len(signed(item).groups)))], progress, "evidence")


def write_evidence(item: Item, _: Report) -> None:
    """A group's shingle sets, or signatures, one after the other, and where each row's lies."""
    name = _evidence_name(item.number)
    if item.arrays.has(name):
        return
    rows = signed(item).rows(item.number)
    ranks, first = ranks_of(item, rows)
    wanted = first & item.arrays.load("wanted")[ranks]
    read = _shingle_sets if item.settings.verify == "exact" else _signatures
    spans = np.zeros((len(rows), 2), np.int64)
    with item.arrays.ragged(name) as append:
        for row, evidence in read(item, wanted):
            spans[row] = append(evidence)
        item.arrays.save(_spans_name(item.number), spans)


def _last_first(works: Sequence[Work], _: int) -> list[list[Work]]:
    """Later ranges have more pairs, and go first: begun last, they would keep the other workers waiting."""
    return [[work] for work in reversed(works)]


def write_parts(items: Sequence[Share], report: Report) -> list[Part]:
    return [_write_part(share.of, share.key, report) for share in items]


def _says(settings: Dedup) -> str:
    if "near" not in settings.methods:
        return fingerprint()
    fold = sorted(settings.fold)
    return fingerprint(fold, settings.shingle_words, settings.bands, settings.threshold, settings.verify)


def _write_part(item: Item, key: str, report: Report) -> Part:
    near = "near" in item.settings.methods
    keys = item.arrays.load(pairs_name(item.number)) if near else np.empty(0, np.uint64)
    measured = [np.empty(0)]
    with closing(_Fetch(item)) as fetch:
        for begin in range(0, len(keys), PAIRS_AT_ONCE):
            some = keys[begin : begin + PAIRS_AT_ONCE]
            measured.append(similarities(some, fetch, item.settings.verify, item.settings.threshold))
            report(len(some), {})
    similarity = np.concatenate(measured)
    verified = similarity >= item.settings.threshold
    edges = _edges(item, keys[verified], similarity[verified])
    file = partition_name(item.number)
    path = Corpus(item.root).table(TABLE).folder / file
    written = parquet.write(path, schemas.EDGES, [edges], row_group_rows=parquet.NARROW_ROWS)
    counts = Counts(into=edges.num_rows, out=edges.num_rows)
    extra = {"candidates": len(keys)}
    return Part(file, key, written.rows, written.bytes, written.hash, counts, extra)


def _edges(item: Item, keys: Keys, similarity: npt.NDArray[np.float64]) -> pa.Table:
    later, earlier = split(keys)
    ids, row = item.arrays.load("id"), item.arrays.load("row")
    columns = {
        "a": hex_of(ids[row[earlier]]),
        "b": hex_of(ids[row[later]]),
        "similarity": similarity,
        "rank_a": earlier,
        "rank_b": later,
    }
    return pa.table(columns, schema=schemas.EDGES)


class _Fetch:
    """A document's evidence by its rank. Of a large corpus' thousand groups, the files of some are open at a
    time; where each row lies is mapped of all that were asked for."""

    def __init__(self, item: Item) -> None:
        self.arrays, self.signed = item.arrays, signed(item)
        self.row: Ranks = self.arrays.load("row")
        self.spans: dict[int, npt.NDArray[np.int64]] = {}
        self.open: dict[int, Rows] = {}

    def __call__(self, rank: int) -> Evidence:
        row = int(self.row[rank])
        group = self.signed.group(row)
        if group not in self.spans:
            self.spans[group] = self.arrays.load(_spans_name(group))
        begin, end = self.spans[group][row - self.signed.group_starts[group]].tolist()
        rows = self.open.get(group) or self._opened(group)
        return rows[begin, end]

    def _opened(self, group: int) -> Rows:
        if len(self.open) == OPEN_GROUPS:
            self.open.pop(next(iter(self.open))).close()  # the one that was opened first
        self.open[group] = self.arrays.open_ragged(_evidence_name(group))
        return self.open[group]

    def close(self) -> None:
        for rows in self.open.values():
            rows.close()


def _shingle_sets(item: Item, wanted: npt.NDArray[np.bool_]) -> Iterator[tuple[int, Evidence]]:
    of, fold = signed(item), frozenset(item.settings.fold)
    group_start = of.rows(item.number).start
    for partition in of.groups[item.number]:
        start = of.starts[partition]
        ids = item.arrays.load("id")[start : of.starts[partition + 1]]
        for batch in signatures.texts(Corpus(item.root), of.parts[partition].file):
            kept = batch.filter(pc.equal(batch["verdict"], KEEP))
            rows = start - group_start + np.searchsorted(ids, ids_of(pa.chunked_array([kept["id"]])))
            chosen = wanted[rows]
            texts = kept["text"].filter(pa.array(chosen)).to_pylist()
            sets = shingle_sets([normalise(text, fold) for text in texts], item.settings.shingle_words)
            yield from zip(rows[chosen].tolist(), sets, strict=True)


def _signatures(item: Item, wanted: npt.NDArray[np.bool_]) -> Iterator[tuple[int, Evidence]]:
    column = signed(item).read(item.number, ["signature"])["signature"]
    for row in np.flatnonzero(wanted).tolist():
        yield row, np.asarray(column[row].values)


def _evidence_name(group: int) -> str:
    return f"evidence-{group:05d}"


def _spans_name(group: int) -> str:
    return f"spans-{group:05d}"
