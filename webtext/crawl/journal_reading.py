"""A crawl's journal (see `journal`) read back: how far it can be trusted after a kill or a power cut, and the
rows up to there.

Trusted are the lines up to the last `synced` one, which says that the disk had everything before it, and the
lines after it as far as they are whole and their WARC records can be read.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from webtext import files, store
from webtext.crawl.rows import FACTS, Row
from webtext.crawl.warc import is_warc_name, whole_records
from webtext.reasons import FETCHED

TIMES = ("captured_at", "fetched_at")
NEEDED = {"id", "state", "attempts", *TIMES, *FACTS}  # of a row

Line = tuple[dict[str, Any], int]  # an entry, and where its line ends


@dataclass
class ValidPrefix:
    """The trusted lines of a journal, from its beginning on: what they say, but for their rows."""

    key: str | None = None  # the last one: what the rows after it depend on
    first_warc: int | None = None  # WARC files of this number and above are this journal's own
    warc: tuple[str, int] | None = None  # the WARC file that the last row had reached, and its length then
    keyed: int = 0  # where the key's line ends; of the rows before it, only those of fetched pages count
    bytes: int = 0  # length of the prefix
    synced: bool = True  # whether the disk was asked for all of it


def valid_prefix(path: Path) -> ValidPrefix:
    """The journal up to its first line that is torn, or whose WARC records are."""
    kept, synced = ValidPrefix(), _synced(path)
    lengths: dict[str, int] = {}  # of WARC files, up to their last whole record
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
    """The rows of the trusted part, in the order in which they came."""
    kept = valid_prefix(path)
    for entry, end in _lines(path):
        if end > kept.bytes:
            return
        if "row" in entry and (end > kept.keyed or entry["row"]["state"] == FETCHED):
            yield entry["row"]


def key_of(path: Path) -> str | None:
    """What the last rows of a journal depend on (see `Journal`); None in one without a key."""
    lines = files.read_bytes(path).splitlines(keepends=True)
    return next((entry["key"] for entry, _ in reversed([*_entries(lines)]) if "key" in entry), None)


def _synced(path: Path) -> int:
    """Where the last line ends that says the disk had all so far; 0 without."""
    return max((end for entry, end in _lines(path) if "synced" in entry), default=0)


def _lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        yield from _entries(file)


def _entries(lines: Iterable[bytes]) -> Iterator[Line]:
    """Each line up to the first that is not whole, or not sound."""
    end = 0
    for line in lines:
        end += len(line)
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not line.endswith(b"\n") or not isinstance(entry, dict) or not _is_sound(entry):
            return
        yield entry, end


def _is_sound(entry: dict[str, Any]) -> bool:
    """Whether an entry has what its readers need, and in the form that they take: damage leaves some of it
    valid JSON."""
    if ("key" in entry) != ("first_warc" in entry) or not isinstance(entry.get("first_warc", 0), int):
        return False
    row, reached = entry.get("row"), entry.get("warc")
    if "row" in entry and not (isinstance(row, dict) and row.keys() >= NEEDED and _has_times(row)):
        return False
    if reached is None:
        return True
    is_place = isinstance(reached, list) and [*map(type, reached)] == [str, int]
    return is_place and is_warc_name(reached[0]) and reached[1] >= 0  # a file of that name would be cut there


def _has_times(row: Row) -> bool:
    try:
        for name in TIMES:
            if row[name] is not None:
                datetime.fromisoformat(row[name])
    except (TypeError, ValueError):
        return False
    return True


def _length(path: Path, unsure_from: int | None) -> int:
    """A WARC file's length; where the disk may not have had its end, up to its last whole record."""
    if not path.exists():
        stored = store.of(path)
        stamp = stored.stamp() if stored and unsure_from is None else None
        return stamp.size if stamp else 0
    return path.stat().st_size if unsure_from is None else whole_records(path, unsure_from)
