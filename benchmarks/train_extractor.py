"""Trains the model that decides which blocks of a page are its main text.

    python -m benchmarks.train_extractor webtext/extract/blocks.npz

Of pages/pages.parquet (see WEBTEXT_SHARED) it looks at half A of two sets alone: the pages of wcxb with gold
text, and the pages of trafilatura's evaluation set, whose text is taken from trafilatura (recall, without
comments) except where people have marked segments. Nothing of half B and of dragnet2013 is used.
Gradient boosting of symmetric trees (each level asks one question) on logistic loss.
"""

import argparse
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import trafilatura
from numpy.typing import NDArray

from benchmarks.bench_extract import SHARED, WORD, half_of, shingles
from webtext.extract.blocks import Block
from webtext.extract.decode import decode
from webtext.extract.features import features
from webtext.extract.segment import segment
from webtext.extract.tree import parse, title_of

TREES, DEPTH, RATE = 200, 6, 0.08
CUTS = 32  # thresholds tried for each feature
COLUMNS, ROWS = 0.3, 0.6  # shares of features and blocks that each tree sees
L2 = 8.0
MARKED = 0.04  # the least weight of a block in which people marked a segment

Array = NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    rows = pq.read_table(SHARED / "pages" / "pages.parquet").to_pylist()
    sets = [
        examples(row) for row in rows if row["set"] in ("wcxb-dev", "trafilatura") and half_of(row) == "A"
    ]
    x, y, weight = (np.concatenate(column) for column in zip(*filter(None, sets), strict=True))
    column, above, value = boost(x, y, weight / weight.mean())
    np.savez_compressed(options.out, column=column, above=above, value=value)
    print(f"{len(sets)} pages, {len(y)} blocks, {options.out}: {options.out.stat().st_size:,} bytes")


def examples(row: dict[str, Any]) -> tuple[Array, Array, Array] | None:
    """Features, labels and weights of a page's blocks."""
    decoded = decode(row["html"], None)
    root = parse(decoded.text) if decoded else None
    page = segment(root) if root is not None else None
    if root is None or page is None or not page.blocks or decoded is None:
        return None
    gold = row["text"] or trafilatura.extract(decoded.text, favor_recall=True, include_comments=False) or ""
    labels = shares_in(gold, page.blocks)
    words = np.array([block.words for block in page.blocks])
    # A long page counts more than a short one, but not by its length.
    weight = np.minimum(words + 1, 150) / max(200, words.sum() ** 0.7 * 8)
    if row["text"] is None:
        for number, block in enumerate(page.blocks):
            wanted, unwanted = (marked(row[name], block) for name in ("must_have", "must_not_have"))
            if wanted or unwanted:
                labels[number] = 0 if unwanted else 1
                weight[number] = max(weight[number] * 2, MARKED)
    return features(page, title_of(root)), (labels > 0.5).astype(float), weight


def marked(segments: list[str] | None, block: Block) -> bool:
    return any(" ".join(segment.split()) in block.text for segment in segments or [])


def shares_in(gold: str, blocks: list[Block]) -> Array:
    """How much of each block is in the gold text. Of the shortest, whose words may be anywhere: as a line, or
    as part of one among neighbours that are in it."""
    grams = shingles(gold)
    lines = {joined(line) for line in gold.split("\n")}
    whole = f" {joined(gold)} "
    unsure = 0.5
    shares = np.zeros(len(blocks))
    for number, block in enumerate(blocks):
        words = WORD.findall(block.text)
        if len(words) >= 4:
            shares[number] = np.mean([gram in grams for gram in elements(block.text)])
        elif words:
            line = joined(block.text)
            shares[number] = 1 if line in lines else unsure if f" {line} " in whole else 0
    for at in np.nonzero(shares == unsure)[0]:
        around = shares[max(0, at - 2) : at + 3]
        sure = around[around != unsure]
        shares[at] = 1 if len(sure) and sure.mean() > 0.6 else 0
    return shares


def elements(text: str) -> list[tuple[str, ...]]:
    return list(Counter.elements(shingles(text)))


def joined(text: str) -> str:
    return " ".join(re.findall(r"\w+", text)).lower()


def boost(x: Array, y: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Column and threshold of each level (trees × depth), and the leaves' values (trees × 2^depth)."""
    random = np.random.default_rng(1)
    cuts = [np.unique(np.quantile(c, np.linspace(0, 1, CUTS + 1)[1:-1], method="lower")) for c in x.T]
    binned = np.array(
        [np.searchsorted(cut, c, side="left") for cut, c in zip(cuts, x.T, strict=True)], np.uint8
    )
    logit = np.zeros(len(y))
    columns, above, values = [], [], []
    for _ in range(TREES):
        p = 1 / (1 + np.exp(-logit))
        seen = np.nonzero(random.random(len(y)) < ROWS)[0]
        gradient, hessian = ((y - p) * weight)[seen], (np.maximum(p * (1 - p), 1e-4) * weight)[seen]
        tried = random.choice(x.shape[1], int(x.shape[1] * COLUMNS), replace=False)
        leaf, questions = grow(binned[:, seen], tried, cuts, gradient, hessian)
        step = RATE * np.bincount(leaf, gradient, 1 << DEPTH)
        value = (step / (np.bincount(leaf, hessian, 1 << DEPTH) + L2)).astype(np.float32)
        everywhere = np.zeros(len(y), np.int64)
        for column, cut in questions:
            everywhere = everywhere * 2 + (binned[column] > cut)
        logit += value[everywhere]
        columns.append([column for column, _ in questions])
        above.append([cuts[column][cut] for column, cut in questions])
        values.append(value)
    return np.array(columns, np.uint8), np.array(above, np.float32), np.array(values)


def grow(
    binned: Array, tried: Array, cuts: list[Array], gradient: Array, hessian: Array
) -> tuple[Array, list[tuple[int, int]]]:
    """One tree: the leaf of each example, and the question of each level."""
    leaf = np.zeros(len(gradient), np.int64)
    questions: list[tuple[int, int]] = []
    for level in range(DEPTH):
        best = (-1.0, 0, 0)
        for column in map(int, tried):
            gains = gains_of(leaf * CUTS + binned[column], gradient, hessian, 1 << level)[: len(cuts[column])]
            if len(gains) and gains.max() > best[0]:
                best = (float(gains.max()), column, int(gains.argmax()))
        questions.append(best[1:])
        leaf = leaf * 2 + (binned[best[1]] > best[2])
    return leaf, questions


def gains_of(code: Array, gradient: Array, hessian: Array, leaves: int) -> Array:
    """What a split at each threshold gains, summed over leaves (XGBoost, equation 7)."""
    g, h = (np.bincount(code, part, leaves * CUTS).reshape(leaves, CUTS) for part in (gradient, hessian))
    left_g, left_h = g.cumsum(1), h.cumsum(1)
    all_g, all_h = left_g[:, -1:], left_h[:, -1:]
    split = left_g**2 / (left_h + L2) + (all_g - left_g) ** 2 / (all_h - left_h + L2)
    gains: Array = (split - all_g**2 / (all_h + L2)).sum(0)
    return gains


if __name__ == "__main__":
    main()
