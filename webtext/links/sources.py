"""SOURCE on the command line: which files it names, and which of their columns are what."""

import glob
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from webtext import files
from webtext.errors import UserError
from webtext.links.compressed import kind_of

Form = Literal["submissions", "json", "csv", "parquet", "urls"]

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

MIN_SHARED_BYTES = 32 << 20

_MAPPING = re.compile(r"(.+)\?(\w+=[^&=?/]+(?:&\w+=[^&=?/]+)*)", re.DOTALL)


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

    Raises UserError where there is none, for one that is no regular file, and for a name that is not UTF-8.
    """
    if re.match(r"(?:gs|az|https?|ftp)://", specification):
        raise UserError(f"{specification}: not a local file: download it, then name the file")
    pattern, mapping = split(specification)
    if not pattern:  # as of a shell's variable that is not set
        raise UserError(f"--links {specification!r}: without a name: name a file")
    if Path(pattern).is_dir():
        suffixes = Counter(each.suffix for each in Path(pattern).iterdir() if each.name[0] not in "._")
        suffix = max(sorted(suffixes), key=suffixes.__getitem__, default="")
        raise UserError(f"{pattern}: a directory: name its files, such as '{pattern.rstrip('/')}/*{suffix}'")
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
        if not Path(name).is_file():  # a source is looked at, hashed and then read, by several processes
            raise UserError(
                f"{name}: a pipe or a device, which cannot be read twice: save what it gives, then name it"
            )
    suffix = specification.removeprefix(pattern)
    return [Named(name + suffix, Path(name).absolute(), mapping) for name in names]


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
