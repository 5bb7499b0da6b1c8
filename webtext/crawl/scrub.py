"""Taking records out of a WARC file in place: each becomes an empty one of the same length.

What lies behind keeps its offset, and the file stays a WARC file: one gzip member (RFC 1952) per record, the
freed bytes in the member's comment. What is to be overwritten is written down first, so that a kill in the
middle is finished by the next run.
"""

import json
import os
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from webtext import files
from webtext.crawl.warc import Position, is_warc_name
from webtext.errors import RunFailed, UserError

PLAN = "scrub.json"  # in pages/, while records are overwritten


def scrub(pages_folder: Path, records: Sequence[Position], day: str) -> None:
    """Overwrites records; they are gone from the disk when this returns. `day`: YYYY-MM-DD."""
    plan = {"day": day, "records": [asdict(record) for record in records]}
    files.write_json(pages_folder / PLAN, plan)
    finish(pages_folder)


def finish(pages_folder: Path) -> None:
    """Does what a killed `scrub` left to do."""
    path = pages_folder / PLAN
    if not files.exists(path):
        return
    plan = json.loads(files.read_text(path))
    for name, records in _by_file(Position(**record) for record in plan["records"]):
        if not is_warc_name(name):
            raise UserError(f"{path}: names {name!r}, which is no WARC file of this corpus: delete it")
        if not files.exists(pages_folder / name):  # deleted since
            continue
        warc = files.here(pages_folder / name)
        size = warc.stat().st_size
        with warc.open("r+b") as file:
            for record in records:
                file.seek(record.offset)
                file.write(empty_record(record, plan["day"])[: max(size - record.offset, 0)])
            file.flush()
            os.fsync(file.fileno())
        files.put(warc)
    files.remove(path)
    files.sync(pages_folder)


def empty_record(place: Position, day: str) -> bytes:
    """A gzip member of the place's length with a WARC record that says nothing but when."""
    record = (
        f"WARC/1.1\r\nWARC-Type: metadata\r\nWARC-Record-ID: <urn:uuid:{_name(place)}>\r\n"
        f"WARC-Date: {day}T00:00:00Z\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    ).encode()
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = compressor.compress(record) + compressor.flush()
    head = b"\x1f\x8b\x08\x10\0\0\0\0\0\xff"  # with a comment (FCOMMENT), no time, unknown system
    tail = struct.pack("<II", zlib.crc32(record), len(record))
    padding = place.length - len(head) - 1 - len(body) - len(tail)
    if padding < 0:
        raise RunFailed(f"{place.file} at {place.offset}: {place.length} bytes are too few for a record")
    return head + b" " * padding + b"\0" + body + tail


def _name(place: Position) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{place.file}#{place.offset}")


def _by_file(records: Iterator[Position]) -> list[tuple[str, list[Position]]]:
    of: dict[str, list[Position]] = {}
    for record in records:
        of.setdefault(record.file, []).append(record)
    return sorted(of.items())
