"""What the files of a SOURCE are, by their content.

Names decide nothing, with one exception: text in a file that is named as compressed may be a server's error
page, and must look like a source from its first line on.
"""

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files
from webtext.errors import UserError
from webtext.links import column_types
from webtext.links.compressed import Broken, described, kind_of, open_reader
from webtext.links.posts import json_object
from webtext.links.sources import COLUMNS, Named, Source

MAX_SOURCES = 1 << 15

_HEAD_BYTES = 1 << 16
_ROWS = 100  # the first ones, by which a text is recognised
_DELIMITERS = ",\t;|"
_COMPRESSED_NAMES = {".zst", ".gz", ".bz2", ".xz", ".parquet"}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_SURE = re.compile(rb'\{.*"url"|[A-Za-z][A-Za-z0-9+.\-]*://')  # the first line of a dump or a URL list
_NUMBERED = re.compile(rb"[^,;|]+://.*[,;|]-?\d+(?:\.\d+)?")  # as sqlite3 and psql write tables
# Of Reddit's API, or of an archive's: all submissions in one object.
_ANSWER = re.compile(rb'\{\s*(?:"kind"\s*:\s*"\w+"\s*,\s*)?"data"\s*:\s*[\[{]')
_BY_COLUMN = re.compile(rb'\{\s*"[^"]+"\s*:\s*\{\s*"0"\s*:')  # a table in one object, as pandas writes it
_SUPPORTED = "dumps (NDJSON), CSV, Parquet and URL lists, plain or as zst, gz, bz2 or xz"


def resolve(found: Sequence[Named], told: Callable[[int], None] = lambda _bytes: None) -> list[Source]:
    """The files as sources with their hashes; one that is named twice is there once, as the last of them.
    `told` hears how many more bytes were hashed."""
    last = {named.path.resolve(): named for named in found}
    if len(last) > MAX_SOURCES:
        raise UserError(f"{len(last):,} files: at most {MAX_SOURCES:,} at once; join small ones")
    sources = [recognise(named) for named in found if last[named.path.resolve()] is named]
    return [replace(source, hash=files.hash_file(source.path, told)) for source in sources]


def recognise(named: Named) -> Source:
    """What a file is, by its content. Raises UserError, naming what was found, for what cannot be read, and
    for a column that is not there."""
    source = _recognise(*named)
    for field, column in named.mapping.items():
        if field not in dict(source.columns):
            raise UserError(
                f"{source.name}: no column {column!r} for {field}: name one that is there, or none for it"
            )
    return source


def _recognise(name: str, path: Path, mapping: dict[str, str]) -> Source:
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD_BYTES)
        kind = kind_of(start)
        if not start:
            raise UserError(f"{name}: the file is empty")
        if kind is None and path.suffix.lower() in _COMPRESSED_NAMES:
            return _uncompressed(name, path, mapping, start)
        if kind == "parquet":
            return _parquet(name, path, mapping)
        if kind not in (None, "zstd", "gzip", "bzip2", "xz"):
            raise UserError(f"{name}: a {kind} file; what can be read are {_SUPPORTED}")
        return _text(name, path, mapping, _head(name, path))
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror or error}") from None


def _head(name: str, path: Path) -> bytes:
    """The first bytes after decompression."""
    reader = open_reader(path)
    head = bytearray()
    try:
        buffer = bytearray(_HEAD_BYTES)
        while len(head) < _HEAD_BYTES and (count := reader.readinto(memoryview(buffer))):
            head += buffer[:count]
    except Broken as broken:
        if not head:
            raise UserError(f"{name}: nothing in it can be decompressed: {broken}") from None
    finally:
        reader.close()
    return bytes(head)


