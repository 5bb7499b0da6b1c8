"""Where the user's WARC and ARC files lie: on this machine, or in an S3 bucket, read by byte range."""

import glob
from pathlib import Path

from pyarrow import fs

from webtext import buckets
from webtext.buckets import S3, StoredFile
from webtext.errors import UserError
from webtext.files import expanded, require_utf8

PREFIX = "warc:"
SUFFIXES = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz")
PACKED = ".wacz"


def files_of(source: str) -> list[StoredFile]:
    """The files that `warc:PATH` names: a file, a folder's archives, a glob. Raises UserError for none."""
    pattern = source.removeprefix(PREFIX)
    if not pattern:  # as of a shell's variable that is not set
        raise UserError(f"crawl.sources: {PREFIX} names no file; give a WARC file, a folder or a glob")
    try:
        stored = pattern.startswith(S3)
        files = buckets.find(pattern, lambda path: path.endswith(SUFFIXES)) if stored else _on_disk(pattern)
    except UserError as error:
        raise UserError(f"crawl.sources: {error}") from None
    if not files:
        raise UserError(f"crawl.sources: no file matches {pattern!r}; give a WARC file, a folder or a glob")
    if packed := [file.name for file in files if file.name.endswith(PACKED)]:
        raise UserError(
            f"crawl.sources: {packed[0]} is a WACZ package: unzip it and name the WARC files in its archive/"
        )
    return files


def absolute(source: str) -> str:
    """A source as it is written in any working directory; one that is no path of this machine as it is."""
    pattern = source.removeprefix(PREFIX)
    if not source.startswith(PREFIX) or not pattern or pattern.startswith(S3):
        return source
    path = expanded(pattern)
    if path.is_absolute() or path.exists():
        return f"{PREFIX}{path.absolute()}"
    return f"{PREFIX}{Path(glob.escape(str(Path.cwd()))) / path}"


def _on_disk(pattern: str) -> list[StoredFile]:
    path = expanded(pattern)
    if path.is_dir():
        found = [file for file in path.iterdir() if file.name.endswith(SUFFIXES)]
    elif path.is_file():  # though its name may look like a glob
        found = [path]
    else:
        found = _matches(path)
    for file in found:
        require_utf8(str(file))  # as a record's header and a row's detail have to be
    local = fs.LocalFileSystem()
    return [StoredFile(str(file), file.stat().st_size, local) for file in sorted(found) if file.is_file()]


def _matches(pattern: Path) -> list[Path]:
    try:
        return list(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    except ValueError:  # "a**b", which is no pattern before Python 3.13
        return []
