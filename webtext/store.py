"""A corpus in an object store, worked on in a folder of this machine.

`s3://BUCKET/PREFIX` is worked on in `~/.cache/webtext-stores/s3/BUCKET/PREFIX`, so that a path says by itself
which object it stands for: in every process, on every machine where that path can be made. What the store
holds is the truth; the files here are copies of it, or on their way there. An object is written whole under
its own name, and nothing is renamed; a listing says what may be read or can go, never what is done.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
from pyarrow import fs

from webtext import buckets, store_failures
from webtext.errors import UserError

FOLDER = "webtext-stores"  # in the user's cache folder
PIECE_BYTES = 4 << 20  # of a file are put at once
TEMPORARY = ".tmp"
LACKS_A_LIBRARY = "to load lib"  # hdfs, or jvm for it
_WORKED_ON = re.compile(rf"[^\s'\"]*/{FOLDER}/(\w+)/")

Result = TypeVar("Result")


class Stamp(NamedTuple):
    """What tells one state of an object from another."""

    size: int
    mtime_ns: int


def is_address(text: str) -> bool:
    """Whether it names an object store, as `s3://…` does."""
    return "://" in text


def folder_of(address: str) -> Path:
    """The folder of this machine in which a corpus at `s3://…`, `gs://…` is worked on."""
    scheme, _, place = address.partition("://")
    parts = place.split("/")
    if not parts[0] or not place.strip("/") or {".", ".."} & set(parts):
        raise UserError(f"{address!r} names no place in a store; write {scheme or 's3'}://BUCKET/PREFIX")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache.absolute().joinpath(FOLDER, scheme, *filter(None, parts))


def of(path: Path) -> "Object | None":
    """The object that a path stands for; None for what lies on this machine alone."""
    parts = path.parts
    if FOLDER not in parts:
        return None
    scheme, *place = parts[parts.index(FOLDER) + 1 :]
    return Object(scheme, "/".join(place))


def named(text: str) -> str:
    """A message in which paths that stand for objects are told as the user knows them, by their addresses."""
    return _WORKED_ON.sub(r"\1://", text)


@dataclass(frozen=True, slots=True)
class Object:
    """An object, or all those below a prefix.

    A question that fails is asked again for a minute, with growing pauses; then RunFailed names the object.
    A store that refuses raises UserError at once, one that is full RunFailed.
    """

    scheme: str
    place: str  # BUCKET/KEY

    @property
    def address(self) -> str:
        return f"{self.scheme}://{self.place}"

    def __truediv__(self, name: str) -> "Object":
        return Object(self.scheme, f"{self.place}/{name}")

    def require_bucket(self) -> None:
        """Raises UserError where the store has no such bucket."""
        bucket = Object(self.scheme, self.place.partition("/")[0])
        if bucket.ask(lambda system, key: system.get_file_info(key)).type == fs.FileType.NotFound:
            told = store_failures.NO_S3_BUCKET if self.scheme == "s3" else store_failures.NO_BUCKET
            raise UserError(f"{self.address}: {told}")

    def stamp(self) -> Stamp | None:
        """None where there is no such object."""
        info = self.ask(lambda system, key: system.get_file_info(key))
        return _stamp_of(info) if info.type == fs.FileType.File else None

    def read(self) -> bytes:
        """All of it. Raises FileNotFoundError."""
        return self.ask(_read)

    def read_range(self, offset: int, length: int) -> bytes:
        return self.ask(lambda system, key: buckets.StoredFile(key, 0, system).read(offset, length))

    def write(self, data: bytes) -> None:
        self.ask(lambda system, key: buckets.write(system, key, [data]))

    def fetch(self, path: Path) -> None:
        """Makes `path` a copy of it, unless that is one. Raises FileNotFoundError."""
        stamp = self.stamp()
        if stamp is None:
            raise FileNotFoundError(f"{self.address}: no such object")
        if stamp.mtime_ns and _stamp(path) == stamp:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
        try:
            self.ask(lambda system, key: fs.copy_files(key, str(temporary), source_filesystem=system))
            os.utime(temporary, ns=(stamp.mtime_ns, stamp.mtime_ns))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def put(self, path: Path) -> None:
        """Makes it a copy of `path`."""
        stamp = self.ask(lambda system, key: _put(system, key, path))
        os.utime(path, ns=(stamp.mtime_ns, stamp.mtime_ns))

    def remove(self) -> None:
        self.ask(_remove)

    def remove_all(self) -> None:
        """It and what is below it."""
        self.ask(_remove_all)

    def listed(self) -> dict[str, Stamp]:
        """The objects right below the prefix, by name."""
        found = self.ask(lambda system, key: system.get_file_info(_below(key)))
        return {info.base_name: _stamp_of(info) for info in found if info.type == fs.FileType.File}

    def names(self) -> list[str]:
        """What is right below the prefix, objects and prefixes, found by all that is below: where there is no
        prefix of its own, pyarrow lists none of Google's."""

        def first_parts(system: Any, key: str) -> list[str]:
            found = system.get_file_info(_below(key, recursive=True))
            depth = len(_parts(key))
            return sorted({name for info in found for name in _parts(info.path)[depth : depth + 1]})

        return self.ask(first_parts)

    def ask(self, question: Callable[[Any, str], Result], *, parsing: bool = False) -> Result:
        """What the store says to `question(file system, key)`, which may be parsing it."""
        bucket, _, below = self.place.partition("/")

        def asked() -> Result:
            system, top = system_of(self.scheme, bucket)
            return question(system, "/".join(filter(None, [top, below])))

        parsing &= self.scheme in store_failures.KNOWN
        return store_failures.ask(self.address, asked, parsing=parsing)


