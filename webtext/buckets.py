"""Objects in buckets: which ones of S3 a place names, how they are read, and put.

Credentials are those of the usual places (environment, ~/.aws or gcloud's, the machine's role);
AWS_ENDPOINT_URL names a server other than Amazon's, STORAGE_EMULATOR_HOST one other than Google's.
"""

import fnmatch
import io
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from pyarrow import fs

from webtext import store_failures
from webtext.errors import RunFailed, UserError

S3 = "s3://"
RETRIES = 3  # by Arrow's client of S3, after pauses below a second
CONNECT_TIMEOUT_S, REQUEST_TIMEOUT_S = 10, 15  # of one attempt; the second without any byte
GOOGLE_TIMEOUT_S = 20  # with the repetitions of its client
BUFFER_BYTES = 4 << 20  # of an object are asked for at once when it is read through

_FAILED: list[Any] = []  # streams of objects that were not put
_GLOB = re.compile(r"(\*\*/|\*|\?|\[[^]]+\])")
_ENDPOINT = re.compile(r"(https?://)?[^/\s]*[^/:\s](/\S*)?")
_GLOBS = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
_NO_NAMES = {"", ".", ".."}  # of a file or folder; between the slashes of a key they may stand


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a bucket, or of this machine."""

    path: str
    size: int
    system: Any  # a pyarrow FileSystem

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    def stream(self) -> io.BufferedReader:
        """The file from its beginning, by `piece`."""
        return io.BufferedReader(_Pieces(self), BUFFER_BYTES)

    def read(self, offset: int, length: int) -> bytes:
        """A range of the file, and nothing else of it."""
        with self.system.open_input_file(self.path) as file:
            return bytes(file.read_at(length, offset))

    def piece(self, offset: int, length: int) -> bytes:
        """The same, asked for again where a bucket fails. Raises RunFailed where it does so for a minute, and
        where the object was removed or is of another size meanwhile."""
        if not isinstance(self.system, fs.S3FileSystem):
            return self.read(offset, length)
        try:
            return store_failures.ask(f"{S3}{self.path}", lambda: self._piece(offset, length))
        except FileNotFoundError:
            raise RunFailed(f"{S3}{self.path}: was removed while it was read; name what is there") from None

    def _piece(self, offset: int, length: int) -> bytes:
        with self.system.open_input_file(self.path) as file:
            if (size := file.size()) != self.size:
                raise RunFailed(
                    f"{S3}{self.path}: was changed while it was read: {size:,} bytes, not {self.size:,}"
                )
            wanted = min(length, size - offset)
            piece = bytes(file.read_at(wanted, offset))
        if len(piece) < wanted:
            raise OSError(f"{len(piece)} of {wanted} bytes came")
        return piece


class _Pieces(io.RawIOBase):
    """A file of which each reading is a `piece`."""

    def __init__(self, file: StoredFile) -> None:
        self._file, self._offset = file, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._file.piece(self._offset, len(buffer))
        buffer[: len(piece)] = piece
        self._offset += len(piece)
        return len(piece)


def find(place: str, in_folder: Callable[[str], bool]) -> list[StoredFile]:
    """The objects that `s3://BUCKET/KEY`, a prefix or a glob names; below a prefix those whose path
    `in_folder` accepts. Raises UserError for a place without a bucket and for one that is refused, RunFailed
    where trying again later may help."""
    pattern = place.removeprefix(S3).rstrip("/")
    plain, *globs = _GLOB.split(pattern)
    bucket = pattern.partition("/")[0]
    if not bucket or "/" not in plain + "/" or _GLOB.search(bucket):
        raise UserError(f"{place!r} names no bucket; write {S3}BUCKET/PREFIX/*")
    if "//" in pattern:
        raise UserError(f"{place}: an empty name between two slashes, which cannot be read: name another")
    top = plain.rpartition("/")[0] if globs else pattern
    stored, found = store_failures.ask(place, lambda: _listed(bucket, top, recursive=bool(globs)))
    if not found:
        raise UserError(f"{place}: {store_failures.NO_S3_BUCKET}")
    wanted = re.compile("".join(_GLOBS.get(part, _plain(part)) for part in [plain, *globs]))
    matches = [
        info
        for info in found
        if info.type == fs.FileType.File
        and (wanted.fullmatch(info.path) if globs else info.path == top or in_folder(info.path))
    ]
    if odd := [info.path for info in matches if _NO_NAMES & set(info.path.split("/"))]:
        raise UserError(f"{place}: the object {odd[0]!r} cannot be read, by its name: leave it out")
    return [StoredFile(info.path, info.size, stored) for info in sorted(matches, key=lambda info: info.path)]


def _listed(bucket: str, top: str, *, recursive: bool) -> tuple[Any, list[fs.FileInfo]]:
    """A bucket's file system, and the object of that name or those below it, or the bucket where there are
    none; nothing where there is no bucket."""
    stored = system(bucket)
    info = stored.get_file_info(top)
    if info.type == fs.FileType.File:
        return stored, [info]
    selector = fs.FileSelector(top, allow_not_found=True, recursive=recursive)
    if found := stored.get_file_info(selector):
        return stored, found
    info = stored.get_file_info(bucket)
    return stored, [] if info.type == fs.FileType.NotFound else [info]


def is_glob(place: str) -> bool:
    """Whether it has a sign that stands for other characters."""
    return _GLOB.search(place) is not None


def _plain(part: str) -> str:
    """A part of a glob that is text, or a class of characters in brackets, as a regular expression."""
    if part.startswith("["):
        return re.sub(r"\\[zZ]$", "", fnmatch.translate(part))  # without the end of the text
    return re.escape(part)


def write(system: Any, key: str, pieces: Iterable[bytes]) -> None:
    """Puts an object. A stream that failed is never let go of: its end would put what came until then, or
    nothing, in the object's place, while the question is asked again or long after."""
    stream = system.open_output_stream(key, compression=None)
    try:
        for piece in pieces:
            stream.write(piece)
        stream.close()
    except BaseException:
        _FAILED.append(stream)
        raise


