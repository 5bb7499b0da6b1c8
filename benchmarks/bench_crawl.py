"""The crawler on loopback: pages per second and per CPU-second, memory, and the gaps that the hosts saw.

    python -m benchmarks.bench_crawl [--hosts 1000] [--pages 10] [--delay 0.2] [--threads 64] [--plain]
        [--kills 10] [--scrapy PYTHON] [--rounds 3]

Serves pages of pages/pages.parquet of the shared data (see WEBTEXT_SHARED), gzipped as most servers do, from
one address of 127.0.0.0/8 per host, each answer after 50 to 100 ms. The whole stage is measured: robots.txt,
fetch, decoding, opt-outs, WARC, journal, table. Client and server are processes of their own; CPU and memory
are those of the client from its start to its end.

`--kills` kills the crawl that often (SIGKILL) and lets it go on. `--scrapy` runs scrapy_crawl.py in turn with
ours, by a Python that has Scrapy installed; it keeps nothing. Ours is without opt-outs then, so that both ask
for the same.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.crawl.loopback import Crawled

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
PORT, LATENCY_S = 8177, (0.05, 0.1)
MAX_PAGE_BYTES = 100_000
CONNECTIONS = 512  # Scrapy counts those that wait for their turn; ours keeps as many hosts in turn
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
                    if path in (b"/robots.txt", b"/.well-known/tdmrep.json")
                    else answers[zlib.crc32(path + host.encode()) % len(answers)]
                )
                seen[host].append((started, time.monotonic(), path.decode()))
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


@dataclass(frozen=True)
class Run:
    """What a client's process took, and what it says of itself."""

    told: dict[str, Any]
    cpu_s: float
    memory_mb: float


def crawl(folder: Path, threads: int, delay_s: float, opt_outs: bool) -> None:
    """Our client: crawls the corpus in a folder and prints what it got as JSON."""
    crawled = Crawled(folder)
    started = time.monotonic()
    rows = crawled.crawl(per_host_delay_s=delay_s, threads=threads, timeout_s=30.0, opt_outs=opt_outs)
    wall_s = time.monotonic() - started
    warc_mb = sum(path.stat().st_size for path in crawled.folder.rglob("*.warc.gz")) / 1e6
    states = dict(Counter(row["state"] for row in rows.values()))
    print(json.dumps({"pages": states, "wall_s": wall_s, "warc_mb": round(warc_mb, 1)}))


def link(folder: Path, urls: list[str]) -> None:
    Crawled(folder).link(urls, partitions=16)


def our_command(folder: Path, options: argparse.Namespace, opt_outs: bool = True) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.bench_crawl", "--client", str(folder)]
    command += ["--threads", str(options.threads), "--delay", str(options.delay)]
    return command if opt_outs else [*command, "--no-opt-outs"]


def run(command: list[str]) -> Run:
    """Runs a client to its end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        told = json.loads(client.stdout.readlines()[-1])
        _, status, used = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
    return Run(told, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def killed(command: list[str], corpus: Path, times: int) -> Run:
    """Runs a client that is killed again and again while it fetches pages, and then runs it to its end."""
    chance = random.Random(5)
    for _ in range(times):
        rows = _journalled(corpus)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as client:
            while _journalled(corpus) == rows and client.poll() is None:
                time.sleep(0.05)
            time.sleep(chance.uniform(0.2, 2.0))
            client.kill()
    return run(command)


def _journalled(corpus: Path) -> int:
    """The bytes of the rows that a crawl has so far."""
    return sum(path.stat().st_size for path in corpus.glob("pages/*.journal.jsonl"))


@contextmanager
def served(options: argparse.Namespace) -> Iterator[dict[str, list[Any]]]:
    """A server while the block runs; then what it saw, per host: start, end and path of each exchange."""
    command = [sys.executable, "-m", "benchmarks.bench_crawl", "--serve", "--hosts", str(options.hosts)]
    command += ["--plain"] if options.plain else []
    seen: dict[str, list[Any]] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            yield seen
        finally:
            server.terminate()
            seen.update(json.loads(server.stdout.readline()))


def tell(name: str, run: Run, seen: dict[str, list[Any]], options: argparse.Namespace) -> None:
    total, wall_s = options.hosts * options.pages, run.told["wall_s"]
    gaps = [after[0] - before[1] for turns in seen.values() for before, after in pairwise(sorted(turns))]
    starts = [after[0] - before[0] for turns in seen.values() for before, after in pairwise(sorted(turns))]
    asked = Counter((host, path) for host, turns in seen.items() for _, _, path in turns)
    twice = sum(count - 1 for (_, path), count in asked.items() if path[1:].isdigit())
    print(f"{name}: {total:,} links on {options.hosts:,} hosts: {run.told['pages']}")
    print(f"  {total / wall_s:,.0f} pages/s, {total / run.cpu_s:,.0f} pages/CPU-s, {wall_s:.1f} s", end=", ")
    print(f"{run.memory_mb:.0f} MB of memory, {run.told.get('warc_mb', 0)} MB of WARC")
    print(f"  seen by the hosts: {len(gaps):,} gaps, shortest {min(gaps):.3f} s from end to start", end=", ")
    print(
        f"{min(starts):.3f} s from start to start, delay {options.delay} s; {twice} pages asked twice",
        flush=True,
    )


def main() -> None:
    options = _options()
    if options.serve:
        asyncio.run(serve(options.hosts, options.plain))
        return
    if options.client:
        crawl(options.client, options.threads, options.delay, not options.no_opt_outs)
        return
    urls = [
        f"http://{address(host)}:{PORT}/{page}"
        for page in range(options.pages)
        for host in range(options.hosts)
    ]
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="webtext-") as folder:
            corpus, listed = Path(folder) / "corpus", Path(folder) / "urls.txt"
            link(corpus, urls)
            with served(options) as seen:
                ours = killed(our_command(corpus, options, not options.scrapy), corpus, options.kills)
            tell(f"webtext {number + 1}", ours, seen, options)
            if options.scrapy:
                listed.write_text("\n".join(urls))
                script = str(Path(__file__).with_name("scrapy_crawl.py"))
                with served(options) as seen:
                    theirs = run([options.scrapy, script, str(listed), str(options.delay), str(CONNECTIONS)])
                tell(f"scrapy {number + 1}", theirs, seen, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=10, help="per host")
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--plain", action="store_true", help="no content coding")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--scrapy", metavar="PYTHON", help="a Python that has Scrapy")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--no-opt-outs", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if (
        options.scrapy
        and subprocess.run([options.scrapy, "-c", "import scrapy"], stderr=subprocess.DEVNULL).returncode
    ):
        print(f"{options.scrapy} has no Scrapy (pip install scrapy): left out", file=sys.stderr)
        options.scrapy = None
    return options


if __name__ == "__main__":
    main()
