"""Test and training sets as their makers give them: text, JSON lines, or Parquet, compressed or not."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files, parquet_batches
from webtext.errors import UserError, why
from webtext.links.compressed import Broken, described, kind_of, open_reader

RUNNING, ROWS, PARQUET = "text", "json lines", "parquet"
TEXT = "text"  # the field that has an example's text, where there is one of that name
MAX_LINE_BYTES = 64 << 20

_HEAD_BYTES = 1 << 16
_BOM = "\ufeff"
_JSON = re.compile(r'[\[{][\[{\s]*("|$)')  # "[[" and "{{" begin other texts too
_SUPPORTED = "what can be read are text (UTF-8), JSON lines and Parquet, plain or as zst, gz, bz2 or xz"


@dataclass(frozen=True)
class Example:
    """A line of text, or a row: its number in the file, from 1, and its texts, of which each stands alone."""

    number: int
    texts: list[str]


def form_of(path: Path) -> str:
    """RUNNING, ROWS or PARQUET, by how the file begins. Raises UserError for what is none of them, and where
    it cannot be read."""
    try:
        with files.here(path).open("rb") as file:
            kind = kind_of(file.read(8))
        if kind == PARQUET:
            return PARQUET
        with _opened(path) as text:
            head = text.read(_HEAD_BYTES)
        _require_text(path, head)
        first = next((line.strip() for _, line in _lines(path) if line.strip()), "")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a file of text") from None
    if not first:
        raise UserError(f"{path}: holds {described(head)}; {_SUPPORTED}")
    if _object(first) is not None:
        return ROWS
    if _JSON.match(first):
        raise UserError(
            f"{path}: JSON whose first line is no whole object; make it JSON lines, an object a line"
        )
    return RUNNING


def check(path: Path) -> None:
    """Raises UserError for a file that `examples` cannot begin to read."""
    next(examples(path), None)


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
    number = 0
    try:
        names = [TEXT] if TEXT in pq.read_schema(path).names else None
        for batch in parquet_batches.batches(path, 1000, names):
            for row in batch.to_pylist():
                texts = _strings(row)
                number += 1
                yield Example(number, texts)
    except (OSError, pa.ArrowException, ValueError, OverflowError, KeyError) as error:  # of a time zone
        where = f"after row {number} " if number else ""
        raise UserError(f"{path}: cannot be read {where}({why(error)}); name another file") from None


def _require_text(path: Path, head: bytes) -> None:
    if (kind := kind_of(head)) is not None:
        raise UserError(f"{path}: holds a {kind} file; {_SUPPORTED}")
    if b"\0" in head:
        raise UserError(f"{path}: holds {described(head)}; {_SUPPORTED}")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with _opened(path) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            text = line.decode("utf-8", "replace")
            yield number, text.removeprefix(_BOM) if number == 1 else text


def _opened(path: Path) -> io.BufferedReader:
    return io.BufferedReader(_Decompressed(path), 1 << 17)


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
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _strings(row: dict[str, Any]) -> list[str]:
    """Bytes are strings where they are UTF-8, and must be in the field `text`."""
    text = row.get(TEXT)
    if isinstance(text, bytes):
        return [text.decode()]
    if isinstance(text, str):
        return [text]
    return list(_all_strings(row, 0))


def _all_strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            yield value.decode()
    elif isinstance(value, dict | list | tuple) and depth < 20:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _all_strings(inner, depth + 1)
