"""Rows of the shards: a kept document joined with its link and its page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext import schemas
from webtext.errors import UserError

# What is read of each table. All are of one partition; `id` joins them.
LINK_COLUMNS = ["id", "karma", "karma_sum", "first_posted", "submissions"]
PAGE_COLUMNS = ["id", "captured_at", "source", "warc_file", "warc_offset"]
DOCUMENT_COLUMNS = ["id", "text", "url", "domain", "title", "published", "language", "words"]

# A shard's row before it is encoded: `text` with offsets of 64 bits, for any number of texts, and `order`, by
# which it is sorted.
UNENCODED = pa.schema(
    [
        pa.field("text", pa.large_string()) if column.name == "text" else column
        for column in schemas.SHARDS
        if column.name not in ("tokens", "sha256")
    ]
    + [pa.field("order", pa.uint64())]
)


class Lookup:
    """The rows of a partition, found by their id."""

    def __init__(self, table: pa.Table, file: Path) -> None:
        self._table, self._file = table.combine_chunks(), file
        self._at = {id: place for place, id in enumerate(table["id"].to_pylist())}

    def rows(self, ids: Sequence[str]) -> pa.Table:
        """The rows of `ids`, in their order. Raises UserError for one that the file has lost."""
        try:
            places = [self._at[id] for id in ids]
        except KeyError as missing:
            line = f"{self._file}: lacks the row of {missing.args[0]}, which has a document"
            raise UserError(f"{line}: delete the file, and `webtext crawl` makes it again") from None
        return self._table.take(pa.array(places, pa.int64()))


def joined(documents: pa.Table, links: Lookup, pages: Lookup, order: Sequence[int]) -> pa.Table:
    """UNENCODED rows of `documents` (DOCUMENT_COLUMNS) in their order; `duplicates` is 0 in each."""
    ids = documents["id"].to_pylist()
    link, page = links.rows(ids), pages.rows(ids)
    posts = link["submissions"].to_pylist()
    columns: dict[str, Any] = {name: documents[name] for name in DOCUMENT_COLUMNS}
    columns |= {name: link[name] for name in ("karma", "karma_sum", "first_posted")}
    columns |= {name: page[name] for name in PAGE_COLUMNS if name != "id"}
    columns["subreddits"] = [sorted(set(_values(post, "subreddit"))) for post in posts]
    columns["submissions"] = [list(_values(post, "id")) for post in posts]
    columns["duplicates"] = pa.repeat(pa.scalar(0, pa.int64()), len(ids))
    columns["order"] = pa.array(order, pa.uint64())
    return _unencoded(columns)


def repeats(duplicates: dict[str, int]) -> pa.Table:
    """UNENCODED rows without a text, which only say how many duplicates a kept document has elsewhere."""
    columns: dict[str, Any] = {"id": list(duplicates), "duplicates": list(duplicates.values())}
    absent = {field.name: pa.nulls(len(duplicates), field.type) for field in UNENCODED}
    return _unencoded(absent | columns)


def _unencoded(columns: dict[str, Any]) -> pa.Table:
    arrays = [
        column.cast(field.type)
        if isinstance(column := columns[field.name], pa.ChunkedArray | pa.Array)
        else pa.array(column, field.type)
        for field in UNENCODED
    ]
    return pa.table(arrays, schema=UNENCODED)


def _values(submissions: list[dict[str, Any]] | None, key: str) -> Iterator[str]:
    return (value for submission in submissions or [] if (value := submission[key]) is not None)
