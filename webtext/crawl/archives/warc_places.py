"""Where the user's WARC and ARC files lie: on this machine, or in an S3 bucket, read by byte range."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pyarrow import fs

from webtext.errors import UserError

PREFIX, S3 = "warc:", "s3://"
SUFFIXES = (".warc", ".warc.gz", ".arc", ".arc.gz")
CONNECT_TIMEOUT_S, REQUEST_TIMEOUT_S = 10, 60
BUFFER_BYTES = 4 << 20  # of an S3 object are asked for at once when it is read through

_GLOB = re.compile(r"(\*\*/|\*|\?|\[[^]]+\])")
_GLOBS = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
_AWS_ERROR = re.compile(r"AWS Error (\w+)")
_NO_BUCKET = "no such bucket; check its name, and AWS_ENDPOINT_URL for a server other than Amazon's"
_REFUSED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "UNRECOGNIZED_CLIENT")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
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


def files_of(source: str) -> list[ArchiveFile]:
    """The files that `warc:PATH` names: a file, a folder's archives, a glob. Raises UserError for none."""
    pattern = source.removeprefix(PREFIX)
    files = _in_bucket(pattern) if pattern.startswith(S3) else _on_disk(pattern)
    if not files:
        raise UserError(f"crawl.sources: no file matches {pattern!r}; give a WARC file, a folder or a glob")
    return files


def _on_disk(pattern: str) -> list[ArchiveFile]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        found = [file for file in path.iterdir() if file.name.endswith(SUFFIXES)]
    else:
        found = list(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    local = fs.LocalFileSystem()
    return [ArchiveFile(str(file), file.stat().st_size, local) for file in sorted(found) if file.is_file()]


def _in_bucket(pattern: str) -> list[ArchiveFile]:
    place = pattern.removeprefix(S3).rstrip("/")
    plain, *globs = _GLOB.split(place)
    bucket = place.partition("/")[0]
    if not bucket or "/" not in plain + "/" or _GLOB.search(bucket):
        raise UserError(
            f"crawl.sources: {pattern!r} names no bucket; write warc:s3://BUCKET/PREFIX/*.warc.gz"
        )
    try:
        system = _bucket_system(bucket)
        top = system.get_file_info(place if not globs else plain.rpartition("/")[0])
        found = [top]
        if top.type != fs.FileType.File:
            selector = fs.FileSelector(top.path, allow_not_found=True, recursive=bool(globs))
            found = system.get_file_info(selector)
        if not found and system.get_file_info(bucket).type == fs.FileType.NotFound:
            raise UserError(f"crawl.sources: {pattern}: {_NO_BUCKET}")
    except OSError as error:
        raise UserError(f"crawl.sources: {pattern}: {_told(error)}") from None
    wanted = re.compile("".join(_GLOBS.get(part, _plain(part)) for part in [plain, *globs]))
    matches = [
        info
        for info in found
        if info.type == fs.FileType.File
        and (wanted.fullmatch(info.path) if globs else info is top or info.path.endswith(SUFFIXES))
    ]
    return [ArchiveFile(info.path, info.size, system) for info in sorted(matches, key=lambda info: info.path)]


def _plain(part: str) -> str:
    return part if part.startswith("[") else re.escape(part)


def _bucket_system(bucket: str) -> Any:
    """S3 with the credentials of the usual places: environment, ~/.aws, the machine's role."""
    known = os.environ.get
    endpoint = known("AWS_ENDPOINT_URL_S3") or known("AWS_ENDPOINT_URL") or ""
    region = known("AWS_REGION") or known("AWS_DEFAULT_REGION")
    if not region:
        region = "us-east-1" if endpoint else fs.resolve_s3_region(bucket)
    scheme, _, address = endpoint.rstrip("/").rpartition("://")
    return fs.S3FileSystem(
        region=region,
        scheme=scheme or "https",
        endpoint_override=address or None,
        connect_timeout=CONNECT_TIMEOUT_S,
        request_timeout=REQUEST_TIMEOUT_S,
    )


def _told(error: OSError) -> str:
    match = _AWS_ERROR.search(str(error))
    code = match[1] if match else ""
    if code == "NO_SUCH_BUCKET":
        return _NO_BUCKET
    if code in _REFUSED:
        return "access denied; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    return f"{code.replace('_', ' ').lower() or error}; check the network, AWS_ENDPOINT_URL and AWS_REGION"
