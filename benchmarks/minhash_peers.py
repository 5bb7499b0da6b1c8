"""MinHash and banding by text-dedup and datatrove, 16 × 8 over word 5-grams as in bench_dedup, which runs
this in environments that have them:

    PYTHON benchmarks/minhash_peers.py text-dedup|datatrove TEXTS.json

Prints the CPU seconds that the texts took, imports not counted.
"""

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

BANDS, ROWS, WORDS = 16, 8, 5


def text_dedup() -> Callable[[list[str]], None]:
    """Its own function for a document with its defaults (sha1, 64 bits), and its hash tables."""
    import numpy as np
    from text_dedup.minhash import RNG, embed_func
    from text_dedup.utils.hashfunc import sha1_hash

    most, prime = np.uint32((1 << 32) - 1), np.uint64((1 << 61) - 1)
    chosen: dict[str, Any] = {
        "num_perm": BANDS * ROWS,
        "ngram_size": WORDS,
        "min_length": WORDS,
        "hashranges": [(band * ROWS, (band + 1) * ROWS) for band in range(BANDS)],
        "permutations": tuple(
            RNG.randint(low, prime, size=(BANDS * ROWS,), dtype=np.uint64) for low in (1, 0)
        ),
        "hash_func": lambda data: sha1_hash(data, d=32),
        "dtype": np.uint64,
        "max_hash": most,
        "modulo_prime": prime,
    }

    def run(texts: list[str]) -> None:
        tables: list[dict[bytes, set[int]]] = [defaultdict(set) for _ in range(BANDS)]
        for number, text in enumerate(texts):
            for table, band in zip(tables, embed_func(text, number, **chosen)["__signatures__"], strict=True):
                table[band].add(number)

    return run


def datatrove() -> Callable[[list[str]], None]:
    """Its first step: signatures, written and sorted band by band."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.logging import logger

    logger.remove()
    config = MinhashConfig(n_grams=WORDS, num_buckets=BANDS, hashes_per_bucket=ROWS)

    def run(texts: list[str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            step = MinhashDedupSignature(folder, config=config)
            step.run(Document(text=text, id=str(number)) for number, text in enumerate(texts))

    return run


def main(peer: str, path: str) -> None:
    run = {"text-dedup": text_dedup, "datatrove": datatrove}[peer]()
    texts = json.loads(Path(path).read_text("utf-8"))
    run(texts[:3])  # tables and tokenizers are loaded when first used
    started = time.process_time()
    run(texts)
    print(time.process_time() - started)


if __name__ == "__main__":
    main(*sys.argv[1:])
