"""Sources in S3 buckets: copied into the corpus, whole or not at all, before they are read.

A dump is read more than once, to be hashed and by each of the workers that share it. A copy that is there is
used as it is, without a question to the bucket; only a glob asks what there is now.
"""

import glob
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from webtext import buckets, files
from webtext.buckets import S3, StoredFile
from webtext.errors import UserError

PIECE_BYTES = 16 << 20  # are asked for at once, and again where the bucket fails


@dataclass(frozen=True)
class Copy:
    """An object by its address, where its copy is, and the object itself unless that is there already."""

    name: str
    path: Path
    missing: StoredFile | None


def copies(place: str, folder: Path) -> list[Copy]:
    """A copy below `folder` for each object that `s3://BUCKET/KEY` or a glob names. Raises UserError for
    none."""
    path = folder / place.removeprefix(S3)
    if not buckets.is_glob(place) and _bytes(path) is not None:
        return [Copy(place, path, None)]
    found = buckets.find(place, lambda _: True)
    if not found:
        raise UserError(f"{place}: no such object; name one, a prefix or a glob")
    made = [Copy(f"{S3}{file.path}", folder / file.path, file) for file in found]
    return [Copy(each.name, each.path, None) if _complete(each) else each for each in made]


def saved(place: str, folder: Path) -> list[Copy]:
    """The copies that are there, without a question to the bucket. Raises UserError for none."""
    pattern = place.removeprefix(S3)
    paths = [folder / pattern]
    if buckets.is_glob(place):
        names = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207 - as for local sources
        paths = [folder / name for name in sorted(names)]
    found = [path for path in paths if _bytes(path) is not None]
    if not found:
        raise UserError(
            f"{place}: was not read yet, and a dry run asks nobody: crawl it, or plan with other sources"
        )
    return [Copy(f"{S3}{path.relative_to(folder).as_posix()}", path, None) for path in found]


def fetch(copy: Copy, report: Callable[[int], None]) -> None:
    """Copies an object; `report` hears of each piece's bytes. Raises RunFailed where the bucket fails for a
    minute, or the object is another meanwhile."""
    assert copy.missing is not None
    file, came = copy.missing, 0
    with files.whole(copy.path) as temporary, temporary.open("wb") as out:
        while came < file.size:
            piece = file.piece(came, PIECE_BYTES)
            out.write(piece)
            came += len(piece)
            report(len(piece))


def _complete(copy: Copy) -> bool:
    return copy.missing is not None and _bytes(copy.path) == copy.missing.size


def _bytes(path: Path) -> int | None:
    """None for no file; a folder is a prefix."""
    try:
        here = files.here(path)
        return here.stat().st_size if here.is_file() else None
    except FileNotFoundError:
        return None
