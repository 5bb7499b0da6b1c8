"""A large corpus on a local Ray cluster and in an S3 bucket, drivers and workers killed in every command.

    python -m benchmarks.bench_cluster FOLDER [--pages 100000] [--kills 2] [--workers 2] [--only ray|s3]

Pages are passages of text/novels.ndjson.zst of the shared data (see WEBTEXT_SHARED) on 500 hosts, in WARC
files that `crawl` reads (`warc:`). The chain runs once in peace with processes; then on Ray, and on Ray with
the corpus in moto's S3 server, where a share of the requests fails. Each command's whole process tree is
killed (SIGKILL) a few times at random moments, and while it runs to its end some of its workers. At the end
the corpora must be the same. FOLDER keeps the archives and the peaceful corpus for another time.
"""

import argparse
import io
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import xxhash
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from benchmarks.bench_dedup import novels
from tests.object_store import BUCKET, serving
from tests.pipelines.chains import (
    differing,
    killed_after,
    ray_workers_killed,
    results,
    settings,
    url_list,
    webtext,
)

HOSTS, ARCHIVES, PASSAGE = 500, 8, 700  # characters of a page
UNWELL = 0.002  # of the store's requests go wrong
HOURS_S = 4 * 3600.0
LONGEST_S = {"crawl": 60.0, "build-shards": 120.0, "audit": 60.0}  # to the moment of a kill


def passages() -> Iterator[str]:
    for text in novels():
        for begin in range(0, len(text) - PASSAGE, PASSAGE):
            yield text[begin : begin + PASSAGE]


def archive(folder: Path, pages: int) -> Path:
    """Writes the pages' archives, and links to them."""
    if (folder / "links.txt").exists():
        return folder / "links.txt"
    folder.mkdir(parents=True, exist_ok=True)
    urls = []
    files = [(folder / f"pages-{number}.warc.gz").open("wb") for number in range(ARCHIVES)]
    writers = [WARCWriter(file, gzip=True) for file in files]
    headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
    for number, passage in enumerate(islice(passages(), pages)):
        url = f"http://www.site{number % HOSTS}.example/{number}"
        body = f"<html><head><title>Page {number}</title></head><body><p>{passage}</p></body></html>".encode()
        writer = writers[number % ARCHIVES]
        writer.write_record(
            writer.create_warc_record(url, "response", io.BytesIO(body), http_headers=headers)
        )
        urls.append(url)
    for file in files:
        file.close()
    return url_list(folder / "links.txt", urls)


def commands(corpus: object, folder: Path, report: Path, engine: list[object]) -> dict[str, list[object]]:
    options = settings(f'crawl.sources=["warc:{folder}/*.warc.gz"]', "tokens.vocab_size=8000")
    return {
        "crawl": ["crawl", corpus, "--links", folder / "links.txt", *options, *engine],
        "build-shards": ["build-shards", corpus, *engine],
        "audit": ["audit", corpus, "--out", report, *engine],
    }


def digests(corpus: Path, report: Path) -> dict[str, str]:
    found: Mapping[str, Any] = results(corpus) | {
        f"audit/{path.name}": path.read_bytes() for path in report.iterdir()
    }
    return {name: xxhash.xxh3_128_hexdigest(repr(value).encode()) for name, value in found.items()}


def peaceful(folder: Path, workers: int) -> dict[str, str]:
    corpus, report = folder / "calm" / "corpus", folder / "calm" / "audit"
    for name, arguments in commands(corpus, folder, report, ["--workers", workers]).items():
        began = time.monotonic()
        webtext(*arguments, timeout_s=HOURS_S)
        print(f"| processes | {name} | {time.monotonic() - began:.0f} | | |", flush=True)
    return digests(corpus, report)


def stormy(where: str, corpus: object, folder: Path, report: Path, workers: int, kills: int) -> None:
    moments = random.Random(20171231)
    engine: list[object] = ["--engine", "ray", "--workers", workers]
    for name, arguments in commands(corpus, folder, report, engine).items():
        began = time.monotonic()
        drivers = sum(killed_after(moments.uniform(12, LONGEST_S[name]), arguments) for _ in range(kills))
        found = ray_workers_killed(arguments)
        took = time.monotonic() - began
        print(f"| {where} | {name} | {took:.0f} | {drivers} | {found} |", flush=True)


def on_ray(folder: Path, workers: int, kills: int) -> dict[str, str]:
    corpus, report = folder / "ray" / "corpus", folder / "ray" / "audit"
    shutil.rmtree(folder / "ray", ignore_errors=True)
    stormy("Ray", corpus, folder, report, workers, kills)
    return digests(corpus, report)


def in_a_bucket(folder: Path, workers: int, kills: int) -> dict[str, str]:
    there, report = folder / "s3" / "corpus", folder / "s3" / "audit"
    shutil.rmtree(folder / "s3", ignore_errors=True)
    with tempfile.TemporaryDirectory() as cache, serving() as site:
        os.environ["XDG_CACHE_HOME"] = cache
        site.unwell = UNWELL
        stormy("Ray, S3", f"s3://{BUCKET}/corpus", folder, report, workers, kills)
        print(f"{site.faults_had:,} of the store's {len(site.asked):,} requests failed")
        return digests(site.downloaded("corpus", there), report)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=["ray", "s3"])
    chosen = parser.parse_args()
    folder = chosen.folder.absolute()
    archive(folder, chosen.pages)
    print("| engine | command | seconds, kills included | drivers killed | workers killed |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    calm = peaceful(folder, chosen.workers)  # which a run before may have left: then nothing is done
    for name, storm in {"ray": on_ray, "s3": in_a_bucket}.items():
        if chosen.only in (None, name):
            apart = differing(calm, storm(folder, chosen.workers, chosen.kills))
            print(f"{name}: {len(calm)} files, different: {apart or 'none'}", flush=True)


if __name__ == "__main__":
    main()
