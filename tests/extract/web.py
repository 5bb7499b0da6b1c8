"""A corpus with given pages in its archive, as a crawl would have left it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import xxhash

from webtext import parquet, schemas
from webtext.corpus import Corpus
from webtext.crawl.exchange import Exchange
from webtext.crawl.packing import pack
from webtext.crawl.warc import WarcFile
from webtext.manifest import Counts, Manifest, Part

CAPTURED = datetime(2020, 2, 2, tzinfo=UTC)
SENTENCES = (
    "The lighthouse keeper wrote a short letter every evening before he climbed the stairs to the lamp. ",
    "Nobody in the village could remember a winter in which the harbour had been frozen for so long. ",
    "She answered that the boats would wait, and that the bread was better when it was a day old anyway. ",
)


@dataclass(frozen=True)
class Web:
    """One page of the small web that a test crawls."""

    url: str
    body: bytes
    content_type: str = "text/html"
    charset: str | None = None
    state: str = "fetched"


def english(paragraphs: int = 8, title: str = "A letter") -> bytes:
    text = "".join(f"<p>{''.join(SENTENCES)} ({number})</p>" for number in range(paragraphs))
    return f"<html><head><title>{title}</title></head><body><article>{text}</article></body></html>".encode()


def crawled(root: Path, *partitions: Sequence[Web]) -> Corpus:
    """A corpus whose pages, in these partitions, are in its archive."""
    corpus = Corpus(root)
    table = corpus.table("pages")
    parts = [_partition(table.folder, number, pages) for number, pages in enumerate(partitions)]
    table.publish(Manifest("pages", 1, "", "", tuple(parts), sum((p.counts for p in parts), Counts())))
    return corpus


def _partition(folder: Path, number: int, pages: Sequence[Web]) -> Part:
    file = f"part-{number:05d}.parquet"
    with WarcFile(folder, f"part-{number:05d}-0000.warc.gz") as warc:
        rows = [_row(page, warc) for page in pages]
    table = pa.Table.from_pylist(rows, schema=schemas.PAGES)
    written = parquet.write(folder / file, schemas.PAGES, [table])
    fetched = sum(page.state == "fetched" for page in pages)
    left = {"not_found": len(pages) - fetched} if fetched < len(pages) else {}
    return Part(file, "", written.rows, written.bytes, written.hash, Counts(len(pages), fetched, 0, left))


def _row(page: Web, warc: WarcFile) -> dict[str, object]:
    row: dict[str, object] = {
        "id": xxhash.xxh3_64_hexdigest(page.url.encode()),
        "url": page.url,
        "state": page.state,
    }
    if page.state != "fetched":
        return row
    headers = (("Content-Type", page.content_type),)
    position = warc.append(pack(Exchange(page.url, 200, headers, page.body, at=CAPTURED)))
    return row | {
        "final_url": page.url,
        "captured_at": CAPTURED,
        "content_type": page.content_type,
        "charset": page.charset,
        "bytes": len(page.body),
        "sha256": hashlib.sha256(page.body).hexdigest(),
        "warc_file": position.file,
        "warc_offset": position.offset,
        "warc_length": position.length,
    }
