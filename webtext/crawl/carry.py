"""Pages that the web gave once, kept through changes of the links and of the recipe.

A partition's table is replaced when its links or the recipe change. Rows of fetched pages go over into the
new table; those whose link is not selected any more wait in the attic, should it come back. Whatever a kill
leaves undone, a row is in a table, in a journal or in the attic: it may be in two, and is the same there.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext import files, schemas
from webtext.crawl.believed import Row, key_of
from webtext.crawl.journal import SUFFIX, Journal
from webtext.errors import UserError
from webtext.reasons import FETCHED
from webtext.table import partition_name

ATTIC = "attic"  # under pages/
KEY = b"webtext.key"  # in a partition's metadata: what it was made for
ROW_GROUP_ROWS = 20_000


def gather(folder: Path, keys: Mapping[str, str]) -> None:
    """Puts into the attic the fetched pages of tables and journals that no partition goes on with. `keys` has
    the partitions that are to be, by file: with another number of them, or other links, those differ."""
    for file in _there(folder):
        if file not in keys and made_for(folder / file) is not None:  # which says so where it is damaged
            _retire(folder, file, ())
    for name in sorted(files.sizes(folder)):
        if not name.endswith(SUFFIX):
            continue
        stem, file = name.removesuffix(SUFFIX), f"{name.removesuffix(SUFFIX)}.parquet"
        if key_of(folder / name) == keys.get(file):
            continue
        with Journal(folder, stem, "") as journal:
            journal.finish()  # a row's record is kept before the row is
            _keep(folder, file, journal.rows())
            journal.remove()


def known_rows(folder: Path, number: int, partitions: int, ids: Collection[str]) -> list[Row]:
    """The rows of fetched pages, of those links, that earlier tables hold.

    Links are divided among partitions by the top bits of a hash, so that with another number of partitions
    a link's row lies where its range then lay.
    """
    rows: dict[str, Row] = {}
    wanted = set(ids)
    # Tables before the attic: a row that another process just moves is first put there, then taken here.
    for path in [*_places(folder, number, partitions), *_places(folder / ATTIC, number, partitions)]:
        if not wanted:
            break
        for row in _fetched(path, wanted):
            rows.setdefault(row["id"], row)
        wanted -= rows.keys()
    return list(rows.values())


def known_ids(folder: Path, number: int, partitions: int) -> pa.Array:
    """The links among a partition's whose pages earlier tables hold, and others that lay beside them."""
    found = [pa.array([], pa.string())]
    for path in [*_places(folder, number, partitions), *_places(folder / ATTIC, number, partitions)]:
        table = files.read_table(path, ["id", "state"])
        found += table.filter(pc.equal(table["state"], FETCHED))["id"].chunks
    return pa.concat_arrays(found)


def write_rows(folder: Path, file: str, rows: pa.Table, key: str) -> files.Written:
    """Puts a partition's table in place of the one before, whose rows that are wanted no more are kept."""
    _retire(folder, file, set(rows["id"].to_pylist()))
    schema = schemas.PAGES.with_metadata(schemas.PAGES.metadata | {KEY: key.encode()})
    return files.write_parquet(folder / file, schema, [rows], row_group_rows=ROW_GROUP_ROWS)


def made_for(path: Path) -> str | None:
    """The key under which a partition's table was written, if there is one. Raises UserError for a damaged
    one: to ask the web for its pages again is for the user to decide."""
    if not files.exists(path):
        return None
    try:
        metadata: dict[bytes, bytes] = pq.read_schema(files.here(path)).metadata or {}
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: damaged ({error}); delete it to fetch its pages again") from None
    return metadata.get(KEY, b"").decode()


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
    files.write_parquet(path, schema, [rows], row_group_rows=ROW_GROUP_ROWS)


def _places(folder: Path, number: int, partitions: int) -> Iterator[Path]:
    """Where a partition's links may lie, whatever the number of partitions was; its own file first."""
    there = {int(path.stem.removeprefix("part-")) for path in map(Path, _there(folder))}
    most = max([partitions - 1, *there]) + 1
    for count in [partitions, *(1 << bits for bits in range(most.bit_length() + 1))]:
        first, last = number * count // partitions, ((number + 1) * count - 1) // partitions
        for candidate in range(first, min(last, most - 1) + 1):
            if candidate in there:
                there.discard(candidate)
                yield folder / partition_name(candidate)


def _there(folder: Path) -> list[str]:
    return sorted(name for name in files.sizes(folder) if fnmatch(name, "part-*.parquet"))


def _fetched(path: Path, ids: Collection[str]) -> list[Row]:
    table = files.read_table(path, ["id", "state"])
    hits = pc.and_(
        pc.equal(table["state"], FETCHED), pc.is_in(table["id"], pa.array(sorted(ids), pa.string()))
    )
    if not pc.any(hits).as_py():
        return []
    rows: list[Row] = files.read_table(path).filter(hits).to_pylist()
    return rows


def _retire(folder: Path, file: str, staying: Collection[str]) -> None:
    """Puts the rows that a table is about to lose into the attic."""
    if files.exists(folder / file):
        rows = files.read_table(folder / file).to_pylist()
        _keep(folder, file, (row for row in rows if row["id"] not in staying))


def _keep(folder: Path, file: str, rows: Iterable[Row]) -> None:
    """Adds rows of fetched pages to those that wait in the attic."""
    attic, new = folder / ATTIC / file, {row["id"]: row for row in rows if row["state"] == FETCHED}
    if not new:
        return
    there = files.read_table(attic).to_pylist() if files.exists(attic) else []
    all_rows = {row["id"]: row for row in there} | new
    table = pa.Table.from_pylist([row for _, row in sorted(all_rows.items())], schema=schemas.PAGES)
    files.write_parquet(attic, schemas.PAGES, [table], row_group_rows=ROW_GROUP_ROWS)
