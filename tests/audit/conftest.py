"""A corpus of planted rows: every table written as the stages write them, from a list of planted links."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import xxhash

from webtext import files, ledger, parquet, schemas
from webtext.corpus import TABLES, Corpus
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.reasons import DUPLICATE, PAGES, UNEXTRACTABLE
from webtext.recipe import Recipe
from webtext.table import partition_name

PARTITIONS = 2
Row = dict[str, Any]


@dataclass(frozen=True)
class Planted:
    """One link and its fate: "kept", or the reason for which it was dropped; `of` is a duplicate's twin."""

    url: str
    fate: str = "kept"
    domain: str = "example.org"
    of: str = ""
    similarity: float = 1.0
    karma: int | None = 5
    posted: datetime | None = datetime(2012, 3, 1, tzinfo=UTC)
    subreddits: tuple[str | None, ...] = ("news",)
    status: int | None = 200
    source: str = "live"
    content_type: str = "text/html"
    charset: str | None = "utf-8"
    bytes: int = 20_000
    title: str | None = "A title"
    language: str | None = "en"
    words: int = 200
    text: str = "Some words of a text. " * 60
    detail: str | None = None
    captured: datetime | None = None
    wikipedia_traces: int = 0
    on_wikipedia: bool = False
    emails: int | None = 0
    attempts: int = 1

    @property
    def id(self) -> str:
        return f"{xxhash.xxh3_64_intdigest(self.url.encode()):016x}"

    @property
    def fetched(self) -> bool:
        return self.fate not in PAGES

    @property
    def passed(self) -> bool:
        return self.fate in ("kept", *DUPLICATE)


@dataclass
class Writer:
    """Writes the tables one after the other; `pages` stops after the crawl, `shards` before the tokens."""

    root: Path
    links: Sequence[Planted]
    dropped: dict[str, int] = field(default_factory=dict)
    row_group_rows: int = 8
    partitions: int = PARTITIONS

    def write(self, until: str) -> Corpus:
        corpus = Corpus(self.root)
        corpus.freeze(Recipe(name="planted"))
        for name in ("links", "pages", "documents", "clusters", "shards", "tokens"):
            getattr(self, f"_{name}")(corpus)
            if name == until:
                break
        self._ledger(corpus)
        return corpus

    def _links(self, corpus: Corpus) -> None:
        rows = [_link(link) for link in self.links]
        submissions = sum(max(1, len(link.subreddits)) for link in self.links)
        into = submissions + sum(self.dropped.values())
        counts = Counts(into, len(rows), submissions - len(rows), self.dropped)
        dump = {"source": "/home/me/RS_2012-03.zst", "hash": "", "in": into, "dropped": self.dropped}
        dump |= {"examples": {"bad_url": "http://[broken"}, "broken": "the frame ends too early"}
        self._table(corpus, "links", rows, counts, sources=[dump])

    def _pages(self, corpus: Corpus) -> None:
        lost = Counter(link.fate for link in self.links if not link.fetched)
        counts = Counts(len(self.links), len(self.links) - lost.total(), 0, dict(lost))
        self._table(corpus, "pages", [_page(link) for link in self.links], counts)

    def _documents(self, corpus: Corpus) -> None:
        links = [link for link in self.links if link.fetched]
        lost = Counter(link.fate for link in links if not link.passed)
        counts = Counts(len(links), len(links) - lost.total(), 0, dict(lost))
        self._table(corpus, "documents", [_document(link) for link in links], counts)

    def _clusters(self, corpus: Corpus) -> None:
        links = [link for link in self.links if link.passed]
        lost = Counter(link.fate for link in links if link.fate in DUPLICATE)
        counts = Counts(len(links), len(links) - lost.total(), 0, dict(lost))
        self._table(corpus, "clusters", [_cluster(link) for link in links], counts)

    def _shards(self, corpus: Corpus) -> None:
        links = [link for link in self.links if link.fate == "kept"]
        rows = [_shard(link) for link in links]
        self._table(corpus, "shards", rows, Counts(len(rows), len(rows)))

    def _tokens(self, corpus: Corpus) -> None:
        links = [link for link in self.links if link.fate == "kept"]
        tokens = sum(2 * link.words for link in links)
        file = {"file": "train-00000.bin", "tokens": tokens, "documents": len(links)}
        file |= {"bytes": sum(len(link.text.encode()) for link in links), "sha256": ""}
        train = {"files": [file], "tokens": tokens}
        index = {"tokenizer": {"vocab_size": 512}, "dtype": "uint16", "splits": {"train": train}}
        files.write_json(corpus.table("tokens").folder / "index.json", index)
        self._publish(corpus, "tokens", [], Counts(len(links), len(links)))

    def _ledger(self, corpus: Corpus) -> None:
        parts = []
        for number in range(self.partitions):
            tables = {
                name: corpus.table(name).read(partition_name(number))
                if corpus.table(name).manifest()
                else None
                for name in ("links", "pages", "documents", "clusters")
            }
            published = corpus.table("shards").manifest() is not None
            rows = ledger.entries(*tables.values(), published=published)
            parts.append(self._part(corpus, "ledger", number, rows))
        self._publish(corpus, "ledger", parts, Counts(len(self.links), len(self.links)))

    def _table(self, corpus: Corpus, name: str, rows: list[Row], counts: Counts, **extra: Any) -> None:
        parts = []
        for number in range(self.partitions):
            of_partition = [row for row in rows if int(row["id"], 16) % self.partitions == number]
            table = pa.Table.from_pylist(of_partition, TABLES[name])
            parts.append(self._part(corpus, name, number, table))
        self._publish(corpus, name, parts, counts, **extra)

    def _part(self, corpus: Corpus, name: str, number: int, rows: pa.Table) -> Part:
        path = corpus.table(name).folder / partition_name(number)
        written = parquet.write(path, TABLES[name], [rows], row_group_rows=self.row_group_rows)
        return Part(path.name, "key", written.rows, written.bytes, written.hash)

    def _publish(self, corpus: Corpus, name: str, parts: list[Part], counts: Counts, **extra: Any) -> None:
        manifest = Manifest(name, 1, "recipe", "inputs", tuple(parts), counts, extra)
        corpus.table(name).publish(manifest)


