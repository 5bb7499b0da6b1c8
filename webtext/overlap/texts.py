"""Test and training sets as their makers give them: text, JSON lines, or Parquet, compressed or not."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files
from webtext.errors import UserError, why
from webtext.links.compressed import Broken, kind_of, open_reader

RUNNING, ROWS, PARQUET = "text", "json lines", "parquet"
TEXT = "text"  # the field that has an example's text, where there is one of that name
MAX_LINE_BYTES = 64 << 20


@dataclass(frozen=True)
class Example:
    """A line of text, or a row: its number in the file, from 1, and its texts, of which each stands alone."""

    number: int
    texts: list[str]


def form_of(path: Path) -> str:
    """RUNNING, ROWS or PARQUET, by the file's first bytes. Raises UserError where it cannot be read."""
    try:
        with files.here(path).open("rb") as file:
            kind = kind_of(file.read(8))
        if kind == PARQUET:
            return PARQUET
        first = next((line for _, line in _lines(path) if line.strip()), "")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a file of text") from None
    return ROWS if _object(first) is not None else RUNNING


def examples(path: Path) -> Iterator[Example]:
    """The examples of a file, in order.

    A line of text is one. Of a row it is the field `text`, or else each of its strings. Raises UserError for
    a broken file, with the line.
    """
    form = form_of(path)
    if form == PARQUET:
        yield from _of_parquet(path)
    for number, line in _lines(path) if form != PARQUET else ():
        if form == RUNNING:
            yield Example(number, [line])
        elif line.strip():
            row = _object(line)
            if row is None:
                raise UserError(f"{path}:{number}: not a JSON object, as the lines before it are; mend it")
            yield Example(number, _strings(row))


def _of_parquet(path: Path) -> Iterator[Example]:
    try:
        with pq.ParquetFile(path) as file:
            names = [TEXT] if TEXT in file.schema_arrow.names else None
            number = 0
            for batch in file.iter_batches(1000, columns=names):
                for row in batch.to_pylist():
                    number += 1
                    yield Example(number, _strings(row))
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read ({why(error)}); name another file") from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    reader = _Decompressed(path)
    with io.BufferedReader(reader, 1 << 17) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            yield number, line.decode("utf-8", "replace")


class _Decompressed(io.RawIOBase):
    def __init__(self, path: Path) -> None:
        self.path, self._reader = path, open_reader(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._reader.readinto(memoryview(buffer))
        except Broken as error:
            raise UserError(f"{self.path}: damaged ({error}); get it again") from None

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()


def _object(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _strings(row: dict[str, Any]) -> list[str]:
    if isinstance(row.get(TEXT), str):
        return [row[TEXT]]
    return list(_all_strings(row, 0))


def _all_strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and depth < 20:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _all_strings(inner, depth + 1)
