"""Duplicate detection: speed of signatures beside its peers, and quality against exact Jaccard.

    python -m benchmarks.bench_dedup speed   [--documents 1000] [--rounds 7] [--text-dedup PYTHON]
                                             [--datatrove PYTHON]
    python -m benchmarks.bench_dedup quality [--documents 20000] [--plot docs/duplicates.svg]

PYTHON is the interpreter of an environment that has the peer.

Text: text/novels.ndjson.zst of the shared data (see WEBTEXT_SHARED), cut into documents of 3,600 characters.
Speed is per CPU-second, text in, signatures out; the ways take turns and the median counts.
"""

import argparse
import io
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import zstandard
from datasketch import MinHash, MinHashLSH

from benchmarks import minhash_peers
from tests.dedup.corpora import Document, build_clusters, write_corpus
from webtext import schemas
from webtext.audit.blocks import Figure
from webtext.audit.charts import Column, columns
from webtext.audit.page import standalone
from webtext.dedup.candidates import candidate_pairs
from webtext.dedup.normalise import normalise
from webtext.dedup.recall import recall_at
from webtext.dedup.shingles import shingle_hashes
from webtext.dedup.signatures import sign
from webtext.sections import Dedup

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
CHARACTERS = 3_600
EDITS = (0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.1)  # share of words replaced
BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of similarity


