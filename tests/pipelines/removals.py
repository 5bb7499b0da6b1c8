"""A corpus from which pages are removed, and what is left of them in its files."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines import asked, build_shards, crawl, remove
from pipelines.request import Request
from tests.crawl.loopback import Page, Site, Web
from tests.pipelines.chains import url_list
from tests.shards.corpora import prose
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.progress import Progress

QUIET = Progress(quiet=True)
Killed = Callable[[object, str, Callable[[], object]], None]  # of the fixture `killed`
QUICK = (
    *("crawl.allow_private=true", "crawl.per_host_delay_s=0", "crawl.retries=0", "filter.languages=[]"),
    *("filter.min_tokens=20", "tokens.vocab_size=300", "shards.validation=0", "shards.test=0"),
)


class Here(Request):
    """Runs its tasks in this process, which starts none."""

    def start_engine(self) -> Any:
        return InlineEngine()


def page(*words: object) -> Page:
    paragraphs = "".join(f"<p>{prose(word, 60)}</p>" for word in words)
    return Page(f"<html><title>t</title><body><article>{paragraphs}</article></body></html>".encode())


@dataclass
class Built:
    """A corpus and the two sites that it was made of."""

    root: Path
    one: Site
    two: Site

    def remove(self, *urls: str, domains: tuple[str, ...] = (), **options: Any) -> dict[str, Any]:
        copies, dry_run = options.get("copies", True), options.get("dry_run", False)
        wanted = asked.selection(urls, domains, options.get("source"), copies=copies)
        return remove.run(Here(self.root), wanted, QUIET, dry_run=dry_run)

    def rows(self, table: str, *columns: str) -> list[dict[str, Any]]:
        corpus_table = Corpus(self.root).table(table)
        manifest = corpus_table.manifest()
        parts = manifest.partitions if manifest else ()
        return [row for part in parts for row in corpus_table.read(part.file, columns or None).to_pylist()]

    def ledger(self) -> dict[str, tuple[str, str | None]]:
        return {row["url"]: (row["state"], row["reason"]) for row in self.rows("ledger")}

    def holds(self, text: str) -> list[str]:
        """The files of the corpus that have a text, whatever they are packed in."""
        return [
            str(path.relative_to(self.root))
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and text in _unpacked(path)
        ]


def build(web: Web, folder: Path) -> Built:
    """Two sites: alone, first and its copy elsewhere (exact), same as another page's body byte by byte, a
    redirect, and a copy of what it leads to."""
    one, two = web.site(), web.site()
    shared = page("same", "long")
    one.pages |= {"/alone": page("alone"), "/first": page("first"), "/same": shared, "/again": shared}
    one.pages["/twin"] = page("target")
    one.pages["/moved"] = Page(b"", 302, (("Location", two.url("/target")),))
    two.pages |= {"/copy": page("first"), "/other": page("other"), "/target": page("target")}
    paths = {one: [*one.pages, "/none"], two: ["/copy", "/other"]}
    urls = [site.url(path) for site, of in paths.items() for path in of]
    request = Here(folder / "corpus", None, QUICK)
    crawl.run(request, [str(url_list(folder / "links.txt", urls))], QUIET)
    build_shards.run(Here(folder / "corpus"), QUIET)
    return Built(folder / "corpus", one, two)


def _unpacked(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(pq.read_table(path, partitioning=None).to_pylist())
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace")
