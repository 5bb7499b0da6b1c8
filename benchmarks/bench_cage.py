"""What the extraction's process survives, and whether its memory stays flat.

    python -m benchmarks.bench_cage hostile [--every 1]
    python -m benchmarks.bench_cage memory [--pages 100000]

"hostile" sends every file of the shared data's hostile archives (WEBTEXT_SHARED) through the whole stage as
HTML and counts the verdicts: each file must get a row. "memory" sends the shared pages, again and again,
through one cage, and prints the resident memory of its process and how often it was replaced. A page that is
met again is changed, so that nothing can be remembered of it.
"""

import argparse
import os
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.bench_extract import SHARED
from webtext.extract.cage import Cage
from webtext.extract.page import Page
from webtext.sections import Extract

URL = "http://hostile.example.org/"


def hostile_files() -> Iterator[tuple[str, bytes]]:
    for archive in sorted((SHARED / "hostile").glob("*.tar.xz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield archive.name, file.read()
    for body in pq.read_table(SHARED / "hostile" / "robots_top_sites.parquet")["body"].to_pylist():
        yield "robots_top_sites", body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")


def hostile(every: int) -> None:
    cage = Cage()
    verdicts: dict[str, Counter[str]] = {}
    try:
        for name, body in islice(hostile_files(), 0, None, every):
            row = cage.measure(Page(body, URL, "text/html"), Extract())
            verdicts.setdefault(name, Counter())[row.get("verdict") or "a text"] += 1
    finally:
        cage.close()
    for name, counter in verdicts.items():
        print(f"{name}: {counter.total():,} files, {dict(counter.most_common())}")
    print(f"{sum(map(Counter.total, verdicts.values())):,} files, each with a row")


def memory(pages: int) -> None:
    bodies = pq.read_table(SHARED / "pages" / "pages.parquet", columns=["html"])["html"].to_pylist()
    cage = Cage()
    started = time.monotonic()
    try:
        for number, body in zip(count(1), islice(_changed(bodies), pages), strict=False):
            cage.measure(Page(body, URL, "text/html"), Extract())
            if number in (100, 1000) or number % 5000 in (0, 4999):
                rate = number / (time.monotonic() - started)
                print(f"{number:,} pages: {_resident_mib(cage):,} MiB, {rate:.0f} pages/s", flush=True)
    finally:
        cage.close()


def _changed(bodies: list[bytes]) -> Iterator[bytes]:
    """Each page with a class name and a word that no other page has."""
    for number in count():
        body = bodies[number % len(bodies)]
        yield body.replace(b"<p>", b'<p class="seen%d">word%d ' % (number, number), 1)


def _resident_mib(cage: Cage) -> int:
    status = Path(f"/proc/{cage.pid}/statm").read_text()
    return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["hostile", "memory"])
    parser.add_argument("--every", type=int, default=1, help="take every n-th file")
    parser.add_argument("--pages", type=int, default=100_000)
    options = parser.parse_args()
    if options.what == "hostile":
        hostile(options.every)
    else:
        memory(options.pages)


if __name__ == "__main__":
    main()
