"""Sources as batches of posts, whatever their form."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from webtext import parquet_batches
from webtext.damage import is_no_damage
from webtext.links.ahead import MAX_LINE_BYTES, LineChunks
from webtext.links.column_types import is_bytes
from webtext.links.glance import NOTHING_REFUSED, Glance, Glancer, Look, Refused, joined
from webtext.links.posts import Post, excerpt, json_object, parse, parse_lines
from webtext.links.slices import WHOLE, Slice, lines_of
from webtext.links.sources import Source
from webtext.links.superseding import Numbers

Rows = tuple[list[Post], list[str]]  # posts, and how the malformed rows begin

BATCH_ROWS = 1000  # that are parsed and sifted at once: after every chunk the caches would be cold again
MOST_WAITING = 64  # chunks, where hardly a row needs to be parsed
LAST_ROW = 2**32 - 1
OVERLONG = f"a line of more than {MAX_LINE_BYTES >> 20} MiB"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a source that follow each other: posts with their rows' numbers, how the malformed ones begin,
    and what a glance was enough for."""

    first_row: int
    rows: Numbers
    posts: list[Post]
    malformed: list[str]
    refused: Refused = NOTHING_REFUSED

    @property
    def next_row(self) -> int:
        return self.first_row + self.refused.total + len(self.posts)

    @property
    def count(self) -> int:
        return len(self.posts) + len(self.malformed) + self.refused.total


class Reading:
    """One pass over a source, or a slice of a dump, batch after batch. A source that breaks is read up to
    there, and `broken` then says why. Rows that the glancer, if there is one, refuses are not parsed."""

    def __init__(self, source: Source, share: Slice = WHOLE, glancer: Glancer | None = None) -> None:
        self.broken: str | None = None
        self._source, self._share, self._glancer = source, share, glancer

    def __iter__(self) -> Iterator[Batch]:
        match self._source.form:
            case "submissions":
                yield from self._submissions()
            case "parquet":
                yield from _numbered(self._parquet())
            case form:
                yield from _numbered(self._text(form))

    def _submissions(self) -> Iterator[Batch]:
        chunks = LineChunks(self._source.path)
        waiting: list[Glance] = []
        for seen in chain(self._seen(chunks), [None]):
            if isinstance(seen, Glance):
                waiting.append(seen)
                if len(waiting) < MOST_WAITING and sum(len(each.rows) for each in waiting) < BATCH_ROWS:
                    continue
            if waiting:
                yield _parsed(joined(waiting))
                waiting = []
            if isinstance(seen, Batch):
                yield seen
        if chunks.overlong and self._share.number == 0:
            yield _batch(LAST_ROW, [], [OVERLONG] * chunks.overlong)
        self.broken = chunks.broken

    def _seen(self, chunks: LineChunks) -> Iterator[Glance | Batch]:
        """Each chunk at a glance, or parsed where a glance is not enough."""
        next_row = 0
        for row, lines, look in self._looked_at(chunks):
            row = next_row if row is None else row
            seen: Glance | Batch
            if look is not None and self._glancer:
                seen = self._glancer.glance(lines, row, look)
            else:
                seen = _batch(row, *parse_lines(lines))
            next_row = seen.next_row
            yield seen

    def _looked_at(self, chunks: LineChunks) -> Iterator[tuple[int | None, memoryview, Look | None]]:
        """Lines of the share and how many stand before, which of a whole source the reader counts itself."""
        look = self._glancer.look if self._glancer else _no_look
        if self._share == WHOLE:
            return ((None, *each) for each in chunks.looked_at(look))
        return ((row, lines, look(lines)) for row, lines in lines_of(chunks, self._share))

    def _text(self, form: str) -> Iterator[Rows]:
        chunks = LineChunks(self._source.path)
        match form:
            case "urls":
                yield from map(_urls, chunks)
            case "json":
                yield from (_objects(chunk, self._source) for chunk in chunks)
            case _:
                yield from _table(_lines(chunks), self._source)
        if chunks.overlong:
            yield [], [OVERLONG] * chunks.overlong
        self.broken = chunks.broken

    def _parquet(self) -> Iterator[Rows]:
        fields, columns = zip(*self._source.columns, strict=True)
        try:
            for batch in parquet_batches.batches(self._source.path, BATCH_ROWS, columns):
                values = [_values(batch.column(column)) for column in columns]
                yield [Post(**dict(zip(fields, row, strict=True))) for row in zip(*values, strict=True)], []
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            if is_no_damage(error):
                raise
            self.broken = f"damaged: {error}"


