"""Titles, authors and dates beside trafilatura's, and what they cost.

    python -m benchmarks.bench_metadata [--every 1]

Pages: those of pages/pages.parquet (see WEBTEXT_SHARED) for which people wrote them down. A title is right if
its words are, an author if the set of words is, a date if it is the day.
"""

import argparse
import logging
import re
import time
import warnings
from collections import Counter, defaultdict
from typing import Any

import pyarrow.parquet as pq
from lxml import html as lxml_html
from trafilatura.metadata import extract_metadata

from benchmarks.bench_extract import LATEST, SHARED
from webtext.extract.decode import decode
from webtext.extract.text import extract
from webtext.sections import Extract

FIELDS = ("title", "author", "date")
DATES = {"original_date": True, "extensive_search": False, "max_date": LATEST}


def ours(html: str, url: str) -> tuple[str | None, ...]:
    found = extract(html, url, Extract(), LATEST)
    return found.title, found.author, found.published


def theirs(html: str, url: str) -> tuple[str | None, ...]:
    parser = lxml_html.HTMLParser(encoding="utf-8")
    tree = lxml_html.document_fromstring(html.encode(), parser=parser)
    found = extract_metadata(tree, url, dict(DATES))
    return found.title, found.author, found.date


def right(field: str, gold: str, found: str | None) -> bool:
    if field == "date":
        return (found or "")[:10] == gold[:10]
    words, wanted = ([*re.findall(r"\w+", text.lower())] for text in (found or "", gold))
    return bool(words) and (set(words) == set(wanted) if field == "author" else words == wanted)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1, help="take every n-th page")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    rows: list[dict[str, Any]] = pq.read_table(SHARED / "pages" / "pages.parquet").to_pylist()
    counts: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    rows = [row for row in rows if any(row[field] for field in FIELDS)][:: options.every]
    for row in rows:
        decoded = decode(row["html"], None)
        if decoded is None:
            continue
        for way in (ours, theirs):
            started = time.process_time()
            found = way(decoded.text, row["url"] or "")
            seconds[way.__name__] += time.process_time() - started
            for field, value in zip(FIELDS, found, strict=True):
                if row[field]:
                    counts[f"{field} {way.__name__}"] += right(field, row[field], value)
                    counts[f"{field} of"] += way is ours
    print("| | pages | ours | trafilatura |\n| --- | --- | --- | --- |")
    for field in FIELDS:
        print(
            f"| {field} | {counts[f'{field} of']} | {counts[f'{field} ours']} | {counts[f'{field} theirs']} |"
        )
    each = {name: total / len(rows) * 1000 for name, total in seconds.items()}
    print(f"\nms a page: ours {each['ours']:.1f} with the text, trafilatura {each['theirs']:.1f} without one")


if __name__ == "__main__":
    main()
