"""Small corpora whose tables up to clusters are finished, as the stages before leave them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext import parquet, recipe
from webtext.corpus import Corpus
from webtext.manifest import Counts, Manifest, Part
from webtext.recipe import Recipe
from webtext.table import partition_name

EPOCH = datetime(2016, 1, 1, tzinfo=UTC)
WORDS = [
    a + b for a in ("st", "br", "qu", "l", "m", "v", "th", "é") for b in ("one", "and", "ick", "oor", "ame")
]


@dataclass
class Doc:
    """A document of a made corpus; `cluster` names the kept one it repeats."""

    id: str
    text: str
    cluster: str = ""
    partition: int = 0
    language: str = "en"

    @property
    def kept(self) -> bool:
        return self.cluster in ("", self.id)


def prose(seed: object, words: int = 150) -> str:
    chooser = random.Random(str(seed))
    return " ".join(chooser.choice(WORDS) for _ in range(words)) + "."


def make_docs(count: int, partitions: int = 2) -> list[Doc]:
    return [Doc(f"{n:016x}", prose(n), partition=n % partitions) for n in range(count)]


def make_corpus(root: Path, docs: Sequence[Doc], settings: Sequence[str] = ()) -> Corpus:
    """Writes the tables that the shards are made of; `settings` are like --set."""
    corpus = Corpus(root)
    small = ["tokens.vocab_size=400", "shards.target_mb=0.05", "shards.validation=0.1", "shards.test=0.1"]
    corpus.freeze(recipe.override(Recipe(), [*small, *settings]))
    of = {"links": _link, "pages": _page, "documents": _document, "clusters": _cluster}
    for name, row in of.items():
        _publish(corpus, name, docs, row)
    return corpus


def _publish(corpus: Corpus, name: str, docs: Sequence[Doc], row: Callable[[Doc], dict[str, Any]]) -> None:
    table, parts = corpus.table(name), []
    for number in range(1 + max((doc.partition for doc in docs), default=0)):
        mine = [doc for doc in docs if doc.partition == number]
        rows = pa.Table.from_pylist([row(doc) for doc in mine], schema=table.schema)
        written = parquet.write(table.path(number), table.schema, [rows])
        dropped = sum(not doc.kept for doc in mine) if name == "clusters" else 0
        reasons = {"near": dropped} if dropped else {}
        counts = Counts(into=len(mine), out=len(mine) - dropped, dropped=reasons)
        extra = {"file_hash": written.hash} if name == "pages" else {}
        parts.append(
            Part(partition_name(number), "key", len(mine), written.bytes, written.hash, counts, extra)
        )
    total = sum((part.counts for part in parts), Counts())
    table.publish(Manifest(name, 1, "recipe", "inputs", tuple(parts), total))


def _url(doc: Doc) -> str:
    return f"http://site{doc.partition}.example/{doc.id}"


def _time(doc: Doc) -> datetime:
    return EPOCH + timedelta(minutes=int(doc.id, 16) % 10_000)


def _link(doc: Doc) -> dict[str, Any]:
    posts = [
        {"id": f"{doc.id[-4:]}a", "subreddit": "news", "score": 7},
        {"id": f"{doc.id[-4:]}b", "subreddit": "books", "score": 4},
        {"id": f"{doc.id[-4:]}c", "subreddit": "news", "score": 3},
    ]
    shared = {
        "id": doc.id,
        "url": _url(doc),
        "url_as_posted": _url(doc),
        "domain": f"site{doc.partition}.example",
    }
    return shared | {"karma": 7, "karma_sum": 14, "first_posted": _time(doc), "submissions": posts}


def _page(doc: Doc) -> dict[str, Any]:
    where = {"warc_file": f"warc/part-{doc.partition:05d}-0000.warc.gz", "warc_offset": int(doc.id, 16)}
    return {
        "id": doc.id,
        "url": _url(doc),
        "state": "fetched",
        "source": "live",
        "captured_at": _time(doc),
    } | where


def _document(doc: Doc) -> dict[str, Any]:
    known = {"id": doc.id, "url": _url(doc), "domain": f"site{doc.partition}.example", "text": doc.text}
    return known | {
        "language": doc.language,
        "words": len(doc.text.split()),
        "verdict": "keep",
        "title": "A title",
    }


def _cluster(doc: Doc) -> dict[str, Any]:
    kind = "none" if doc.kept else "near"
    return {
        "id": doc.id,
        "cluster": doc.cluster or doc.id,
        "kept": doc.kept,
        "duplicate": kind,
        "similarity": 1.0,
    }