def _link(link: Planted) -> Row:
    submissions = [
        {
            "id": f"s{n}",
            "subreddit": name,
            "score": link.karma,
            "created_utc": int(link.posted.timestamp()) if link.posted else 0,
        }
        for n, name in enumerate(link.subreddits)
    ]
    head = {"id": link.id, "url": link.url, "url_as_posted": link.url, "domain": link.domain}
    karma = {"karma": link.karma, "karma_sum": link.karma, "first_posted": link.posted}
    return head | karma | {"submissions": submissions}


def _page(link: Planted) -> Row:
    row: Row = {"id": link.id, "url": link.url, "state": "fetched" if link.fetched else link.fate}
    row |= {
        "http_status": link.status,
        "attempts": link.attempts,
        "detail": None if link.fetched else link.detail,
    }
    if not link.fetched:
        return row
    served = {"content_type": link.content_type, "charset": link.charset, "bytes": link.bytes}
    return row | served | {"source": link.source, "redirects": 0, "final_url": link.url}


def _document(link: Planted) -> Row:
    head = {"id": link.id, "url": link.url, "domain": link.domain, "detail": link.detail}
    verdict = "keep" if link.passed else link.fate
    if link.fate in UNEXTRACTABLE:
        return head | {"verdict": verdict}
    measured = {"language": link.language, "language_score": 0.99, "words": link.words}
    measured |= {"wikipedia_domain": link.on_wikipedia, "wikipedia_traces": link.wikipedia_traces}
    measured |= {"pii_email": link.emails}
    return head | measured | {"text": link.text, "title": link.title, "verdict": verdict}


def _cluster(link: Planted) -> Row:
    if link.fate == "kept":
        return {"id": link.id, "cluster": link.id, "kept": True, "duplicate": "none", "similarity": 1.0}
    head = {"id": link.id, "cluster": Planted(link.of).id, "kept": False}
    return head | {"duplicate": link.fate, "similarity": link.similarity}


def _shard(link: Planted) -> Row:
    row = _document(link) | {"subreddits": list(link.subreddits), "tokens": 2 * link.words}
    row |= {"sha256": sha256(link.text.encode()).hexdigest()}
    row |= {"first_posted": link.posted, "captured_at": link.captured, "source": link.source}
    return {name: row.get(name) for name in schemas.SHARDS.names}


def _twenty_six() -> list[Planted]:
    """26 links whose every number the tests know."""
    site, news, fr = "http://site.example/", "http://news.example/", "http://fr.example/"
    later = datetime(2013, 1, 31, 23, 59, tzinfo=UTC)
    kept = [
        Planted(f"{site}{n}", domain="site.example", words=10 * n, karma=n, subreddits=("science", "news"))
        for n in range(1, 11)
    ] + [Planted(f"{news}{n}", domain="news.example", words=1000, posted=later) for n in range(2)]
    duplicates = [Planted(f"{news}copy{n}", "exact", "news.example", of=f"{news}0") for n in range(3)] + [
        Planted(f"{site}alike", "near", "site.example", of=f"{site}1", similarity=0.85)
    ]
    refused = (
        [Planted(f"{fr}{n}", "language", "fr.example", language="fr", detail="fr 0.99") for n in range(3)]
        + [
            Planted(f"{site}short{n}", "too_short", "site.example", words=3, text="Only three words")
            for n in range(2)
        ]
        + [Planted(f"{site}empty", "no_text", "site.example", content_type="text/plain", charset=None)]
    )
    lost = [
        Planted(
            f"http://gone.example/{n}", "not_found", "gone.example", status=404, karma=None, subreddits=()
        )
        for n in range(3)
    ] + [Planted("http://shy.example/", "robots", "shy.example", status=None, detail="Disallow: /")]
    return kept + duplicates + refused + lost


@pytest.fixture(scope="session")
def plant() -> SimpleNamespace:
    """`plant.link(url, fate, …)` describes a link, `plant.corpus(root, links, until=…)` writes a corpus."""

    def corpus(root: Path, links: Sequence[Planted], until: str = "tokens", **dropped: int) -> Corpus:
        return Writer(root, links, dropped).write(until)

    return SimpleNamespace(link=Planted, corpus=corpus, links=_twenty_six)


@pytest.fixture(scope="session")
def planted(plant: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    """The corpus of the 26 links, with 14 submissions that became none."""
    root = tmp_path_factory.mktemp("audit") / "planted"
    yield plant.corpus(root, _twenty_six(), karma=11, self_post=2, bad_url=1)


@pytest.fixture
def quiet() -> Progress:
    return Progress(quiet=True)
