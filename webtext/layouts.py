"""Whether a file has the columns of a table, however another program that wrote it laid them out."""

from typing import TypeVar

import pyarrow as pa

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def require(found: pa.Schema, wanted: pa.Schema) -> None:
    """Raises ArrowInvalid, as Arrow does for a damaged file, where columns are `unlike`."""
    if odd := unlike(found, wanted):
        raise pa.ArrowInvalid(odd)


def unlike(found: pa.Schema, wanted: pa.Schema) -> str:
    """Which columns are missing, or of another type than they should be, in words; "" where none is. A type
    in another layout, as other programs write it (large strings, dictionaries), counts as the same."""
    there = found.names
    if absent := [name for name in wanted.names if name not in there]:
        return f"it has no {', '.join(absent)}"
    odd = [field for field in wanted if not _same(found.field(field.name).type, field.type)]
    told = (
        f"{field.name} is {found.field(field.name).type!s:.50} instead of {field.type!s:.50}" for field in odd
    )
    return ", ".join(told)


def laid_out(rows: Rows, wanted: pa.Schema) -> Rows:
    """The same rows, those columns laid out anew that another program laid out otherwise."""
    target = pa.schema([_wanted(field, wanted) for field in rows.schema], metadata=rows.schema.metadata)
    return rows if rows.schema.types == target.types else rows.cast(target)


def _wanted(field: pa.Field, wanted: pa.Schema) -> pa.Field:
    # Of a nested column a leaf alone may have been read.
    as_it_is = field.name not in wanted.names or pa.types.is_nested(field.type)
    return field if as_it_is else wanted.field(field.name)


def _same(found: pa.DataType, wanted: pa.DataType) -> bool:
    same: bool = found == wanted or _plain(found) == _plain(wanted)
    return same


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the same values in Arrow's first layout, numbers and times in their widest."""
    types = pa.types
    if types.is_dictionary(kind):
        return _plain(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([(field.name, _plain(field.type)) for field in kind])
    if types.is_timestamp(kind):
        return pa.timestamp("ns", kind.tz)
    same = (
        (pa.string(), types.is_large_string(kind) or types.is_string_view(kind)),
        (pa.int64(), types.is_integer(kind)),
        (pa.float64(), types.is_floating(kind)),
    )
    return next((plain for plain, holds in same if holds), kind)
