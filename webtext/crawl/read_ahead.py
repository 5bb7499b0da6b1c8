"""Records of archives in an object store, many at a time.

A request takes as long as a megabyte does, so records that lie near each other are asked for together, and
several such spans at once. On a disk nothing is gained by that: there every record is read in its place.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from webtext import store
from webtext.crawl.warc import Position

WINDOW_BYTES = 64 << 20  # of records that wait in memory
SPAN_BYTES = 8 << 20  # of one request, at most
GAP_BYTES = 64 << 10  # between two records: to read less than this in vain is cheaper than another request
REQUESTS = 8  # at a time


@dataclass(slots=True)
class Span:
    """Records of one file from `begin` to `end`, with what lies between them."""

    file: str
    begin: int
    end: int
    records: list[Position] = field(default_factory=list)


def records(pages_folder: Path, places: Sequence[Position]) -> Iterator[memoryview | None]:
    """The bytes at each place, in the order given. None where the record is to be read by itself: on a disk,
    and where the store has no such object."""
    if store.of(pages_folder) is None:
        yield from (None for _ in places)
        return
    with ThreadPoolExecutor(REQUESTS) as pool:
        for window in _windows(places):
            spans = _spans(window)
            read = pool.map(lambda span: _read(pages_folder, span), spans)
            found = {place: data for each in read for place, data in each.items()}
            yield from (found.get(place) for place in window)


def _windows(places: Sequence[Position]) -> Iterator[list[Position]]:
    """Runs of places whose records fit into memory together."""
    window: list[Position] = []
    size = 0
    for place in places:
        if window and size + place.length > WINDOW_BYTES:
            yield window
            window, size = [], 0
        window.append(place)
        size += place.length
    if window:
        yield window


def _spans(window: Sequence[Position]) -> list[Span]:
    spans: list[Span] = []
    for place in sorted(window, key=lambda place: (place.file, place.offset)):
        end = place.offset + place.length
        last = spans[-1] if spans else None
        if (
            last is None
            or place.file != last.file
            or place.offset - last.end > GAP_BYTES
            or end - last.begin > SPAN_BYTES
        ):
            last = Span(place.file, place.offset, end)
            spans.append(last)
        last.end = max(last.end, end)
        last.records.append(place)
    return spans


def _read(pages_folder: Path, span: Span) -> dict[Position, memoryview]:
    stored = store.of(pages_folder / span.file)
    assert stored is not None
    try:
        data = memoryview(stored.read_range(span.begin, span.end - span.begin))
    except FileNotFoundError:
        return {}
    return {
        place: data[place.offset - span.begin : place.offset - span.begin + place.length]
        for place in span.records
    }
