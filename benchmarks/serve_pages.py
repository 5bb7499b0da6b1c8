"""Serves real pages from a Parquet file (columns `url`, `html`) on loopback, as an HTTP proxy.

    python benchmarks/serve_pages.py pages.parquet --count 300 --port 8090 --links links.txt

serves until Ctrl-C, and writes the pages' addresses, as http, to links.txt once it answers. Crawl them with
`--set crawl.proxy=http://127.0.0.1:8090`.
"""

import argparse
import signal
from pathlib import Path

import pyarrow.parquet as pq

from data.miniweb import MiniWeb, Page, serve

HTML = (("Content-Type", "text/html"),)


def real_web(pages: Path, count: int) -> MiniWeb:
    """`count` of the file's pages that have an address, evenly picked; every other path is a 404."""
    rows = [row for row in pq.read_table(pages, columns=["url", "html"]).to_pylist() if row["url"]]
    picked = rows[: len(rows) // count * count : len(rows) // count]
    served = {row["url"].replace("https://", "http://", 1): Page(200, HTML, row["html"]) for row in picked}
    return MiniWeb(pages=served, submissions=[], planted=[])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--links", type=Path, required=True)
    arguments = parser.parse_args()
    web = real_web(arguments.pages, arguments.count)
    with serve(web, arguments.port) as proxy:
        arguments.links.write_text("".join(f"{url}\n" for url in sorted(web.pages)))
        print(f"{len(web.pages)} pages at {proxy.address}", flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    main()
