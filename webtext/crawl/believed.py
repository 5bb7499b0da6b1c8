"""What of a crawl's journal is believed after a kill or a power cut.

The lines up to the last that says the disk had all so far, and those after it as far as they are whole and
their WARC records can be read.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext import files, store
from webtext.crawl.warc import whole_records
from webtext.reasons import FETCHED

Row = dict[str, Any]


@dataclass
class Believed:
    """What those lines say."""

    rows: list[Row] = field(default_factory=list)
    key: str | None = None
    first_warc: int | None = None  # files of this number and above are the journal's
    warc: tuple[str, int] | None = None  # the file that the last row had reached, and its end then
    bytes: int = 0  # of those lines
    synced: bool = True  # whether the disk was asked for all of them


def read(path: Path) -> Believed:
    """The journal up to its first line that is torn, or whose WARC records are."""
    kept = Believed()
    with path.open("rb") as file:
        entries = list(_entries(file))
    last_sync = max((number for number, (entry, _) in enumerate(entries) if "synced" in entry), default=-1)
    lengths: dict[str, int] = {}  # of the WARC files, as far as they are whole
    for number, (entry, end) in enumerate(entries):
        reached = entry.get("warc")
        if number == last_sync + 1:
            lengths.clear()
        if reached and reached[0] not in lengths:
            start = kept.warc[1] if kept.warc and kept.warc[0] == reached[0] else 0
            lengths[reached[0]] = _length(path.parent / reached[0], None if number <= last_sync else start)
        if reached and reached[1] > lengths[reached[0]]:
            break
        if "key" in entry:
            kept.rows = [row for row in kept.rows if row["state"] == FETCHED]
            kept.key = entry["key"]
            kept.first_warc = entry["first_warc"]
        elif "row" in entry:
            kept.rows.append(entry["row"])
        kept.synced = "row" not in entry and (kept.synced or "synced" in entry)
        if reached:
            kept.warc = (reached[0], reached[1])
        kept.bytes = end
    return kept


def _entries(lines: Iterable[bytes]) -> Iterator[tuple[dict[str, Any], int]]:
    """Each whole line, and where it ends."""
    end = 0
    for line in lines:
        end += len(line)
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if not line.endswith(b"\n") or not isinstance(entry, dict):
            return
        yield entry, end


def key_of(path: Path) -> str | None:
    """What a journal is for."""
    lines = files.read_bytes(path).splitlines(keepends=True)
    return next((entry["key"] for entry, _ in reversed([*_entries(lines)]) if "key" in entry), None)


def _length(path: Path, unsure_from: int | None) -> int:
    """A WARC file's length; where the disk may not have had its end, up to its last whole record."""
    if not path.exists():
        stored = store.of(path)
        stamp = stored.stamp() if stored and unsure_from is None else None
        return stamp.size if stamp else 0
    return path.stat().st_size if unsure_from is None else whole_records(path, unsure_from)
