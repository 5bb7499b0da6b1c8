"""The rows of a table in text: CSV, TSV and the like, whose first line names the columns.

Written by people and by many programs, so a quote that is not closed costs its own line, and no other.
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from webtext.links.line_chunks import MAX_LINE_BYTES
from webtext.links.posts import BATCH_ROWS, Parsed, Post, excerpt
from webtext.links.sources import Source


def parse_table(chunks: Iterable[memoryview], source: Source) -> Iterator[Parsed]:
    """The posts in a table's whole lines, up to BATCH_ROWS at a time. None without a first line, as in a file
    that breaks off there."""
    csv.field_size_limit(MAX_LINE_BYTES)
    lines = _lines(chunks)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return
    cells = next(csv.reader([first.strip()], delimiter=source.delimiter, skipinitialspace=True))
    header = [cell.strip() for cell in cells]
    places = {field: header.index(column.strip()) for field, column in source.columns}
    posts: list[Post] = []
    malformed: list[str] = []
    for row in _rows(lines, source.delimiter):
        if isinstance(row, str):
            malformed.append(row)
        elif len(header) == 1:
            posts.append(Post(url=source.delimiter.join(row)))  # a URL may hold any delimiter
        elif len(row) > places["url"] and not any(row[len(header) :]):
            posts.append(Post(**_fields(row, places)))
        else:
            malformed.append(excerpt(source.delimiter.join(row).encode("utf-8", "surrogateescape")))
        if len(posts) + len(malformed) >= BATCH_ROWS:
            yield posts, malformed
            posts, malformed = [], []
    yield posts, malformed


def _lines(chunks: Iterable[memoryview]) -> Iterator[str]:
    for chunk in chunks:
        for line in bytes(chunk).splitlines(keepends=True):
            yield line.decode("utf-8", "surrogateescape")


class _Rereadable:
    """Lines for csv.reader. Those of the row that is being read are kept, so that they can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.of_row: list[str] = []
        self._lines = lines
        self._again: list[str] = []  # the next one last

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.of_row.append(self._again.pop() if self._again else next(self._lines))
        return self.of_row[-1]

    def take_back(self) -> None:
        """The lines of the row but the first are read again."""
        self._again += reversed(self.of_row[1:])


def _rows(lines: Iterator[str], delimiter: str) -> Iterator[list[str] | str]:
    """The rows that are not empty; of a malformed one how it begins. A quote that is not closed before one of
    a later row costs its own line, not those that follow."""
    rereadable = _Rereadable(lines)
    rows = csv.reader(rereadable, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        rereadable.of_row.clear()
        row: list[str] | None = None
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            if len(rereadable.of_row) == 1:
                row = _leniently(rereadable.of_row[0], delimiter)
            rereadable.take_back()
        if row is None:
            yield excerpt(rereadable.of_row[0].encode("utf-8", "surrogateescape"))
        elif any(row):
            yield row


def _leniently(line: str, delimiter: str) -> list[str] | None:
    """A line with quotes where none should be as a row; None where one of them stays open."""
    # An open quote takes the second line into the first row: then no row is left after it.
    row, *after = csv.reader([line, delimiter], delimiter=delimiter, skipinitialspace=True)
    return row if after else None


def _fields(row: list[str], places: dict[str, int]) -> dict[str, Any]:
    return {field: row[at] for field, at in places.items() if at < len(row) and row[at]}