def _no_look(_: memoryview) -> None:
    return None


def _numbered(parsed: Iterable[Rows]) -> Iterator[Batch]:
    row = 0
    for posts, malformed in parsed:
        yield _batch(row, posts, malformed)
        row += len(posts)


def _parsed(seen: Glance) -> Batch:
    found = [parse(line) for line in seen.lines]
    posts = [post for post in found if post is not None]
    if len(posts) == len(found):
        return Batch(seen.first_row, seen.rows, posts, [], seen.refused)
    sound = [post is not None for post in found]
    odd = [line for line, is_post in zip(seen.lines, sound, strict=True) if not is_post]
    malformed = [excerpt(line) for line in odd if line.strip()]
    return Batch(seen.first_row, seen.rows[sound], posts, malformed, seen.refused)


def _batch(first_row: int, posts: list[Post], malformed: list[str]) -> Batch:
    return Batch(first_row, np.arange(first_row, first_row + len(posts)), posts, malformed)


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):  # in whole seconds, since Python's times hold no nanoseconds
        zone = column.type.tz and "UTC"  # the same moments, though nobody may know the zone by its name
        column = column.cast(pa.timestamp("s", zone), safe=False)
    values: list[Any] = column.to_pylist()
    if is_bytes(column.type):
        return [value and value.decode("utf-8", "surrogateescape") for value in values]
    return values


def _urls(chunk: memoryview) -> Rows:
    """A URL a line; what follows a tab is another column."""
    lines = (line.strip().partition(b"\t")[0] for line in bytes(chunk).splitlines())
    return [Post(url=line.decode("utf-8", "surrogateescape")) for line in lines if line], []


def _objects(chunk: memoryview, source: Source) -> Rows:
    posts: list[Post] = []
    malformed: list[str] = []
    for line in bytes(chunk).split(b"\n"):
        row = json_object(line)
        if row is not None:
            posts.append(Post(**{field: row[key] for field, key in source.columns if key in row}))
        elif line.strip():
            malformed.append(excerpt(line))
    return posts, malformed


def _lines(chunks: LineChunks) -> Iterator[str]:
    for chunk in chunks:
        for line in bytes(chunk).splitlines(keepends=True):
            yield line.decode("utf-8", "surrogateescape")


def _table(lines: Iterator[str], source: Source) -> Iterator[Rows]:
    csv.field_size_limit(MAX_LINE_BYTES)
    first = next(line for line in lines if line.strip())
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


class _Held:
    """Lines for a reader of tables, which keeps those of the row that is being read."""

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
    held = _Held(lines)
    rows = csv.reader(held, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        held.of_row.clear()
        row: list[str] | None = None
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            if len(held.of_row) == 1:
                row = _leniently(held.of_row[0], delimiter)
            held.take_back()
        if row is None:
            yield excerpt(held.of_row[0].encode("utf-8", "surrogateescape"))
        elif any(row):
            yield row


def _leniently(line: str, delimiter: str) -> list[str] | None:
    """A line with quotes where none should be as a row; None where one of them stays open."""
    row, *after = csv.reader([line, delimiter], delimiter=delimiter, skipinitialspace=True)
    return row if after else None


def _fields(row: list[str], places: dict[str, int]) -> dict[str, Any]:
    return {field: row[at] for field, at in places.items() if at < len(row) and row[at]}
