"""Objects in buckets: which ones of S3 a place names, how they are read, and put.

Credentials are those of the usual places (environment, ~/.aws or gcloud's, the machine's role);
AWS_ENDPOINT_URL names a server other than Amazon's, STORAGE_EMULATOR_HOST one other than Google's.
"""

import fnmatch
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from pyarrow import fs

from webtext.errors import RunFailed, UserError

S3 = "s3://"
RETRIES = 3  # by Arrow's client of S3, after pauses below a second
CONNECT_TIMEOUT_S, REQUEST_TIMEOUT_S = 10, 15  # of one attempt; the second without any byte
GOOGLE_TIMEOUT_S = 20  # with the repetitions of its client
BUFFER_BYTES = 4 << 20  # of an object are asked for at once when it is read through

_FAILED: list[Any] = []  # streams of objects that were not put
_GLOB = re.compile(r"(\*\*/|\*|\?|\[[^]]+\])")
_GLOBS = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
_NO_NAMES = {"", ".", ".."}  # of a file or folder; between the slashes of a key they may stand
_AWS_ERROR = re.compile(r"AWS Error (\w+|\[code \d+\])(?: \(HTTP status (\d+)\))?")
# How it tells what it has no code of its own for, such as a server's disk that is full.
_AWS_NAME = re.compile(r"ExceptionName: (\w+)|\[code \d+\] during \w+ operation: ([^(\n]*)")
_GOOGLE_ERROR = re.compile(r"google::cloud::Status\(\w+: (?:.* last message of )?(.*?) error_info")
_NOT_FOUND = re.compile("Bucket '.*' not found")
NO_BUCKET = "no such bucket; check its name"
NO_S3_BUCKET = f"{NO_BUCKET}, and AWS_ENDPOINT_URL for a server other than Amazon's"
_REFUSED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "UNRECOGNIZED_CLIENT")
_REFUSED_ELSEWHERE = re.compile(
    "ExpiredToken|PERMISSION_DENIED|UNAUTHENTICATED|AuthenticationFailed|AuthorizationFail|OAuth2 access"
)
_CANNOT_HELP = re.compile(r"HTTP status (?:401|403|405|411|412|501)\b")
# What S3 answers to a HEAD has no body that could name the error.
_REFUSED_UNNAMED = re.compile(
    r"HTTP status (?:301\)|400\).*(?:No response body|InvalidToken|AuthorizationHeaderMalformed))"
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a bucket, or of this machine."""

    path: str
    size: int
    system: Any  # a pyarrow FileSystem

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    def stream(self) -> Any:
        """The file from its beginning, in pieces."""
        return self.system.open_input_stream(self.path, compression=None, buffer_size=BUFFER_BYTES)

    def read(self, offset: int, length: int) -> bytes:
        """A range of the file, and nothing else of it."""
        with self.system.open_input_file(self.path) as file:
            return bytes(file.read_at(length, offset))


def find(place: str, in_folder: Callable[[str], bool]) -> list[StoredFile]:
    """The objects that `s3://BUCKET/KEY`, a prefix or a glob names; below a prefix those whose path
    `in_folder` accepts. Raises UserError for a place without a bucket and for one that is refused, RunFailed
    where trying again later may help."""
    pattern = place.removeprefix(S3).rstrip("/")
    plain, *globs = _GLOB.split(pattern)
    bucket = pattern.partition("/")[0]
    if not bucket or "/" not in plain + "/" or _GLOB.search(bucket):
        raise UserError(f"{place!r} names no bucket; write {S3}BUCKET/PREFIX/*")
    try:
        stored = system(bucket)
        top = stored.get_file_info(pattern if not globs else plain.rpartition("/")[0])
        found = [top]
        if top.type != fs.FileType.File:
            selector = fs.FileSelector(top.path, allow_not_found=True, recursive=bool(globs))
            found = stored.get_file_info(selector)
        if not found and stored.get_file_info(bucket).type == fs.FileType.NotFound:
            raise UserError(f"{place}: {NO_S3_BUCKET}")
    except OSError as error:
        failed = RunFailed if refusal(error) is None else UserError
        raise failed(f"{place}: {told(error)}") from None
    wanted = re.compile("".join(_GLOBS.get(part, _plain(part)) for part in [plain, *globs]))
    matches = [
        info
        for info in found
        if info.type == fs.FileType.File
        and (wanted.fullmatch(info.path) if globs else info is top or in_folder(info.path))
    ]
    if odd := [info.path for info in matches if _NO_NAMES & set(info.path.split("/"))]:
        raise UserError(f"{place}: the object {odd[0]!r} cannot be read, by its name: leave it out")
    return [StoredFile(info.path, info.size, stored) for info in sorted(matches, key=lambda info: info.path)]


def is_glob(place: str) -> bool:
    """Whether it has a sign that stands for other characters."""
    return _GLOB.search(place) is not None


def told(error: OSError) -> str:
    """What an object store's error means for the user."""
    if (refused := refusal(error)) is not None:
        return refused
    if (match := _AWS_ERROR.search(str(error))) is None:
        said = match[1] if (match := _GOOGLE_ERROR.search(str(error))) else str(error).partition("\n")[0]
        return f"{said}; check the network"
    what = "the store is full: make room there"
    if not is_full(error):
        what = "check the network, AWS_ENDPOINT_URL and AWS_REGION"
    return f"{_said(match, error)}; {what}"


def is_full(error: OSError) -> bool:
    """Whether a store has no room for what is put there."""
    return "HTTP status 507" in str(error)


def refusal(error: OSError) -> str | None:
    """What the error means, as `told` says it, where asking again cannot help; None for any other error."""
    match = _AWS_ERROR.search(str(error))
    code = match[1] if match else ""
    if code == "NO_SUCH_BUCKET" or _NOT_FOUND.search(str(error)):
        return NO_S3_BUCKET
    if code in _REFUSED:
        return "access denied; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if _REFUSED_ELSEWHERE.search(str(error)):
        return "access denied; renew the credentials that this store's own tools use"
    if code == "REQUEST_TIME_TOO_SKEWED":
        return "refused (request time too skewed): this machine's clock is wrong; set it"
    if match and _CANNOT_HELP.search(str(error)):
        return (
            f"refused ({_said(match, error)}): not what this store does for you; check AWS_ENDPOINT_URL, and "
            "the bucket's policy and quota"
        )
    if match and _REFUSED_UNNAMED.search(str(error)):
        return (
            f"refused (HTTP status {match[2]}): expired or wrong credentials, or a bucket of another region; "
            "renew the credentials, or set AWS_REGION"
        )
    return None


def is_of_a_store(error: OSError) -> bool:
    """Whether an object store's client raised it, and not this machine's disk."""
    return "google::cloud::Status" in str(error) or _AWS_ERROR.search(str(error)) is not None


def _said(match: re.Match[str], error: OSError) -> str:
    """What an S3 store calls its error."""
    said = f"HTTP status {match[2]}" if match[2] else match[1].replace("_", " ").lower()
    if named := _AWS_NAME.search(str(error)):
        said += f", {(named[1] or named[2]).strip()}"
    return said


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
    """The file system that a bucket is read and written through."""
    setting = os.environ.get
    endpoint = setting("AWS_ENDPOINT_URL_S3") or setting("AWS_ENDPOINT_URL") or ""
    region = setting("AWS_REGION") or setting("AWS_DEFAULT_REGION")
    if not region:
        region = "us-east-1" if endpoint else fs.resolve_s3_region(bucket)
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


def google_system() -> Any:
    """The file system of all of Google's buckets. Its client would by itself ask for a quarter of an hour."""
    limit = timedelta(seconds=GOOGLE_TIMEOUT_S)
    scheme, _, address = os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/").rpartition("://")
    if not address:
        return fs.GcsFileSystem(retry_time_limit=limit)
    return fs.GcsFileSystem(
        anonymous=True, scheme=scheme or "http", endpoint_override=address, retry_time_limit=limit
    )
