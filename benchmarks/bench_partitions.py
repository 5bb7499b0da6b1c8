"""What commands cost by the number of partitions: 45 million links have up to 65,536 of them.

    python -m benchmarks.bench_partitions [--pages 4000] [--rows 16 8 4 2]

So many pages, each on a domain of its own, come from one WARC file. Partitions of only a few submissions
(`--rows`) make many of little: CPU-seconds of a command with all its processes, and the peak memory of the
largest one. What grows faster than the partitions do would not end on 65,536.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

# `webtext` with another number of submissions a partition
COMMAND = "from webtext.links import partitions; partitions.ROWS = {}; from webtext.cli import main; main()"
REMOVED = 10_000  # URLs in a list of removals, none of them in the corpus
TEXT = b"<html><body><p>" + b"The river rose in the night, and the mill by the bridge stood still. " * 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=4000)
    parser.add_argument("--rows", type=int, nargs="+", default=[16, 8, 4, 2])
    asked = parser.parse_args()
    print("| partitions | " + " | ".join(name for name, _ in _commands(Path(), "")) + " |", flush=True)
    with tempfile.TemporaryDirectory(prefix="webtext-") as name:
        folder = Path(name)
        urls = [f"http://site{number}.org/" for number in range(asked.pages)]
        _write(folder, urls)
        for rows in asked.rows:
            corpus = folder / f"corpus-{rows}"
            found = [_measured(rows, command) for _, command in _commands(corpus, urls[0])]
            partitions = len(list((corpus / "links").glob("part-*.parquet")))
            cells = (f"{seconds:.1f} s, {megabytes:.0f} MB" for seconds, megabytes in found)
            print(f"| {partitions:,} | {' | '.join(cells)} |", flush=True)


def _write(folder: Path, urls: list[str]) -> None:
    """The links, the pages, and a list of removals."""
    (folder / "links.txt").write_text("".join(f"{url}\n" for url in urls))
    away = (f"http://elsewhere{number}.example/\n" for number in range(REMOVED))
    (folder / "removals.txt").write_text("".join(away))
    with (folder / "pages.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for url in urls:
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            body = io.BytesIO(TEXT + url.encode())
            writer.write_record(writer.create_warc_record(url, "response", body, http_headers=headers))


def _commands(corpus: Path, url: str) -> Iterator[tuple[str, list[str]]]:
    """What is measured, in order, and its name."""
    given, folder = str(corpus), corpus.parent
    sources = [
        "--links",
        str(folder / "links.txt"),
        "--set",
        f"crawl.sources=warc:{folder / 'pages.warc.gz'}",
    ]
    yield "crawl", ["crawl", given, *sources, "--workers", "1", "--quiet"]
    yield "again", ["crawl", given, "--workers", "1", "--quiet"]
    yield "status", ["status", given]
    yield "explain", ["explain", given, url]
    removals = ["--from", str(folder / "removals.txt"), "--dry-run", "--workers", "1"]
    yield "remove, dry run", ["remove", given, *removals]


def _measured(rows: int, command: list[str]) -> tuple[float, float]:
    """CPU-seconds with all processes, and the peak of the largest in MB."""
    program = [sys.executable, "-c", COMMAND.format(rows), *command]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
