"""The documents stage beside plain trafilatura: pages per CPU-second and how much of the gold text is found.

    python -m benchmarks.bench_extract [--every 1] [--rounds 1] [--cage-pages 200]

Pages: pages/pages.parquet of the shared data (see WEBTEXT_SHARED). "ours" is all that the stage does with a
fetched page (decode, extract, metadata, normalise, language, Wikipedia, counts), "trafilatura" is
`trafilatura.extract` with its defaults on the same bytes, "resiliparse" (where it is installed) its main
content without comments. They take turns page by page. F1 is of 4-gram shingles of words, each page weighing
the same, as in article-extraction-benchmark; pages without a gold text have segments that must and must not
appear. The extractor was trained on half A of two sets, on nothing of half B, and on nothing of dragnet2013.
Charsets: the labelled samples of hostile/charset-chardet.tar.xz.
"""

import argparse
import logging
import os
import re
import statistics
import tarfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
import trafilatura
import xxhash
from charset_normalizer import from_bytes

from webtext.extract.cage import Cage
from webtext.extract.decode import decode
from webtext.extract.measures import measure
from webtext.extract.page import Page
from webtext.sections import Extract

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
Favor = Literal["precision", "recall", "balanced"]
LATEST = "2026-12-31"
WORD = re.compile(r"\w+")
SHINGLE_WORDS = 4


def ours(row: dict[str, Any], favor: Favor = "balanced") -> str:
    page = Page(row["html"], row["url"] or "", "text/html", None, LATEST)
    return measure(page, Extract(favor=favor)).get("text") or ""


def plain(row: dict[str, Any]) -> str:
    return trafilatura.extract(row["html"]) or ""


def resiliparse(row: dict[str, Any]) -> str:
    decoded = decode(row["html"], None)
    return extract_plain_text(decoded.text, main_content=True, comments=False) if decoded else ""


WAYS: dict[str, Callable[[dict[str, Any]], str]] = {
    "ours": ours,
    "ours, precision": partial(ours, favor="precision"),
    "ours, recall": partial(ours, favor="recall"),
    "trafilatura": plain,
}
if find_spec("resiliparse"):
    from resiliparse.extract.html2text import extract_plain_text

    WAYS["resiliparse"] = resiliparse


@dataclass
class Score:
    """What one way did on one set of pages."""

    pages: int = 0
    seconds: list[float] = field(default_factory=list)  # one sum per round
    right: float = 0  # shares of all shingles of a page, summed over pages
    extra: float = 0
    missed: float = 0
    found: Counter[str] = field(default_factory=Counter)  # segments

    def compare(self, text: str, row: dict[str, Any]) -> None:
        self.pages += 1
        if row["text"] is not None:
            got, gold = shingles(text), shingles(row["text"])
            right, extra, missed = (sum(part.values()) for part in (got & gold, got - gold, gold - got))
            total = max(1, right + extra + missed)
            self.right += right / total
            self.extra += extra / total
            self.missed += missed / total
        flat = " ".join(text.split())
        for kind in ("must_have", "must_not_have"):
            segments = row[kind] or []
            self.found[f"{kind} of"] += len(segments)
            self.found[kind] += sum(" ".join(segment.split()) in flat for segment in segments)

    def quality(self) -> str:
        parts = []
        if self.right:
            parts.append(f"F1 {2 * self.right / (2 * self.right + self.extra + self.missed):.3f}")
        for kind, name in (("must_have", "must"), ("must_not_have", "must not")):
            if self.found[f"{kind} of"]:
                parts.append(f"{name} {self.found[kind] / self.found[f'{kind} of']:.3f}")
        return ", ".join(parts)


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = WORD.findall(text)
    size = min(SHINGLE_WORDS, len(words)) or 1
    return Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def half_of(row: dict[str, Any]) -> str:
    """A, which the extractor was trained on (but for dragnet2013), or B, which it was not."""
    return "AB"[xxhash.xxh3_64_intdigest(row["html"]) % 2]


def names_of_sets(row: dict[str, Any]) -> list[str]:
    kind = [f"{row['set']}: {row['page_type']}"] if row["page_type"] else []
    names = [row["set"], *kind]
    return names + [f"{name}, half {half_of(row)}" for name in names]


