"""A web on loopback for the crawler's tests, with real sockets; and a corpus to crawl it into."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from pipelines import pages
from webtext import parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.sections import Crawl
from webtext.table import partition_name

HTML = (("Content-Type", "text/html; charset=utf-8"),)


@dataclass
class Page:
    body: bytes = b"<p>hello</p>"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = HTML
    delay_s: float = 0.0


@dataclass
class Hit:
    path: str
    started: float
    ended: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that was killed is no news."""


class Site:
    """One host. `pages` maps paths to a Page, or to a list of pages that are given one after the other."""

    def __init__(self, address: str) -> None:
        self.pages: dict[str, Page | list[Page]] = {}
        self.default: Page | list[Page] = Page(b"not here", 404)
        self.hits: list[Hit] = []
        self.server = _Server((address, 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.base = f"http://{address}:{self.server.server_port}"

    def url(self, path: str) -> str:
        return self.base + path

    def paths(self) -> list[str]:
        return [hit.path for hit in self.hits]

    def gaps_s(self) -> list[float]:
        """Between the end of each exchange and the start of the next, as this side sees them."""
        hits = sorted(self.hits, key=lambda hit: hit.started)
        return [after.started - before.ended for before, after in itertools.pairwise(hits)]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, path: str) -> Page:
        page = self.pages.get(path, self.default)
        if isinstance(page, list):
            return page.pop(0) if len(page) > 1 else page[0]
        return page

    def _handler(site) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hit = Hit(self.path, time.monotonic(), headers=dict(self.headers.items()))
                site.hits.append(hit)
                page = site._answer(self.path)
                time.sleep(page.delay_s)
                self.send_response(page.status)
                for name, value in page.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                hit.ended = time.monotonic()
                with suppress(OSError):
                    self.wfile.write(page.body)

            def log_message(self, *_: Any) -> None: ...

        return Handler


class Raw:
    """A host that says whatever `script` sends to the socket, whatever it is asked."""

    def __init__(self, address: str, script: Callable[[socket.socket], Any], tls: bool) -> None:
        self.tls = tls
        self.server = socket.create_server((address, 0), backlog=64)
        self.script, self.count = script, 0
        self.base = f"http{'s' if tls else ''}://{address}:{self.server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str = "/") -> str:
        return self.base + path

    def close(self) -> None:
        self.server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.server.accept()
                self.count += 1
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if not self.tls:
                client.recv(65536)
            self.script(client)


class Web:
    def __init__(self) -> None:
        self._addresses = (f"127.0.{n // 250}.{n % 250 + 2}" for n in itertools.count())
        self._hosts: list[Site | Raw] = []

    def site(self, **pages: Page | list[Page]) -> Site:
        site = Site(next(self._addresses))
        site.pages |= {f"/{name}": page for name, page in pages.items()}
        self._hosts.append(site)
        return site

    def raw(self, script: Callable[[socket.socket], Any], *, tls: bool = False) -> Raw:
        """`tls`: the script itself reads what the client says first."""
        raw = Raw(next(self._addresses), script, tls)
        self._hosts.append(raw)
        return raw

    def close(self) -> None:
        for host in self._hosts:
            host.close()


class Crawled:
    """A corpus of links on loopback, crawled into `pages`."""

    def __init__(self, root: Path) -> None:
        self.corpus = Corpus(root)
        self.settings: dict[str, Any] = {
            "allow_private": True,
            "per_host_delay_s": 0.02,
            "connect_timeout_s": 5.0,
            "timeout_s": 10.0,  # long, so that a busy machine fails no test
            "retries": 0,
            "threads": 8,
        }

    @property
    def folder(self) -> Path:
        return self.corpus.table("pages").folder

    def recipe(self, **settings: Any) -> Recipe:
        return Recipe(crawl=Crawl(**(self.settings | settings)))

    def link(self, urls: Sequence[str], partitions: int = 1, first_posted: datetime | None = None) -> None:
        """Writes the links table."""
        table = self.corpus.table("links")
        rows: list[list[dict[str, Any]]] = [[] for _ in range(partitions)]
        for url in urls:
            host_hash = xxhash.xxh3_64_intdigest(url.split("/")[2].encode())
            number = host_hash * partitions >> 64
            id = xxhash.xxh3_64_hexdigest(url.encode())
            facts = {"id": id, "url": url, "first_posted": first_posted}
            rows[number].append(dict.fromkeys(schemas.LINKS.names) | facts)
        parts = []
        for number, part in enumerate(rows):
            part.sort(key=lambda row: row["id"])
            path = table.folder / partition_name(number)
            written = parquet.write(path, schemas.LINKS, [pa.Table.from_pylist(part, schemas.LINKS)])
            counts = Counts(len(part), len(part))
            parts.append(Part(path.name, "key", len(part), written.bytes, written.hash, counts))
        counts = Counts(len(urls), len(urls))
        table.publish(Manifest("links", 1, "", "", tuple(parts), counts))

    def crawl(self, urls: Sequence[str] | None = None, **settings: Any) -> dict[str, dict[str, Any]]:
        """Crawls and returns the rows by URL."""
        if urls is not None:
            self.link(urls)
        plan = pages.plan(self.corpus, self.recipe(**settings))
        stage.run(self.corpus, InlineEngine(), plan, Progress(quiet=True))
        return self.rows()

    def rows(self) -> dict[str, dict[str, Any]]:
        table = self.corpus.table("pages")
        manifest = table.manifest()
        assert manifest is not None and manifest.counts.balanced
        rows = [row for part in manifest.partitions for row in table.read(part.file).to_pylist()]
        return {row["url"]: row for row in rows}
