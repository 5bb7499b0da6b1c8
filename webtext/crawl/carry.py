"""Pages that the web gave once, kept through changes of the links and of the recipe.

A partition's table is replaced when its links or the recipe change. Rows of fetched pages go over into the
new table; those whose link is not selected any more wait in the attic, should it come back. Whatever a kill
leaves undone, a row is in a table, in a journal or in the attic: it may be in two, and is the same there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext import damage, files, layouts, parquet, schemas
from webtext.crawl.journal import SUFFIX, Journal
from webtext.crawl.journal_reading import key_of
from webtext.crawl.rows import Row
from webtext.reasons import FETCHED
from webtext.table import partition_name

ATTIC = "attic"  # under pages/
KEY = b"webtext.key"  # in a partition's metadata: what it was made for
ROW_GROUP_ROWS = 20_000
_TABLE = re.compile(r"part-(\d{5})\.parquet")  # whatever else is called much like it is somebody's own


def gather(folder: Path, keys: Mapping[str, str]) -> None:
    """Puts into the attic the fetched pages of tables and journals that no partition goes on with. `keys` has
    the partitions that are to be, by file: with another number of them, or other links, those differ."""
    for file in _there(folder):
        if file not in keys and made_for(folder / file) is not None:  # which says so where it is damaged
            _retire(folder, file, pa.array([], pa.string()))
    for name in sorted(files.sizes(folder)):
        if not name.endswith(SUFFIX):
            continue
        stem, file = name.removesuffix(SUFFIX), f"{name.removesuffix(SUFFIX)}.parquet"
        if key_of(folder / name) == keys.get(file):
            continue
        with Journal(folder, stem, "") as journal:
            journal.finish()  # a row's record is kept before the row is
            _keep(folder, file, table_of(journal.rows()))
            journal.remove()


def numbers(folder: Path) -> frozenset[int]:
    """The partitions of which there are earlier tables, or rows in the attic. While a crawl goes on others
    come, but none with a row that a partition of another number looks for."""
    return frozenset(int(path.stem.removeprefix("part-")) for path in tables(folder))


def known_rows(folder: Path, number: int, partitions: int, there: Set[int], ids: pa.Array) -> pa.Table:
    """The rows of fetched pages, of those links, that earlier tables hold, which have the numbers `there`:
    a folder of tens of thousands is not to be listed for each partition.

    Links are divided among partitions by the top bits of a hash, so that with another number of partitions
    a link's row lies where its range then lay.
    """
    found = [schemas.PAGES.empty_table()]
    for path in _places(folder, number, partitions, there):
        if not len(ids):
            break
        found.append(_fetched(path, ids))
        ids = ids.filter(pc.invert(pc.is_in(ids, found[-1]["id"])))
    return pa.concat_tables(found)


def known_ids(folder: Path, number: int, partitions: int, there: Set[int]) -> pa.Array:
    """The links among a partition's whose pages earlier tables hold, and others that lay beside them."""
    found = [pa.array([], pa.string())]
    for path in _places(folder, number, partitions, there):
        table = read(path, ["id", "state"])
        found += table.filter(pc.equal(table["state"], FETCHED))["id"].chunks
    return pa.concat_arrays(found)


