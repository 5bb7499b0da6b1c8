"""Dumps for the tests, and harvesting them."""

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import zstandard

from pipelines import links
from webtext.corpus import Corpus
from webtext.engine import Engine
from webtext.engine.inline import InlineEngine
from webtext.manifest import Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe, override

Row = dict[str, Any]


def post(id: str, url: object = "http://example.com/", score: Any = 10, **fields: Any) -> Row:
    """A submission as dumps have it."""
    usual = {"subreddit": "programming", "title": "A title", "created_utc": 1300000000, "num_comments": 2}
    return {"id": id, "url": url, "score": score, "is_self": False, "over_18": False} | usual | fields


def write_dump(path: Path, rows: Iterable[Row | bytes]) -> Path:
    lines = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=31, write_checksum=True)
    text = b"".join(line + b"\n" for line in lines)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path.write_bytes(compressor.compress(text) + compressor.flush())
    return path


def harvest(
    root: Path, sources: Sequence[object], *settings: str, engine: Engine | None = None
) -> tuple[Manifest, list[Row]]:
    """(the manifest, all links) of a corpus; sources that are lists of rows become dumps."""
    root.parent.mkdir(parents=True, exist_ok=True)
    named = [
        str(write_dump(root.parent / f"{root.name}-{n}.zst", source) if isinstance(source, list) else source)
        for n, source in enumerate(sources)
    ]
    corpus = Corpus(root)
    recipe = override(Recipe(), [f"links.{setting}" for setting in settings])
    manifest = links.harvest(corpus, engine or InlineEngine(), recipe, named, Progress(quiet=True))
    assert manifest.counts.balanced
    return manifest, corpus.table("links").dataset().to_table().to_pylist()


def made_up_rows(count: int, seed: int) -> list[Row | bytes]:
    """Rows of all fates: repeated ids, repeated URLs, low karma, text posts, broken lines."""
    chance = random.Random(seed)
    rows: list[Row | bytes] = []
    for _ in range(count):
        number = chance.randrange(count)
        row = post(f"a{number:x}", f"http://site{number % 97}.example/{number % 301}", chance.randrange(9))
        row |= {"is_self": number % 5 == 0, "over_18": number % 11 == 0, "retrieved_on": chance.randrange(50)}
        row |= {"created_utc": 1300000000 + number}
        rows.append(b"{broken" if chance.random() < 0.01 else row)
    return rows


def parts_of(corpus: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (corpus / "links").glob("*.parquet")}