@lru_cache
def system_of(scheme: str, bucket: str) -> tuple[Any, str]:
    """The file system for a bucket, and how paths in it begin."""
    if scheme == "s3":
        return buckets.system(bucket), bucket
    if scheme == "gs":
        return buckets.google_system(), bucket
    try:
        system, top = fs.FileSystem.from_uri(f"{scheme}://{bucket}/")
        return system, top.rstrip("/")
    except pa.ArrowInvalid:  # a scheme that pyarrow does not know
        pass
    except OSError as error:
        if LACKS_A_LIBRARY not in str(error):
            raise
        raise _out_of_reach(scheme, bucket, error) from None
    try:
        import fsspec

        return fs.PyFileSystem(fs.FSSpecHandler(fsspec.filesystem(scheme))), bucket
    except (ImportError, ValueError) as error:
        raise _out_of_reach(scheme, bucket, error) from None


def _out_of_reach(scheme: str, bucket: str, error: Exception) -> UserError:
    said = str(error).partition("\n")[0]
    what = f"{scheme}://{bucket}: a store that cannot be reached ({said})"
    return UserError(f"{what}; write s3://BUCKET/PREFIX or gs://…, or install what it needs")


def _below(key: str, *, recursive: bool = False) -> fs.FileSelector:
    return fs.FileSelector(key, allow_not_found=True, recursive=recursive)


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path.strip("/")).parts


def _stamp_of(info: fs.FileInfo) -> Stamp:
    return Stamp(info.size, info.mtime_ns or 0)  # 0 where the store does not tell: that is fetched anew


def _stamp(path: Path) -> Stamp | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return Stamp(facts.st_size, facts.st_mtime_ns)


def _read(system: Any, key: str) -> bytes:
    with system.open_input_stream(key, compression=None) as stream:
        return bytes(stream.read())


def _put(system: Any, key: str, path: Path) -> Stamp:
    with path.open("rb") as file:
        buckets.write(system, key, iter(lambda: file.read(PIECE_BYTES), b""))
    info = system.get_file_info(key)
    if info.size != path.stat().st_size:
        raise OSError(f"{info.size} of {path.stat().st_size} bytes arrived")
    return _stamp_of(info)


def _remove(system: Any, key: str) -> None:
    if system.get_file_info(key).type == fs.FileType.File:
        system.delete_file(key)


def _remove_all(system: Any, key: str) -> None:
    _remove(system, key)
    if system.get_file_info(_below(key, recursive=True)):
        with suppress(FileNotFoundError):  # Google's, once all is gone: the folder itself is no object there
            system.delete_dir(key)
