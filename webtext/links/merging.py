"""Submissions of one URL become one link.

Works on whole columns: a partition's rows are sorted by link, and each link is a slice of them.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from webtext import schemas
from webtext.links.selection import LOWEST, Rules
from webtext.manifest import Counts

# A selected submission on its way from the sources to its partition.
ROWS = pa.schema(
    [
        ("row", pa.int64()),  # where in its source it stood
        ("domain_hash", pa.uint64()),
        ("url_hash", pa.uint64()),
        ("url", pa.string()),
        ("url_as_posted", pa.string()),
        ("domain", pa.string()),
        ("is_submission", pa.bool_()),  # false for a bare URL, of which nothing else is known
        *schemas.SUBMISSION,
    ]
)
_ORDER = ("url_hash", "url", "created_utc", "id", "source", "row")


def merge(rows: pa.Table, rules: Rules) -> tuple[pa.Table, Counts]:
    """The links of a partition in the order of their ids, from its rows (ROWS and "source") in any order.

    A link's submissions stand in the order of their creation; the earliest says how it was posted.
    """
    rows = rows.sort_by([(column, "ascending") for column in _ORDER]).combine_chunks()
    starts = _starts(rows)
    too_low = 0
    if rules.karma_is_summed and rows.num_rows:
        kept = _reach(rows, starts, rules.min_karma)
        too_low = rows.num_rows - int(kept.sum())
        if too_low:
            rows = rows.filter(pa.array(kept)).combine_chunks()
            starts = _starts(rows)
    links = _links(rows, starts)
    dropped = {"karma": too_low} if too_low else {}
    merged = rows.num_rows - links.num_rows
    return links, Counts(rows.num_rows + too_low, links.num_rows, merged, dropped)


def _starts(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Where each link's slice of the sorted rows begins."""
    if not rows.num_rows:
        return np.zeros(0, dtype=np.int64)
    urls = rows["url"].chunk(0)
    changes = pc.not_equal(urls[1:], urls[:-1]).to_numpy(zero_copy_only=False)
    return np.concatenate(([0], np.flatnonzero(changes) + 1))


def _reach(rows: pa.Table, starts: npt.NDArray[np.int64], min_karma: int) -> npt.NDArray[np.bool_]:
    """Which rows stay when a link needs the karma in sum; rows without a score have no karma to lack."""
    known = rows["score"].is_valid().to_numpy()
    scores = rows["score"].fill_null(0).to_numpy()
    reached: npt.NDArray[np.bool_] = np.add.reduceat(scores, starts) >= min_karma
    stays: npt.NDArray[np.bool_] = np.repeat(reached, np.diff(np.append(starts, len(scores)))) | ~known
    return stays


def _links(rows: pa.Table, starts: npt.NDArray[np.int64]) -> pa.Table:
    if not rows.num_rows:
        return schemas.LINKS.empty_table()
    first = rows.take(pa.array(starts))
    known = np.add.reduceat(rows["score"].is_valid().to_numpy().astype(np.int64), starts) > 0
    highest = np.maximum.reduceat(rows["score"].fill_null(LOWEST).to_numpy(), starts)
    total = np.add.reduceat(rows["score"].fill_null(0).to_numpy(), starts)
    columns = {
        "id": pa.array([f"{value:016x}" for value in first["url_hash"].to_pylist()]),
        "url": first["url"],
        "url_as_posted": first["url_as_posted"],
        "domain": first["domain"],
        "karma": pa.array(highest, mask=~known),
        "karma_sum": pa.array(total, mask=~known),
        # created_utc is sorted, unknown ones last
        "first_posted": pc.multiply(first["created_utc"], 1_000_000).cast(schemas.TIME),
        "submissions": _submissions(rows, starts),
    }
    return pa.table(columns).cast(schemas.LINKS)


def _submissions(rows: pa.Table, starts: npt.NDArray[np.int64]) -> pa.Array:
    listed = rows["is_submission"].to_numpy()
    counts = np.add.reduceat(listed.astype(np.int64), starts)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    fields = list(schemas.SUBMISSION)
    rows = rows.filter(pa.array(listed)).combine_chunks()
    values = [_only_chunk(rows[field.name], field.type) for field in fields]
    submissions = pa.StructArray.from_arrays(values, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), submissions)


def _only_chunk(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], kind)
