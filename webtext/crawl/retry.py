"""Links that failed for reasons of the moment, to be asked for again when the user says so.

A crawl that has ended stays ended: the same command does nothing. `reopen` makes a partition unfinished, its
journal without the rows of such links, so that the next crawl goes on there as after an interruption.
"""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from webtext import files
from webtext.crawl import carry
from webtext.crawl.archives.lookup import UNAVAILABLE
from webtext.crawl.journal import seed
from webtext.crawl.rows import Row

# A server or a network that was not well. What a server decided (404, 403, robots.txt, no HTML) stays.
OF_THE_MOMENT = frozenset(
    (
        *("dns", "unreachable", "tls", "timeout", "truncated"),
        *("server_error", "rate_limited", "robots_unreachable", "host_gave_up"),
    )
)


def helps(table: Path, key: str) -> bool:
    """Whether a partition's table, if it was written under `key`, has failures of the moment. What one lacks
    that was written under another is asked for anyway."""
    return carry.made_for(table) == key and len(failed(table)) > 0


def reopen(table: Path, key: str, sources: int) -> Counter[str]:
    """Takes the failures of the moment out of a partition's table; how many, by state. `sources` is how many
    the recipe names: the links that stay need none of them."""
    rows = carry.read(table).to_pylist()
    staying = [row | {"asked": sources} for row in rows if not _of_the_moment(row)]
    seed(table.parent, table.stem, key, staying)
    files.remove(table)
    files.sync(table.parent)
    return Counter(str(row["state"]) for row in rows if _of_the_moment(row))


def failed(table: Path) -> pa.Array:
    """The links of a partition's table that failed for reasons of the moment."""
    rows = carry.read(table, ["id", "state", "detail"]).to_pylist()
    return pa.array([row["id"] for row in rows if _of_the_moment(row)], pa.string())


def _of_the_moment(row: Row) -> bool:
    return row["state"] in OF_THE_MOMENT or UNAVAILABLE in (row["detail"] or "")
