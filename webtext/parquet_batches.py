"""Batches of Parquet files that strangers wrote, whose room in memory is bounded.

A value of a dictionary, or a prefix that values share (DELTA_BYTE_ARRAY), takes its room in the file once,
and in memory in each row that has it: a kilobyte can stand for gigabytes.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MAX_BATCH_BYTES = 64 << 20  # of a column
ROWS_LOOKED_AT = 1_000  # at once, for a first value
TEXT = "BYTE_ARRAY"  # the physical type of strings


def batches(path: Path, rows: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Some columns, or all, so many rows of a row group at a time, and fewer where those might take too much
    room, by how long lists are on average. Raises what Arrow does for a damaged file."""
    with pq.ParquetFile(path) as file:
        names = list(columns or file.schema_arrow.names)
        for group in range(file.num_row_groups):
            longest = _longest(path, file, group, names, rows)
            at_once = max(1, min(rows, MAX_BATCH_BYTES // max(longest, 1)))
            yield from file.iter_batches(at_once, [group], columns and names)


def _longest(path: Path, file: pq.ParquetFile, group: int, names: Sequence[str], rows: int) -> int:
    """The most bytes that a row of the row group may take for values that stand in many rows."""
    meta, found = file.metadata.row_group(group), 0
    asked = tuple(f"{name}." for name in names)  # itself, or what is nested in it
    texts = [
        at
        for at, one in enumerate(file.schema)
        if one.physical_type == TEXT and f"{one.path}.".startswith(asked)
    ]
    # The first row, because what Arrow raises there ends the process where it is asked for the chunk.
    next(file.iter_batches(1, [group], [file.schema.column(at).path for at in texts]), None)
    for chunk in map(meta.column, texts):
        name, size = chunk.path_in_schema, chunk.total_uncompressed_size
        in_a_row = -(-chunk.num_values // max(meta.num_rows, 1))
        if size * min(rows, meta.num_rows) * in_a_row <= MAX_BATCH_BYTES:
            continue
        entry = _longest_entry(path, group, name) if chunk.has_dictionary_page else 0
        if entry is None or "DELTA_BYTE_ARRAY" in chunk.encodings:
            entry = size
        found = max(found, entry * in_a_row)
    return found


def _longest_entry(path: Path, group: int, name: str) -> int | None:
    """The length of the longest value in a column's dictionary, which comes with the column's first value;
    None where Arrow gives the values themselves, as of JSON."""
    with pq.ParquetFile(path, read_dictionary=[name]) as file:
        one_row, some_rows = (file.iter_batches(rows, [group], [name]) for rows in (1, ROWS_LOOKED_AT))
        for batch in chain(islice(one_row, 1), some_rows):
            column = batch.column(0)
            while pa.types.is_nested(column.type):
                column = column.field(0) if pa.types.is_struct(column.type) else column.values
            if not isinstance(column, pa.DictionaryArray):
                return None
            if len(column.dictionary):
                return int(pc.max(pc.binary_length(column.dictionary)).as_py())
    return 0
