"""What WARC and ARC files hold that is of use: each file is read through once, whoever looks for pages in it.

A listing is a Parquet file that lies beside the pages until their crawl has ended. Crawling processes by the
dozen look for their links in it: some hundred bytes a record instead of the record.
"""

import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files, parquet
from webtext.buckets import StoredFile
from webtext.crawl import page
from webtext.crawl.archives import records
from webtext.crawl.archives.captures import Pointer, Unusable
from webtext.crawl.archives.warc_stream import CUT_SHORT, WarcStream
from webtext.crawl.exchange import Exchange
from webtext.damage import is_no_damage
from webtext.errors import ENDINGS, RunFailed, why
from webtext.fingerprint import fingerprint
from webtext.links.canonical import Rejected, canonicalise

VERSION = 6  # changes when the same file may give another listing
FOLDER = "listings"
ROWS = 10_000  # that are looked through at a time
MAX_DIGEST_CHARS = 200  # SHA-512 in hexadecimals has 128; all of a file's listing is held in memory
TELL_BYTES = 1 << 20

_SCHEMA = pa.schema(
    {
        "url": pa.string(),
        "at": pa.timestamp("us", "UTC"),
        "offset": pa.int64(),
        "length": pa.int64(),
        "digest": pa.string(),
        "leads_to": pa.string(),
        "repeats": pa.bool_(),
    }
)
_DAMAGE = b"damage"  # the metadata that says why a part of the file could not be read


@dataclass(frozen=True, slots=True)
class Listed:
    """A record that is a page, or leads to one."""

    pointer: Pointer
    leads_to: str = ""  # what the page is filed under where a redirect leads, or whose body a revisit repeats
    repeats: bool = False

    def order(self, at: datetime) -> tuple[bool, bool, timedelta, datetime]:
        """Pages before what leads to one, then the nearest in time; of two as near the earlier."""
        return *self.kind(), abs(self.pointer.at - at), self.pointer.at

    def kind(self) -> tuple[bool, bool]:
        """Sorts pages first, then revisits, then redirects."""
        return bool(self.leads_to) and not self.repeats, self.repeats


class _Told:
    """A stream that tells now and then how many bytes of it were read since the last time."""

    def __init__(self, stream: Any, tell: Callable[[int], None]) -> None:
        self._stream, self._tell, self._untold = stream, tell, 0

    def read(self, length: int) -> bytes:
        piece = bytes(self._stream.read(length))
        self._untold += len(piece)
        if self._untold >= TELL_BYTES:
            self._tell(self._untold)
            self._untold = 0
        return piece


class Listings:
    """The listings of some files in a folder, where they are made as far as they are not there yet."""

    def __init__(self, archives: Sequence[StoredFile], folder: Path) -> None:
        self._paths = {file.path: listing_of(file, folder) for file in archives}
        for file in archives:
            if not files.exists(self._paths[file.path]):
                make(file, self._paths[file.path])

    def look(self, file: StoredFile, wanted: Collection[str]) -> tuple[list[Listed], str | None]:
        """The records of use for wanted pages, in the file's order, and why a part could not be read."""
        with pq.ParquetFile(files.here(self._paths[file.path], settled=True), **parquet.CHECKED) as listing:
            found = []
            for batch in listing.iter_batches(ROWS):
                places = [at for at, url in enumerate(batch["url"].to_pylist()) if url in wanted]
                found += [_listed_as(row, file) for row in batch.take(places).to_pylist()] if places else []
            damage = (listing.schema_arrow.metadata or {}).get(_DAMAGE)
        return found, damage and damage.decode()


def filed_under(url: str) -> str:
    """What the captures of a URL are found by: of http and https alike, as in the Wayback Machine's index and
    Common Crawl's. Raises Rejected for what is no URL."""
    return re.sub("^https:", "http:", canonicalise(url))


def listed_in(file: StoredFile, tell: Callable[[int], None] = lambda _: None) -> Iterator[Listed]:
    """The records of a file that are of use. Raises Unusable at the end where a part of the file was not."""
    with file.stream() as stream:
        archive = WarcStream(_Told(stream, tell))
        for record in archive:
            if record.rec_type not in ("response", "revisit"):
                continue
            try:
                found = _listed(record, filed_under(records.target(record)))
                offset, length = archive.place() if found is not None else (0, 0)
            except (Unusable, Rejected):
                continue
            if found is not None:
                place = replace(found.pointer, file=file.path, offset=offset, length=length)
                yield replace(found, pointer=place)


def listing_of(file: StoredFile, folder: Path) -> Path:
    """Where a file's listing is, or will be."""
    return folder / f"{fingerprint(VERSION, file.path, file.size)}.parquet"


def is_empty(listing: Path) -> bool:
    """Whether a file has no record that is a page or leads to one."""
    with pq.ParquetFile(files.here(listing, settled=True), **parquet.CHECKED) as found:
        return bool(found.metadata.num_rows == 0)


def make(file: StoredFile, listing: Path, tell: Callable[[int], None] = lambda _: None) -> None:
    """Lists a file. `tell` hears now and then how many bytes of it were read since the last time.

    Raises RunFailed where the system does not let it be read now.
    """
    rows, batches, damage = list[dict[str, Any]](), list[pa.RecordBatch](), None
    try:
        with redirect_stderr(io.StringIO()):  # warcio prints its doubts
            for found in listed_in(file, tell):
                rows.append(_row(found))
                if len(rows) == ROWS:
                    batches.append(pa.RecordBatch.from_pylist(rows, _SCHEMA))
                    rows = []
    except Unusable as problem:
        damage = str(problem)
    except ENDINGS:
        raise
    except Exception as error:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
        if is_no_damage(error):
            raise RunFailed(f"{file.path} cannot be read now: {why(error)}") from None
        damage = CUT_SHORT
    batches.append(pa.RecordBatch.from_pylist(rows, _SCHEMA))
    schema = _SCHEMA.with_metadata({_DAMAGE: damage}) if damage else _SCHEMA
    table = pa.Table.from_batches(batches).replace_schema_metadata(schema.metadata)
    parquet.write(listing, schema, [table], row_group_rows=ROWS)


def _row(found: Listed) -> dict[str, Any]:
    pointer = found.pointer
    return {
        "url": pointer.url,
        "at": pointer.at,
        "offset": pointer.offset,
        "length": pointer.length,
        "digest": pointer.digest,
        "leads_to": found.leads_to,
        "repeats": found.repeats,
    }


def _listed_as(row: dict[str, Any], file: StoredFile) -> Listed:
    place = Pointer(row["at"], row["url"], file.path, row["offset"], row["length"], row["digest"])
    return Listed(place, row["leads_to"], row["repeats"])


def _listed(record: Any, url: str) -> Listed | None:
    """What a record of a URL is good for. Raises Unusable or Rejected for nothing."""
    digest = str(record.rec_headers.get_header("WARC-Payload-Digest") or "").lower()
    if len(digest) > MAX_DIGEST_CHARS:
        digest = ""
    pointer = Pointer(records.captured_at(record), url, digest=digest)
    status = records.status(record) if record.http_headers is not None else None
    if status in page.REDIRECT_STATUSES:
        target = page.redirect(Exchange(records.target(record), status, records.headers(record))).location
        leads_to = filed_under(target) if target else url
        return Listed(pointer, leads_to) if leads_to != url else None
    if record.rec_type == "revisit":
        original = records.uri(record, "WARC-Refers-To-Target-URI")
        return Listed(pointer, filed_under(original) if original else url, repeats=True) if digest else None
    return Listed(pointer) if status in page.PAGE_STATUSES else None