def write_rows(folder: Path, file: str, rows: pa.Table, key: str) -> parquet.Written:
    """Puts a partition's table in place of the one before, whose rows that are wanted no more are kept."""
    _retire(folder, file, rows["id"])
    schema = schemas.PAGES.with_metadata(schemas.PAGES.metadata | {KEY: key.encode()})
    return parquet.write(folder / file, schema, [rows], row_group_rows=ROW_GROUP_ROWS)


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Rows of pages; of several of one link the last. They may be many: each is held for a moment alone."""
    batches, left = [schemas.PAGES.empty_table()], iter(rows)
    while batch := list(islice(left, ROW_GROUP_ROWS)):
        batches.append(pa.Table.from_pylist(batch, schema=schemas.PAGES))
    table = pa.concat_tables(batches)
    last = {id: number for number, id in enumerate(table["id"].to_pylist())}
    return table if len(last) == table.num_rows else table.take(list(last.values()))


def made_for(path: Path) -> str | None:
    """The key under which a partition's table was written, if there is one. Raises UserError for a damaged
    one."""
    if not files.exists(path):
        return None
    with readable(path):
        schema = pq.read_schema(files.here(path))
        layouts.require(schema, schemas.PAGES)
        metadata: dict[bytes, bytes] = schema.metadata or {}
        return metadata.get(KEY, b"").decode()


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Some columns of a table of pages, or all. Raises UserError for a damaged one."""
    with readable(path):
        return parquet.read_table(path, columns)


def readable(path: Path) -> AbstractContextManager[None]:
    """Names a table that turns out to be damaged: to ask the web for its pages again is for the user to
    decide."""
    return damage.told(path, "delete it to fetch its pages again")


def tables(folder: Path) -> list[Path]:
    """All tables of pages, the attic's after the others."""
    return [place / name for place in (folder, folder / ATTIC) for name in _there(place)]


def rewrite(path: Path, rows: pa.Table) -> None:
    """Puts other rows into a table, which stays one for the key that it was made for; an empty attic goes."""
    if path.parent.name == ATTIC and not rows.num_rows:
        files.remove(path)
        return
    metadata = schemas.PAGES.metadata | {KEY: key.encode()} if (key := made_for(path)) else None
    schema = schemas.PAGES.with_metadata(metadata) if metadata else schemas.PAGES
    parquet.write(path, schema, [rows], row_group_rows=ROW_GROUP_ROWS)


def _places(folder: Path, number: int, partitions: int, there: Set[int]) -> Iterator[Path]:
    """Where a partition's links may lie, whatever the number of partitions was; its own file first."""
    most, found = max(partitions - 1, *there, 0) + 1, dict[str, None]()
    for count in [partitions, *(1 << bits for bits in range(most.bit_length() + 1))]:
        first, last = number * count // partitions, ((number + 1) * count - 1) // partitions
        candidates = range(first, min(last, most - 1) + 1)
        found |= dict.fromkeys(partition_name(candidate) for candidate in candidates if candidate in there)
    # Tables before the attic: a row that another process just moves is first put there, then taken here.
    yield from (
        path for place in (folder, folder / ATTIC) for name in found if files.exists(path := place / name)
    )


def _there(folder: Path) -> list[str]:
    return sorted(name for name in files.sizes(folder) if _TABLE.fullmatch(name))


def _fetched(path: Path, ids: pa.Array) -> pa.Table:
    table = read(path, ["id", "state"])
    hits = pc.and_(pc.equal(table["state"], FETCHED), pc.is_in(table["id"], ids))
    if not pc.any(hits).as_py():
        return schemas.PAGES.empty_table()
    return read(path).filter(hits).cast(schemas.PAGES)


def _retire(folder: Path, file: str, staying: pa.ChunkedArray) -> None:
    """Puts the rows that a table is about to lose into the attic."""
    if files.exists(folder / file):
        rows = read(folder / file)
        _keep(folder, file, rows.filter(pc.invert(pc.is_in(rows["id"], staying))))


def _keep(folder: Path, file: str, rows: pa.Table) -> None:
    """Adds rows of fetched pages to those that wait in the attic."""
    attic, new = folder / ATTIC / file, rows.filter(pc.equal(rows["state"], FETCHED)).cast(schemas.PAGES)
    if not new.num_rows:
        return
    there = read(attic).cast(schemas.PAGES) if files.exists(attic) else schemas.PAGES.empty_table()
    others = there.filter(pc.invert(pc.is_in(there["id"], new["id"])))
    table = pa.concat_tables([others, new]).sort_by("id")
    parquet.write(attic, schemas.PAGES, [table], row_group_rows=ROW_GROUP_ROWS)