def score(rows: list[dict[str, Any]], rounds: int) -> dict[str, dict[str, Score]]:
    """Set → way → score."""
    scores: dict[str, dict[str, Score]] = defaultdict(lambda: {way: Score() for way in WAYS})
    for number in range(rounds):
        took: defaultdict[tuple[str, str], float] = defaultdict(float)
        for index, row in enumerate(rows):
            ways = list(WAYS.items())
            for way, function in ways if index % 2 else reversed(ways):
                started = time.process_time()
                text = function(row)
                seconds = time.process_time() - started
                for name in names_of_sets(row):
                    took[name, way] += seconds
                    if number == 0:
                        scores[name][way].compare(text, row)
        for (name, way), seconds in took.items():
            scores[name][way].seconds.append(seconds)
    return scores


def cage_overhead_ms(rows: list[dict[str, Any]]) -> float:
    """What it costs this process, a page, to have pages measured in another one."""
    cage = Cage()
    try:
        pages = [Page(row["html"], row["url"] or "", "text/html") for row in rows]
        cage.measure(pages[0], Extract())
        started = time.process_time()
        for page in pages:
            cage.measure(page, Extract())
        return (time.process_time() - started) / len(pages) * 1000
    finally:
        cage.close()


# What the samples' folders name, as the superset that browsers read.
CODECS = {
    "maccyrillic": "mac-cyrillic", "macroman": "mac-roman", "tis-620": "cp874", "shift_jis": "cp932",
    "euc-kr": "cp949", "big5": "big5hkscs", "gb2312": "gb18030", "iso-8859-1": "cp1252",
    "iso-8859-9": "cp1254",
}  # fmt: skip
DECLARATION = re.compile(rb"""(?i)(?:charset|encoding)\s*=\s*["']?[\w-]*["']?|Expect:.*""")


def charset_samples() -> Iterator[tuple[str, bytes]]:
    with tarfile.open(SHARED / "hostile" / "charset-chardet.tar.xz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            label = re.sub(r"-[a-z]{5,}$", "", Path(member.name).parent.name.lower())  # the language
            if file is not None and label != "euc-tw":  # which Python does not know
                yield CODECS.get(label, label), file.read()


def charsets() -> None:
    samples = list(charset_samples())
    bare = [
        (codec, body if codec.startswith("utf") else DECLARATION.sub(b"", body)) for codec, body in samples
    ]
    print(
        f"\n| {len(samples)} labelled samples, read right | ours | charset-normalizer alone |"
        "\n| --- | --- | --- |"
    )
    ways = (
        ("with their declarations", samples, None),
        ("without", bare, None),
        ("called iso-8859-1 by the server", bare, "iso-8859-1"),
    )
    for name, given, charset in ways:
        wanted = [body.decode(codec, "replace") for codec, body in given]
        decoded = [decode(body, charset) for _, body in given]
        mine = sum(d is not None and d.text == text for d, text in zip(decoded, wanted, strict=True))
        alone = sum(
            str(from_bytes(body).best()) == text for (_, body), text in zip(given, wanted, strict=True)
        )
        print(f"| {name} | {mine} | {alone} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1, help="take every n-th page")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cage-pages", type=int, default=200)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    rows = pq.read_table(SHARED / "pages" / "pages.parquet").to_pylist()[:: options.every]
    for function in WAYS.values():
        function(rows[0])  # loads profiles and libraries
    print("| set | pages | way | pages per CPU-second | quality |\n| --- | --- | --- | --- | --- |")
    for name, ways in sorted(score(rows, options.rounds).items()):
        for way, result in ways.items():
            rate = result.pages / statistics.median(result.seconds)
            print(f"| {name} | {result.pages} | {way} | {rate:.1f} | {result.quality()} |")
    charsets()
    if options.cage_pages:
        overhead = cage_overhead_ms(rows[: options.cage_pages])
        print(f"\nA page's way to the other process and back: {overhead:.2f} ms of CPU here")


if __name__ == "__main__":
    main()
