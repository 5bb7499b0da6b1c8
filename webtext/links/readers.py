"""Sources as batches of posts, whatever their form."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from webtext import parquet_batches
from webtext.damage import is_no_damage
from webtext.links.column_types import is_bytes
from webtext.links.glance import NOTHING_REFUSED, Glance, Glancer, Look, Refused, joined
from webtext.links.line_chunks import MAX_LINE_BYTES, LineChunks
from webtext.links.posts import BATCH_ROWS, Parsed, Post, excerpt, json_object, parse, parse_lines
from webtext.links.slices import WHOLE, Slice, lines_of
from webtext.links.sources import Source
from webtext.links.superseding import Numbers
from webtext.links.tables import parse_table

MOST_WAITING = 64  # glanced-at chunks that are joined into one batch, where hardly a row needs to be parsed
LAST_ROW = 2**32 - 1
_NO_URL = re.compile(rb"(?:\t|(?:^|\s)#).*")
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
        """(rows before, lines, look) of each chunk of the share. Of a whole source the rows before are None:
        `_seen` knows them from the chunk before."""
        look = self._glancer.look if self._glancer else _no_look
        if self._share == WHOLE:
            return ((None, *each) for each in chunks.looked_at(look))
        return ((row, lines, look(lines)) for row, lines in lines_of(chunks, self._share))

    def _text(self, form: str) -> Iterator[Parsed]:
        chunks = LineChunks(self._source.path)
        match form:
            case "urls":
                yield from map(_urls, chunks)
            case "json":
                yield from (_objects(chunk, self._source) for chunk in chunks)
            case _:
                yield from parse_table(chunks, self._source)
        if chunks.overlong:
            yield [], [OVERLONG] * chunks.overlong
        self.broken = chunks.broken

    def _parquet(self) -> Iterator[Parsed]:
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


def _numbered(parsed: Iterable[Parsed]) -> Iterator[Batch]:
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


def _urls(chunk: memoryview) -> Parsed:
    """A URL a line; what follows a tab is another column, what follows `#` after white space a comment."""
    lines = (_NO_URL.sub(b"", line.strip()).rstrip() for line in bytes(chunk).splitlines())
    return [Post(url=line.decode("utf-8", "surrogateescape")) for line in lines if line], []


def _objects(chunk: memoryview, source: Source) -> Parsed:
    posts: list[Post] = []
    malformed: list[str] = []
    for line in bytes(chunk).split(b"\n"):
        row = json_object(line)
        if row is not None:
            posts.append(Post(**{field: row[key] for field, key in source.columns if key in row}))
        elif line.strip():
            malformed.append(excerpt(line))
    return posts, malformed
