"""The demo corpus on a disk and in an S3 bucket: seconds and requests of each command.

    python -m benchmarks.bench_object_store [--late MS] [--rounds 3]

The server is moto's, in this process, on loopback; `--late` makes each of its answers wait, as those of a
store that is far away do. Disk and bucket take turns; each command of the bucket's begins without copies.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from data import miniweb
from data.miniweb import serve
from tests.object_store import BUCKET, ObjectStore, serving
from tests.pipelines.chains import settings, webtext


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--late", type=float, default=0, help="milliseconds")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    seconds: dict[str, list[float]] = defaultdict(list)
    requests: dict[str, list[int]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, serving() as site:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        site.unwell, site.faults, site.late_s = float(chosen.late > 0), ("late",), chosen.late / 1000
        web = miniweb.build()
        miniweb.write_dump(web, folder / "RS_demo.zst")
        with serve(web) as proxy:
            options = ["--recipe", "demo", *settings(f"crawl.proxy={proxy.address}")]
            source = ["--links", folder / "RS_demo.zst", *options]
            for turn in range(chosen.rounds):
                for where, corpus in (("disk", folder / f"{turn}"), ("bucket", f"s3://{BUCKET}/{turn}")):
                    for command in (["crawl", corpus, *source], ["build-shards", corpus], ["status", corpus]):
                        key = f"{command[0]} {where}"
                        took_s, asked = _timed(command, site)
                        seconds[key].append(took_s)
                        requests[key].append(asked)
                        shutil.rmtree(folder / "cache", ignore_errors=True)
    for key, took in seconds.items():
        print(f"{key}: {statistics.median(took):.1f} s, {statistics.median(requests[key]):,.0f} requests")


def _timed(command: Sequence[object], site: ObjectStore) -> tuple[float, int]:
    started, before = time.monotonic(), len(site.asked)
    webtext(*command)
    return time.monotonic() - started, len(site.asked) - before


if __name__ == "__main__":
    main()
