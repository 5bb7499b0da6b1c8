"""A body that a partition's WARC files hold already is not stored again: a revisit record says where it is.

WARC/1.1 §6.7.2, profile identical-payload-digest. Many sites answer many addresses with the same consent
wall, "not found" page or robots.txt. A row of `pages` points at the response record that has the body: who
reads the WARC file at that place has the page. The revisit has the page's own head, address and time.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from webtext.crawl.journal import Journal
from webtext.crawl.packing import Packed, pack_revisit
from webtext.crawl.warc import Position

KNOWN_BODIES = 50_000  # the last ones, in some 25 MB of memory
MIN_BODY_BYTES = 512  # a revisit takes as much as a response with less


@dataclass(frozen=True, slots=True)
class _BodyRecord:
    """The response record that has a body: of which URL, when, where."""

    url: str
    at: datetime
    position: Position


class ExchangeWriter:
    """Writes exchanges to the WARC files of the partitions that are crawled at once."""

    def __init__(self, journals: Mapping[int, Journal]) -> None:
        self._journals = journals
        self._known: OrderedDict[tuple[int, bytes], _BodyRecord] = OrderedDict()

    def append(self, partition: int, packed: Packed) -> Position:
        """Writes an exchange; the position is that of the response record with its body."""
        journal = self._journals[partition]
        if packed.body is None or packed.body.bytes < MIN_BODY_BYTES:
            return journal.append(packed)
        key = (partition, packed.body.digest)
        stored = self._known.get(key)
        if stored is not None:
            self._known.move_to_end(key)
            journal.append(pack_revisit(packed.body, stored.url, stored.at))
            return stored.position
        position = journal.append(packed)
        self._known[key] = _BodyRecord(packed.body.exchange.url, packed.body.exchange.at, position)
        if len(self._known) > KNOWN_BODIES:
            self._known.popitem(last=False)
        return position
