"""How a partition's WARC files are called: `part-00000-0000.warc.gz`, and so on."""

import os
import re
from pathlib import Path

from webtext import files, store
from webtext.crawl.warc import FOLDER


def name_of(stem: str, number: int) -> str:
    return f"{stem}-{number:04d}.warc.gz"


def number_in(name: str) -> int:
    return int(name.removesuffix(".warc.gz").rpartition("-")[2])


def next_number(folder: Path, stem: str) -> int:
    """That of a file behind all there are."""
    return free_number(folder, stem, max(numbers(folder, stem), default=-1) + 1)


def free_number(folder: Path, stem: str, number: int) -> int:
    """The first from `number` on that no file has."""
    while files.exists(folder / FOLDER / name_of(stem, number)):  # which a listing may not have told
        number += 1
    return number


def numbers(folder: Path, stem: str) -> set[int]:
    """Those of a partition's WARC files, here and in the store. Other programs may put files beside them."""
    archives = folder / FOLDER
    names = os.listdir(archives) if archives.is_dir() else []  # noqa: PTH208 - no Path for each of them
    if store.of(archives) is not None:
        names += files.sizes(archives)
    near = (name for name in names if name.startswith(f"{stem}-"))
    own = (re.fullmatch(rf"{stem}-(\d{{4}}|[1-9]\d{{4,}})\.warc\.gz", name) for name in near)
    return {int(match[1]) for match in own if match}
