"""SOURCE on the command line: which files it names, and what their content says they are.

Names decide nothing, with one exception: text in a file that is named as compressed may be a server's error
page, and must look like a source from its first line on.
"""

import csv
import glob
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files
from webtext.errors import UserError
from webtext.links import column_types
from webtext.links.compressed import Broken, described, kind_of, open_reader

Form = Literal["submissions", "csv", "parquet", "urls"]

# What the columns of a table may be called, in any case; the first that is there counts.
COLUMNS = {
    "url": ("url", "link", "href", "uri"),
    "id": ("id", "submission_id", "post_id"),
    "score": ("score", "karma", "ups", "points"),
    "created_utc": ("created_utc", "created", "timestamp", "date"),
    "subreddit": ("subreddit",),
    "title": ("title",),
    "num_comments": ("num_comments", "comments"),
    "over_18": ("over_18", "nsfw"),
    "is_self": ("is_self",),
    "retrieved_utc": ("retrieved_utc", "retrieved_on"),
}

MAX_SOURCES = 1 << 15
MIN_SHARED_BYTES = 32 << 20

_HEAD_BYTES = 1 << 16
_DELIMITERS = ",\t;|"
_COMPRESSED_NAMES = {".zst", ".gz", ".bz2", ".xz", ".parquet"}
_MAPPING = re.compile(r"(.+)\?(\w+=[^&=?/]+(?:&\w+=[^&=?/]+)*)", re.DOTALL)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_SURE = re.compile(rb'\{.*"url"|[A-Za-z][A-Za-z0-9+.\-]*://')  # the first line of a dump or a URL list
# Of Reddit's API, or of an archive's: all submissions in one object.
_ANSWER = re.compile(rb'\{\s*(?:"kind"\s*:\s*"\w+"\s*,\s*)?"data"\s*:\s*[\[{]')
_SUPPORTED = "dumps (NDJSON), CSV, Parquet and URL lists, plain or as zst, gz, bz2 or xz"


@dataclass(frozen=True)
class Source:
    """One file to read; `columns` says which column of a table is which field of a post."""

    name: str  # as the user wrote it
    path: Path
    form: Form
    hash: str = ""  # xxh3-128 of the file's bytes
    columns: tuple[tuple[str, str], ...] = ()
    delimiter: str = ","

    @property
    def scored(self) -> bool:
        """Whether its rows have a score, and so a karma rule."""
        return self.form == "submissions" or "score" in dict(self.columns)

    @property
    def has_submissions(self) -> bool:
        """Whether its rows say more than a URL."""
        return self.form == "submissions" or len(self.columns) > 1

    @property
    def can_be_shared(self) -> bool:
        """Whether several processes read it sooner than one: a large dump that is quick to decompress."""
        if self.form != "submissions" or self.path.stat().st_size < MIN_SHARED_BYTES:
            return False
        with self.path.open("rb") as file:
            return kind_of(file.read(8)) in ("zstd", None)

    @property
    def identity(self) -> list[object]:
        """All that what is read from it depends on."""
        return [self.hash, self.form, self.columns, self.delimiter]


class Named(NamedTuple):
    """A file that the user named, and which column is to be which field."""

    name: str
    path: Path
    mapping: dict[str, str]


def find(specification: str) -> list[Named]:
    """Each file that a SOURCE names: FILE, a glob, or FILE?url=COLUMN&score=COLUMN….

    Raises UserError where there is none, and for a name that is not UTF-8.
    """
    if re.match(r"(?:gs|az|https?|ftp)://", specification):
        raise UserError(f"{specification}: not a local file: download it, then name the file")
    pattern, mapping = split(specification)
    if Path(pattern).is_dir():
        raise UserError(f"{pattern}: a directory: name its files, such as '{pattern.rstrip('/')}/*.zst'")
    names = [pattern]
    if not Path(pattern).exists() and glob.has_magic(pattern):
        matches = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        names = sorted(name for name in matches if Path(name).is_file())
        if not names:
            raise UserError(f"{pattern}: no file matches")
    for name in names:
        files.require_utf8(name)
        if not Path(name).exists():
            raise UserError(f"{name}: no such file")
    suffix = specification.removeprefix(pattern)
    return [Named(name + suffix, Path(name).absolute(), mapping) for name in names]


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


def resolve(found: Sequence[Named]) -> list[Source]:
    """The files as sources with their hashes; one that is named twice is there once, as the last of them."""
    last = {named.path.resolve(): named for named in found}
    if len(last) > MAX_SOURCES:
        raise UserError(f"{len(last):,} files: at most {MAX_SOURCES:,} at once; join small ones")
    sources = [recognise(named) for named in found if last[named.path.resolve()] is named]
    return [replace(source, hash=files.hash_file(source.path)) for source in sources]


def split(specification: str) -> tuple[str, dict[str, str]]:
    """`FILE?url=COLUMN&…` as the file and the columns of its fields."""
    match = None if Path(specification).exists() else _MAPPING.fullmatch(specification)
    if not match:
        return specification, {}
    mapping = dict(part.split("=", 1) for part in match[2].split("&"))
    for field in mapping:
        if field not in COLUMNS:
            raise UserError(f"{specification}: no field {field!r} to map; there are {', '.join(COLUMNS)}")
    return match[1], mapping


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
    lines = [line for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    if not lines or kind_of(head) or b"\0" in lines[0]:  # in another line it costs that one
        raise UserError(f"{name}: holds {described(head)}; what can be read are {_SUPPORTED}")
    first = lines[0].strip()
    if _ANSWER.match(head.removeprefix(b"\xef\xbb\xbf").lstrip()):
        raise UserError(
            f"{name}: an API's answer, all submissions inside `data`; a submission a line (NDJSON) is needed"
        )
    if first.startswith(b"{"):
        if b'"parent_id"' in first and b'"url"' not in first:
            raise UserError(f"{name}: comments, which are no links; a dump of submissions (RS_…) is needed")
        return Source(name, path, "submissions")
    if first.startswith(b"["):
        raise UserError(f"{name}: one JSON array; a submission a line (NDJSON) is needed")
    header = first.decode("utf-8", "replace")
    if _URL.match(header):
        return Source(name, path, "urls")
    for delimiter in _DELIMITERS:
        columns = _columns(next(csv.reader([header], delimiter=delimiter)), mapping)
        if "url" in dict(columns):
            if len(lines) == 1 and len(head) >= _HEAD_BYTES:
                raise UserError(
                    f"{name}: a table whose first line has more than {_HEAD_BYTES:,} bytes: cut it"
                )
            return Source(name, path, "csv", columns=columns, delimiter=delimiter)
    has_urls = any(_URL.match(line.decode("utf-8", "replace").strip()) for line in lines[:100])
    if has_urls and not any(delimiter in header for delimiter in _DELIMITERS):
        return Source(name, path, "urls")  # whose first line is broken
    raise UserError(
        f"{name}: holds {described(head)}: neither NDJSON, nor URLs, nor a table with a column `url` "
        "(another column: FILE?url=COLUMN)"
    )


def _uncompressed(name: str, path: Path, mapping: dict[str, str], head: bytes) -> Source:
    """The text in a file that is named as if it were compressed."""
    with suppress(UserError):
        source = _text(name, path, mapping, head)
        if source.form == "csv" or _SURE.match(head.removeprefix(b"\xef\xbb\xbf").lstrip()):
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
