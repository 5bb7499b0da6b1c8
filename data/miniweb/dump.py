"""The dump of the mini web's submissions, as the monthly Reddit dumps are: NDJSON in zstd, 2 GiB window."""

import os
from pathlib import Path

import zstandard

from data.miniweb.model import MiniWeb

WINDOW_LOG = 31  # what the real dumps declare: a reader must ask for max_window_size=2**31


def write_dump(web: MiniWeb, path: Path) -> None:
    """Writes the dump at `path`, whole or not at all; the same bytes for the same mini web."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=WINDOW_LOG, enable_ldm=True)
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as file:
        with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(
            file, closefd=False
        ) as stream:
            for line in web.submissions:
                stream.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
