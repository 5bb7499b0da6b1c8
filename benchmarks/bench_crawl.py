"""The crawler on loopback: pages per second and per CPU-second, memory, and the gaps that the hosts saw.

    python -m benchmarks.bench_crawl [--hosts 1000] [--pages 10] [--delay 0.2] [--threads 64] [--plain]

Serves pages of pages/pages.parquet of the shared data (see WEBTEXT_SHARED), gzipped as most servers do, from
one address of 127.0.0.0/8 per host, each answer after 50 to 100 ms. The whole stage is measured: robots.txt,
fetch, decoding, opt-outs, WARC, journal, table. The server runs in a process of its own.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq

from tests.crawl.loopback import Crawled

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
PORT, LATENCY_S = 8177, (0.05, 0.1)
MAX_PAGE_BYTES = 100_000
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def address(host: int) -> str:
    return f"127.{1 + host // 65_536}.{host // 256 % 256}.{host % 256}"


async def serve(hosts: int, plain: bool) -> None:
    """Answers until SIGTERM, then prints per host the start and end of each exchange as JSON."""
    answers, seen = _answers(plain), defaultdict(list)
    chance, stop = random.Random(1), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("sockname")[0]
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                started, path = time.monotonic(), request.split(b" ", 2)[1]
                await asyncio.sleep(chance.uniform(*LATENCY_S))
                page = (
                    NOT_FOUND
                    if path == b"/robots.txt"
                    else answers[zlib.crc32(path + host.encode()) % len(answers)]
                )
                seen[host].append((started, time.monotonic()))
                writer.write(page)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    servers = [await asyncio.start_server(answer, address(host), PORT) for host in range(hosts)]
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)
    await stop.wait()
    for server in servers:
        server.close()
    print(json.dumps(seen), flush=True)


def _answers(plain: bool) -> list[bytes]:
    pages = pq.read_table(SHARED / "pages" / "pages.parquet", columns=["html"])["html"].to_pylist()
    answers = []
    for page in pages:
        if len(page) <= MAX_PAGE_BYTES:
            body = page if plain else gzip.compress(page)
            coding = b"" if plain else b"Content-Encoding: gzip\r\n"
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: bench\r\n" + coding
            answers.append(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return answers


def measure(hosts: int, pages: int, delay_s: float, threads: int) -> None:
    with tempfile.TemporaryDirectory(prefix="webtext-") as folder:
        crawled = Crawled(Path(folder) / "corpus")
        urls = [f"http://{address(host)}:{PORT}/{page}" for host in range(hosts) for page in range(pages)]
        crawled.link(urls, partitions=16)
        settings = {"per_host_delay_s": delay_s, "threads": threads, "timeout_s": 30.0, "opt_outs": True}
        started, cpu = time.monotonic(), time.process_time()
        rows = crawled.crawl(**settings)
        wall_s, cpu_s = time.monotonic() - started, time.process_time() - cpu
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        warc_mb = sum(path.stat().st_size for path in crawled.folder.rglob("*.warc.gz")) / 1e6
    print(f"{len(rows):,} links on {hosts:,} hosts: {dict(Counter(row['state'] for row in rows.values()))}")
    print(f"{len(rows) / wall_s:,.0f} pages/s, {len(rows) / cpu_s:,.0f} pages/CPU-s, {wall_s:.1f} s")
    print(f"{memory_mb:.0f} MB of memory with {threads} threads, {warc_mb:.1f} MB of WARC")


def tell_gaps(seen: dict[str, list[list[float]]], delay_s: float) -> None:
    gaps = [after[0] - before[1] for turns in seen.values() for before, after in pairwise(sorted(turns))]
    print(f"gaps seen by the hosts: {len(gaps):,}, shortest {min(gaps):.3f} s, polite delay {delay_s} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=10, help="per host")
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--plain", action="store_true", help="no content coding")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.hosts, arguments.plain))
        return
    command = [sys.executable, "-m", "benchmarks.bench_crawl", "--serve", "--hosts", str(arguments.hosts)]
    command += ["--plain"] if arguments.plain else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            measure(arguments.hosts, arguments.pages, arguments.delay, arguments.threads)
        finally:
            server.terminate()
        tell_gaps(json.loads(server.stdout.readline()), arguments.delay)


if __name__ == "__main__":
    main()