def novels() -> Iterator[str]:
    with (SHARED / "text" / "novels.ndjson.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            text = json.loads(line)["text"]
            for begin in range(0, len(text) - CHARACTERS, CHARACTERS):
                yield text[begin : begin + CHARACTERS]


def ours(texts: Sequence[str]) -> list[pa.Table]:
    """The stage's own function: normalisation, text hash, shingles, MinHash, band hashes."""
    columns = {
        "id": [f"{n:016x}" for n in range(len(texts))],
        "text": texts,
        "verdict": ["keep"] * len(texts),
    }
    documents = pa.table(columns).to_batches(max_chunksize=200)
    return list(sign(documents, schemas.LINKS.empty_table(), Dedup()))


def ours_with_pairs(texts: Sequence[str]) -> None:
    """And the candidate pairs of all bands."""
    table = pa.concat_tables(ours(texts))
    ranks = np.arange(table.num_rows, dtype=np.uint32)
    for band in range(Dedup().bands):
        for _ in candidate_pairs(table[schemas.band_column(band)].to_numpy(), ranks):
            pass


def datasketch_loop(texts: Sequence[str]) -> None:
    """As datasketch's documentation does it: one update per shingle, sha1, then its index."""
    index = MinHashLSH(num_perm=128, params=(16, 8))
    for number, text in enumerate(texts):
        sketch, words = MinHash(128), text.lower().split()
        for place in range(len(words) - 4):
            sketch.update(" ".join(words[place : place + 5]).encode())
        index.query(sketch)
        index.insert(number, sketch)


def datasketch_batch(texts: Sequence[str]) -> None:
    """As fast as datasketch goes by itself: one update per document, sha1, then its index."""
    index = MinHashLSH(num_perm=128, params=(16, 8))
    for number, text in enumerate(texts):
        words = text.lower().split()
        shingles = [" ".join(words[place : place + 5]).encode() for place in range(len(words) - 4)]
        sketch = MinHash(128)
        sketch.update_batch(shingles)
        index.query(sketch)
        index.insert(number, sketch)


def datasketch_fed(texts: Sequence[str]) -> None:
    """datasketch with our shingle hashes, without its index."""
    hashes, offsets = shingle_hashes([normalise(text) for text in texts], 5)
    for begin, end in pairwise(offsets.tolist()):
        MinHash(128, hashfunc=int).update_batch((hashes[begin:end] & np.uint64(0xFFFFFFFF)).tolist())


def peer(python: str, name: str, texts: Sequence[str]) -> float:
    """The CPU seconds of a peer in its own environment."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(list(texts), file)
        file.flush()
        command = [python, minhash_peers.__file__, name, file.name]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_speed(count: int, rounds: int, peers: dict[str, str]) -> None:
    plain = list(islice(novels(), count))
    quoted = [f"“{text}”" for text in plain]
    chinese = ["".join(chr(0x4E00 + ord(c) * 37 % 20_000) for c in text[:1_200]) for text in plain]
    ways: dict[str, tuple[Callable[[Sequence[str]], object], Sequence[str]]] = {
        "datasketch, its loop, and MinHashLSH": (datasketch_loop, plain),
        "datasketch, batches, and MinHashLSH": (datasketch_batch, plain),
        "datasketch, fed our shingle hashes": (datasketch_fed, plain),
        "webtext": (ours, plain),
        "webtext, and candidate pairs": (ours_with_pairs, plain),
        "webtext, texts with curly quotes": (ours, quoted),
        "webtext, Chinese": (ours, chinese),
    }
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, (way, texts) in ways.items():
            megabytes = sum(len(text.encode()) for text in texts) / 1e6
            started = time.process_time()
            way(texts)
            rates[name].append(megabytes / (time.process_time() - started))
        for name, python in peers.items():
            some = plain[: count // 4]  # they are slow
            rates[name].append(sum(len(text.encode()) for text in some) / 1e6 / peer(python, name, some))
    base = statistics.median(rates["datasketch, batches, and MinHashLSH"])
    print(f"{count:,} documents, {rounds} rounds: MB per CPU-second, median (lowest to highest), ratio")
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"  {name:36} {rate:6.1f} ({min(found):.1f} to {max(found):.1f})  {rate / base:5.1f} ×")


def planted(count: int) -> list[str]:
    """Base documents and, of each, a copy with one of EDITS' shares of words replaced."""
    generator = random.Random(1)
    made = []
    for number, text in enumerate(islice(novels(), count // 2)):
        words = text.split()
        share = EDITS[number % len(EDITS)]
        edited = [f"edit{generator.random()}" if generator.random() < share else word for word in words]
        made += [text, " ".join(edited)]
    return made


def exact_pairs(texts: Sequence[str], least: float) -> dict[tuple[int, int], float]:
    """The Jaccard similarity, in plain Python, of every pair that reaches `least`."""
    with_shingle: dict[int, list[int]] = defaultdict(list)
    sizes = []
    for number, text in enumerate(texts):
        words = normalise(text).split()
        # Python's own 64-bit hash of a shingle's words, which has nothing to do with ours
        shingles = {hash(tuple(words[place : place + 5])) for place in range(len(words) - 4)}
        sizes.append(len(shingles))
        for shingle in shingles:
            with_shingle[shingle].append(number)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for numbers in with_shingle.values():
        for pair in combinations(numbers, 2):
            shared[pair] += 1
    found = {}
    for (a, b), common in shared.items():
        similarity = common / (sizes[a] + sizes[b] - common)
        if similarity >= least:
            found[a, b] = similarity
    return found


def measure_quality(count: int, plot: Path | None) -> None:
    texts = planted(count)
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder), [Document(n, text) for n, text in enumerate(texts)], partitions=4)
        # as wide as it goes, to see what banding finds below the threshold too
        build_clusters(corpus, workers=2, threshold=BINS[0])
        rows = corpus.table("clusters/edges").dataset().to_table().to_pylist()
    found = {(int(row["a"], 16), int(row["b"], 16)): row["similarity"] for row in rows}
    true = exact_pairs(texts, BINS[0])
    wrong = [pair for pair, similarity in found.items() if abs(true.get(pair, 0) - similarity) > 1e-12]
    reach = [pair for pair, similarity in true.items() if similarity >= Dedup().threshold]
    # exact copies are found before there are pairs
    found |= {(a, b): 1.0 for a, b in reach if normalise(texts[a]) == normalise(texts[b])}
    hit = sum(pair in found for pair in reach)
    print(f"{len(texts):,} documents, {len(true):,} pairs of similarity ≥ {BINS[0]} by exact Jaccard")
    print(f"  recall of pairs ≥ {Dedup().threshold}: {hit / len(reach):.4f} ({hit:,} of {len(reach):,})")
    print(f"  verified pairs whose similarity is not the exact one: {len(wrong)} of {len(found):,}")
    print("  similarity   pairs   found   theory at the middle")
    for low, high in pairwise(BINS):
        pairs = [pair for pair, similarity in true.items() if low <= similarity < high]
        share = sum(pair in found for pair in pairs) / max(1, len(pairs))
        theory = recall_at((low + high) / 2, Dedup().bands, Dedup().rows)
        print(f"  {low:.1f} to {high:.1f}   {len(pairs):5,}   {share:6.1%}   {theory:6.1%}")
    print("  words replaced   median similarity   found at threshold 0.8")
    bars = []
    for place, share in enumerate(EDITS):
        pairs = [(2 * n, 2 * n + 1) for n in range(place, len(texts) // 2, len(EDITS))]
        median = statistics.median(true.get(pair, 0.0) for pair in pairs)
        dropped = sum(found.get(pair, 0) >= Dedup().threshold for pair in pairs)
        print(f"  {share:14.2%}   {median:17.3f}   {dropped / len(pairs):6.1%}")
        label = f"{100 * share:g} % of words replaced"
        bars.append(Column(label, (dropped, len(pairs) - dropped), f"{100 * share:g}"))
    if plot:
        draw(plot, bars)


def draw(path: Path, bars: Sequence[Column]) -> None:
    title = "Copies found, by how many of their words were replaced"
    parts = ["copies found", "copies not found"]
    svg = columns("edits", title, bars, parts=parts, axis="% of words replaced (red: not found)")
    path.write_text(standalone(Figure("edits", svg, title)), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speed", "quality"])
    parser.add_argument("--documents", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--text-dedup", metavar="PYTHON")
    parser.add_argument("--datatrove", metavar="PYTHON")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if given.what == "speed":
        peers = {"text-dedup": given.text_dedup, "datatrove": given.datatrove}
        chosen = {name: python for name, python in peers.items() if python}
        measure_speed(given.documents or 1_000, given.rounds, chosen)
    else:
        measure_quality(given.documents or 20_000, given.plot)


if __name__ == "__main__":
    main()
