"""Which columns of a Parquet file can be read as fields of a post."""

from collections.abc import Iterable

import pyarrow as pa


def problem(schema: pa.Schema, columns: Iterable[tuple[str, str]]) -> str | None:
    """Why one of the (field, column) cannot be read; None where all can."""
    for field, column in columns:
        if schema.names.count(column) > 1:
            return f"two columns are called {column!r}: rename one of them"
        kind = _of_values(schema.field(column).type)
        if pa.types.is_nested(kind) or (field == "url" and not _is_text(kind)):
            wanted = "text" if field == "url" else "a single value"
            return f"column {column!r} is {kind}, not {wanted}: say FILE?{field}=COLUMN for another one"
    return None


def is_bytes(kind: pa.DataType) -> bool:
    """Strings of writers that do not say that they are some."""
    kind = _of_values(kind)
    return any(test(kind) for test in (pa.types.is_binary, pa.types.is_large_binary))


def _is_text(kind: pa.DataType) -> bool:
    strings = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in strings) or is_bytes(kind)


def _of_values(kind: pa.DataType) -> pa.DataType:
    """The type of a column's values, which may be written as a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
