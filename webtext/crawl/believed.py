"""What of a crawl's journal is believed after a kill or a power cut.

The lines up to the last that says the disk had all so far, and those after it as far as they are whole and
their WARC records can be read.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext import files, store
from webtext.crawl.rows import FACTS
from webtext.crawl.warc import is_archive, whole_records
from webtext.reasons import FETCHED

NEEDED = {"id", "state", "captured_at", "fetched_at", *FACTS}  # of a row

Row = dict[str, Any]
Line = tuple[dict[str, Any], int]  # an entry, and where its line ends


@dataclass
class Believed:
    """What those lines say, but for their rows."""

    key: str | None = None
    first_warc: int | None = None  # files of this number and above are the journal's
    warc: tuple[str, int] | None = None  # the file that the last row had reached, and its end then
    keyed: int = 0  # where the key's line ends: of rows before it those of fetched pages count
    bytes: int = 0  # of those lines
    synced: bool = True  # whether the disk was asked for all of them


def read(path: Path) -> Believed:
    """The journal up to its first line that is torn, or whose WARC records are."""
    kept, synced = Believed(), _synced(path)
    lengths: dict[str, int] = {}  # of the WARC files, as far as they are whole
    for entry, end in _lines(path):
        reached = entry.get("warc")
        sure = end <= synced
        if kept.bytes == synced:
            lengths.clear()
        if reached and reached[0] not in lengths:
            start = kept.warc[1] if kept.warc and kept.warc[0] == reached[0] else 0
            lengths[reached[0]] = _length(path.parent / reached[0], None if sure else start)
        if reached and reached[1] > lengths[reached[0]]:
            break
        if "key" in entry:
            kept.key, kept.first_warc, kept.keyed = entry["key"], entry["first_warc"], end
        kept.synced = "row" not in entry and (kept.synced or "synced" in entry)
        if reached:
            kept.warc = (reached[0], reached[1])
        kept.bytes = end
    return kept


def rows(path: Path) -> Iterator[Row]:
    """The rows of the journal, as far as it is believed, in the order in which they came."""
    kept = read(path)
    for entry, end in _lines(path):
        if end > kept.bytes:
            return
        if "row" in entry and (end > kept.keyed or entry["row"]["state"] == FETCHED):
            yield entry["row"]


def key_of(path: Path) -> str | None:
    """What a journal is for."""
    lines = files.read_bytes(path).splitlines(keepends=True)
    return next((entry["key"] for entry, _ in reversed([*_entries(lines)]) if "key" in entry), None)


def _synced(path: Path) -> int:
    """Where the last line ends that says the disk had all so far; 0 without."""
    return max((end for entry, end in _lines(path) if "synced" in entry), default=0)


def _lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        yield from _entries(file)


def _entries(lines: Iterable[bytes]) -> Iterator[Line]:
    """Each line up to the first that is not whole, or lacks what its readers need."""
    end = 0
    for line in lines:
        end += len(line)
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if not line.endswith(b"\n") or not isinstance(entry, dict):
            return
        if NEEDED - set(entry.get("row", NEEDED) or ()) or ("key" in entry) != ("first_warc" in entry):
            return
        if (reached := entry.get("warc")) and not is_archive(str(reached[0])):  # which would be cut there
            return
        yield entry, end


def _length(path: Path, unsure_from: int | None) -> int:
    """A WARC file's length; where the disk may not have had its end, up to its last whole record."""
    if not path.exists():
        stored = store.of(path)
        stamp = stored.stamp() if stored and unsure_from is None else None
        return stamp.size if stamp else 0
    return path.stat().st_size if unsure_from is None else whole_records(path, unsure_from)
