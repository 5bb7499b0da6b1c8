"""WARC and ARC files that the user already has, of whatever crawler, as a source of pages.

They are listed (`warc_listing`) to see which of the wanted pages they hold, then read record by record. Such
files are often odd: what cannot be read is counted and passed over.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from zstandard import ZstdCompressionDict

from webtext.buckets import StoredFile
from webtext.crawl import zstd
from webtext.crawl.archives import records
from webtext.crawl.archives.captures import Capture, Pointer, Unavailable, Unusable, nearest
from webtext.crawl.archives.warc_index import WarcIndex
from webtext.crawl.archives.warc_places import PREFIX
from webtext.crawl.archives.warc_stream import (
    CUT_SHORT,
    HEAD_BYTES,
    MAX_HEAD_BYTES,
    WarcStream,
    dictionary_at,
)
from webtext.crawl.exchange import Exchange
from webtext.errors import ENDINGS
from webtext.sections import Crawl
from webtext.tally import counted

KEPT_DICTIONARIES = 8  # of zstd files, at most 8 MiB each


class WarcFiles:
    name = "warc"

    def __init__(
        self, files: Sequence[StoredFile], wanted: Mapping[str, datetime], settings: Crawl, folder: Path
    ) -> None:
        """`wanted`: canonical URLs, and to what time their captures should be near; no other page is looked
        for. `folder`: where the files' listings are, or will be."""
        self._max_bytes = settings.max_bytes
        self._files = {file.path: file for file in files}
        self._index = WarcIndex(files, wanted, settings.max_redirects, folder)
        self._dictionary = lru_cache(KEPT_DICTIONARIES)(self._dictionary_of)

    @property
    def damaged(self) -> int:
        """Files of which a part could not be read."""
        return len(self._index.damaged)

    def find(self, url: str, near: datetime) -> list[Pointer]:
        pointers = nearest(self._index.pages(url), near)
        if self.damaged and not pointers:
            raise Unavailable(self._damage())
        if self._index.has(url) and not pointers:
            raise Unusable("leads to a page that the files do not have")
        return pointers

    def _damage(self) -> str:
        damaged = self._index.damaged
        told = f"{counted(len(damaged), 'file')} cannot be read whole"
        odd = ((self._files[path].name, why) for path, why in damaged.items() if why != CUT_SHORT)
        return next((f"{told}; {name} is {why}" for name, why in odd), told)

    def read(self, pointer: Pointer) -> Capture:
        if pointer.body is None:
            return Capture(self._read(pointer, records.exchange), pointer.redirects)
        original = self._read(pointer.body, records.exchange)
        again = self._read(pointer, lambda record, *_: records.revisited(record, original))
        return Capture(again, pointer.redirects)

    def _read(self, pointer: Pointer, exchange: Callable[[Any, str, int], Exchange]) -> Exchange:
        if pointer.length > self._max_bytes + MAX_HEAD_BYTES:
            raise Unusable("the record is too large")
        file = self._files[pointer.file]
        try:
            stored = file.piece(pointer.offset, pointer.length)
            dictionary = self._dictionary(file.path) if zstd.begins_frame(stored) else None
            record = WarcStream(io.BytesIO(stored), dictionary).parse()
            return exchange(record, f"{PREFIX}{file.name}#{pointer.offset}", self._max_bytes)
        except (Unusable, *ENDINGS):
            raise
        except Exception as error:  # warcio raises what it meets: EOFError, AttributeError, zlib.error, …
            raise Unusable(f"the record is damaged: {type(error).__name__}") from error

    def _dictionary_of(self, path: str) -> ZstdCompressionDict | None:
        file = self._files[path]
        return dictionary_at(file.piece(0, HEAD_BYTES), partial(file.piece, HEAD_BYTES))
