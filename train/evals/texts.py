"""The official files of the evaluation sets: where they lie in a folder, and how their text is read."""

import bz2
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.errors import TrainError, why

MAX_BYTES = 1 << 30  # of a file that is decompressed: bzip2 makes gigabytes of some kilobytes


@dataclass(frozen=True)
class Source:
    """Paths at which a set's file is looked for, in order, and where a user gets it.

    `together`: what lies in the file's folder belongs to the set, too.
    """

    paths: Sequence[str]
    origin: str
    together: bool = False

    def digest(self, path: Path) -> str:
        """SHA-256 of the set that was found at `path`."""
        return digest(path.parent if self.together else path)

    def find(self, folder: Path) -> Path:
        """The first that is there; a `*` in its name may stand for anything. Raises TrainError naming all of
        them."""
        for path in (folder / path for path in self.paths):
            if found := [match for match in sorted(path.parent.glob(path.name)) if match.is_file()]:
                return found[0]
        wanted = " or ".join(self.paths)
        raise TrainError(
            f"{folder} has no {wanted}: get it from {self.origin}, or give another --data or other --tasks"
        )


def digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files by name."""
    if path.is_dir():
        parts = sorted(part for part in path.rglob("*") if part.is_file())
        joined = "".join(f"{part.relative_to(path)} {digest(part)}\n" for part in parts)
        return hashlib.sha256(joined.encode()).hexdigest()
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def lines(path: Path) -> list[str]:
    """The file's lines without their ends; .bz2 is opened. Raises TrainError if not UTF-8, blank or HTML."""
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")  # an editor's byte order mark is no part of the text
    except UnicodeDecodeError as error:
        raise TrainError(f"{path} is not UTF-8 text (byte {error.start:,})") from None
    if not text.strip():
        raise TrainError(f"{path} holds no text")
    if text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        raise TrainError(f"{path} is a web page, perhaps one that says why there is no file")
    found = text.replace("\r\n", "\n").split("\n")
    return found[:-1] if found[-1] == "" else found


@dataclass(frozen=True)
class Kind:
    """What a field of a row must be."""

    name: str
    fits: Callable[[Any], bool]


_SURROGATE = re.compile("[\ud800-\udfff]")


def _is_text(value: Any) -> bool:
    """Whether a tokenizer takes it: JSON may have half a character, as of an emoji that was cut."""
    return isinstance(value, str) and not _SURROGATE.search(value)


STRING = Kind("text, even empty", _is_text)
TEXT = Kind("text", lambda value: _is_text(value) and bool(value.strip()))
TEXTS = Kind(
    "a list of texts", lambda value: isinstance(value, list) and bool(value) and all(map(TEXT.fits, value))
)
LABEL = Kind("0, 1, 2 or 3", lambda value: str(value) in ("0", "1", "2", "3"))
FOUR = Kind("four texts", lambda value: TEXTS.fits(value) and len(value) == 4)


def rows(path: Path, fields: Mapping[str, Kind]) -> list[dict[str, Any]]:
    """The objects of a JSON lines file, blank lines aside. Raises TrainError for the first line that has not
    all `fields` as they must be."""
    found = []
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or not all(kind.fits(row.get(key)) for key, kind in fields.items()):
            wanted = ", ".join(f"{key} ({kind.name})" for key, kind in fields.items())
            raise TrainError(f"{path} line {number:,} is not a JSON object with {wanted}: another file?")
        found.append(row)
    return found


def read_bytes(path: Path) -> bytes:
    """A file's bytes, decompressed if it ends in `.bz2`."""
    try:
        if path.suffix != ".bz2":
            return path.read_bytes()
        with bz2.open(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError, EOFError) as error:
        raise TrainError(f"cannot read {path}: {why(error)}") from None
    if len(data) > MAX_BYTES:
        raise TrainError(f"{path} has more than {MAX_BYTES:,} bytes when decompressed: no evaluation set has")
    return data


def last_bytes(path: Path, whole: int, test: int) -> str:
    """The text of the last `test` bytes of a file that has `whole`, or of a file of just these.

    A character cut by the border, at most three bytes, is left out. Raises TrainError for another size.
    """
    data = read_bytes(path)
    if len(data) not in (whole, test):
        raise TrainError(f"{path} has {len(data):,} bytes, expected {whole:,} (or its last {test:,})")
    part = data[-test:]
    while part and part[0] & 0xC0 == 0x80:
        part = part[1:]
    try:
        return part.decode()
    except UnicodeDecodeError as error:
        if error.start < len(part) - 3:
            raise TrainError(f"{path} is not UTF-8 text (byte {error.start:,} of its end)") from None
        return part[: error.start].decode()


def some(path: Path, found: list[Any]) -> list[Any]:
    """What was found. Raises TrainError if that is nothing."""
    if not found:
        raise TrainError(f"{path} holds no examples")
    return found
