"""What holds the interpreter's lock during a crawl, which is what limits one process.

    python -m benchmarks.profile_crawl PY_SPY [--hosts 300] [--pages 10] [--threads 64]

PY_SPY is the sampler's command (pip install py-spy). The crawl is bench_crawl's, opt-outs included. A table
of the samples of the deciding thread and of those that fetch, by the innermost module of ours.
"""

import argparse
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks import bench_crawl

SAMPLES_A_SECOND = 200


def table(raw: str) -> Counter[str]:
    """Samples by module, from py-spy's raw format: frames joined by semicolons, then how many."""
    samples: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        own = [frame for frame in stack.split(";") if "(webtext/" in frame]
        if any("(webtext/crawl/loop.py" in frame for frame in own):
            samples[own[-1].rpartition("(")[2].partition(":")[0]] += int(count)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("py_spy", metavar="PY_SPY")
    parser.add_argument("--hosts", type=int, default=300)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--threads", type=int, default=64)
    options = parser.parse_args()
    options.delay, options.plain = 0.2, False
    urls = [
        f"http://{bench_crawl.address(host)}:{bench_crawl.PORT}/{page}"
        for page in range(options.pages)
        for host in range(options.hosts)
    ]
    with tempfile.TemporaryDirectory(prefix="webtext-") as folder, bench_crawl.served(options):
        corpus, raw = Path(folder) / "corpus", Path(folder) / "raw.txt"
        bench_crawl.link(corpus, urls)
        sampler = [
            options.py_spy,
            "record",
            "--gil",
            "-r",
            str(SAMPLES_A_SECOND),
            "-f",
            "raw",
            "-o",
            str(raw),
            "--",
        ]
        command = bench_crawl.our_command(corpus, options)
        subprocess.run(sampler + command, check=True, capture_output=True)
        samples = table(raw.read_text())
    print(f"{samples.total() / SAMPLES_A_SECOND:.0f} s of the interpreter's lock")
    for module, count in samples.most_common(14):
        print(f"{count / samples.total():6.1%}  {module}")


if __name__ == "__main__":
    main()