def _text(name: str, path: Path, mapping: dict[str, str], head: bytes) -> Source:
    text = head.removeprefix(BOM_UTF8)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or kind_of(head) or b"\0" in lines[0]:  # in another line it costs that one
        raise UserError(f"{name}: holds {described(head)}; what can be read are {_SUPPORTED}")
    first = lines[0].strip()
    if _ANSWER.match(text.lstrip()):
        raise UserError(
            f"{name}: an API's answer, all submissions inside `data`; a submission a line (NDJSON) is needed"
        )
    if first.startswith(b"{"):
        return _json(name, path, mapping, lines[:_ROWS])
    if first.startswith(b"["):
        raise UserError(f"{name}: one JSON array; a submission a line (NDJSON) is needed")
    header = first.decode("utf-8", "replace")
    if _URL.match(header):
        return _list(name, path, lines[:_ROWS])
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))
        columns = _columns(cells, mapping)
        if "url" in dict(columns):
            if len(lines) == 1 and len(head) >= _HEAD_BYTES:
                raise UserError(
                    f"{name}: a table whose first line has more than {_HEAD_BYTES:,} bytes: cut it"
                )
            return Source(name, path, "csv", columns=columns, delimiter=delimiter)
    has_urls = any(_URL.match(line.decode("utf-8", "replace").strip()) for line in lines[:_ROWS])
    if has_urls and (_is_comment(header) or not any(delimiter in header for delimiter in _DELIMITERS)):
        return _list(name, path, lines[:_ROWS])  # whose first line is broken, or says what it holds
    raise UserError(
        f"{name}: holds {described(head)}: neither NDJSON, nor URLs, nor a table with a column `url` "
        "(another column: FILE?url=COLUMN)"
    )


def _is_comment(line: str) -> bool:
    """Whether it says something in words; `#url,score`, as some programs write, names columns."""
    cells = re.split(f"[{_DELIMITERS}]", line.lstrip("# "))
    return line.startswith("#") and "url" not in dict(_columns(cells, {}))


def _list(name: str, path: Path, lines: Sequence[bytes]) -> Source:
    """URLs, a line each, unless a number follows each of them."""
    addresses = [line.strip() for line in lines if b"://" in line]
    if len(addresses) > 1 and all(map(_NUMBERED.fullmatch, addresses)):
        raise UserError(
            f"{name}: an address and a number a line, and no names of columns: put `url,score` or such "
            "before them, or `url` if all of it is the address"
        )
    return Source(name, path, "urls")


def _json(name: str, path: Path, mapping: dict[str, str], lines: Sequence[bytes]) -> Source:
    """Submissions as Reddit has them, or another table's rows."""
    first = lines[0].strip()
    if b'"parent_id"' in first and b'"url"' not in first:
        raise UserError(f"{name}: comments, which are no links; a dump of submissions (RS_…) is needed")
    if first == b"{":
        raise UserError(
            f"{name}: JSON over several lines; a submission a line is needed, as `jq -c .` makes them"
        )
    if _BY_COLUMN.match(first):
        raise UserError(
            f"{name}: one JSON object of columns; a row a line (NDJSON) is needed, in pandas "
            '`to_json(FILE, orient="records", lines=True)`'
        )
    keys = {key: None for line in lines for key in json_object(line) or ()}
    if not mapping and (not keys or keys.keys() >= {"url", "score"}):
        return Source(name, path, "submissions")
    columns = _columns([*keys], mapping)
    if "url" not in dict(columns):
        raise UserError(f"{name}: no `url` among the keys {', '.join(keys)}: say FILE?url=KEY")
    return Source(name, path, "json", columns=columns)


def _uncompressed(name: str, path: Path, mapping: dict[str, str], head: bytes) -> Source:
    """The text in a file that is named as if it were compressed."""
    with suppress(UserError):
        source = _text(name, path, mapping, head)
        if source.form == "csv" or _SURE.match(head.removeprefix(BOM_UTF8).lstrip()):
            return source
    raise UserError(f"{name}: named {path.suffix}, but holds {described(head)}: fetch it again")


def _parquet(name: str, path: Path, mapping: dict[str, str]) -> Source:
    try:
        schema = pq.ParquetFile(path).schema_arrow
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name}: not a readable Parquet file: {error}") from None
    columns = _columns(schema.names, mapping)
    if "url" not in dict(columns):
        raise UserError(f"{name}: no column `url` among {', '.join(schema.names)}: say FILE?url=COLUMN")
    if (problem := column_types.problem(schema, columns)) is not None:
        raise UserError(f"{name}: {problem}")
    return Source(name, path, "parquet", columns=columns)


def _columns(names: Sequence[str], mapping: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """(field, column) of those that are there, mapped by the user or called by a usual name."""
    by_name = {each.strip().lower(): each for each in reversed(names)}
    found: dict[str, str] = {}
    for field, usual in COLUMNS.items():
        wanted = [mapping[field]] if field in mapping else usual
        column = next((by_name[each.lower()] for each in wanted if each.lower() in by_name), None)
        if column is not None:
            found[field] = column
    if "id" not in mapping and not found.keys() & {"subreddit", "created_utc"}:
        found.pop("id", None)  # a table's own numbering, more likely than Reddit's ids
    return tuple(found.items())