def system(bucket: str) -> Any:
    """The file system that a bucket is read and written through. Raises UserError for USER:PASSWORD@BUCKET
    and HOST:PORT, which are in no bucket's name."""
    if ":" in bucket:
        raise UserError(
            f"{S3}BUCKET names neither a user nor a server; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "and AWS_ENDPOINT_URL for a server other than Amazon's"
        )
    setting = os.environ.get
    endpoint = setting("AWS_ENDPOINT_URL_S3") or setting("AWS_ENDPOINT_URL") or ""
    region = setting("AWS_REGION") or setting("AWS_DEFAULT_REGION")
    if not region:
        region = "us-east-1" if endpoint else fs.resolve_s3_region(bucket)
    _require_a_server(endpoint)
    scheme, _, address = endpoint.rstrip("/").rpartition("://")
    return fs.S3FileSystem(
        region=region,
        scheme=scheme or "https",
        endpoint_override=address or None,
        connect_timeout=CONNECT_TIMEOUT_S,
        request_timeout=REQUEST_TIMEOUT_S,
        # The standard strategy counts the retries of a whole process, and makes none once there were many.
        retry_strategy=fs.AwsDefaultS3RetryStrategy(max_attempts=RETRIES),
        allow_delayed_open=True,  # a small object is put by one request instead of three
    )


def _require_a_server(endpoint: str) -> None:
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        raise UserError(
            f"AWS_ENDPOINT_URL={endpoint}: no server's address; write https://HOST or http://HOST:PORT"
        )


def google_system() -> Any:
    """The file system of all of Google's buckets. Its client would by itself ask for a quarter of an hour."""
    limit = timedelta(seconds=GOOGLE_TIMEOUT_S)
    scheme, _, address = os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/").rpartition("://")
    if not address:
        return fs.GcsFileSystem(retry_time_limit=limit)
    return fs.GcsFileSystem(
        anonymous=True, scheme=scheme or "http", endpoint_override=address, retry_time_limit=limit
    )
