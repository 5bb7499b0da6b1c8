"""The main text of a page, with its title, author and date.

A page is parsed once and cut into blocks; a small model says of each how likely it is main text. Decision
0006 says why, and what it was measured against.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from webtext.extract.blocks import Block, Blocks
from webtext.extract.element_names import HEADING, HINT_BITS
from webtext.extract.fallback import MOST_BLOCKS, MOST_CHARS, NOTHING, SURE, other_text
from webtext.extract.features import features
from webtext.extract.metadata import Metadata, metadata
from webtext.extract.model import probabilities
from webtext.extract.mojibake import mend
from webtext.extract.normalise import normalise
from webtext.extract.page import EXTRACTOR, FALLBACK
from webtext.extract.render import render
from webtext.extract.segment import segment
from webtext.extract.tree import parse, title_of
from webtext.sections import Extract

# How likely a block of the main text must be. What each costs and gains: RESULTS.md, "Documents".
LEAST_LIKELY = {"recall": 0.3, "balanced": 0.4, "precision": 0.6}
# Comments go where the text outside of them has so many words, and so many for each of theirs.
LEAST_WORDS, LEAST_SHARE = 100, 0.5
AROUND, MOST_LINE_CHARS = 6, 100  # of the lines that may hold a date

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Extracted:
    """A page's main text and what is known of it."""

    text: str  # normalised; empty where there is none
    title: str | None = None
    author: str | None = None
    published: str | None = None  # YYYY-MM-DD
    extractor: str = EXTRACTOR


class Judged(NamedTuple):
    """A block, how likely it is main text (0 to 1), and whether it is kept as such."""

    block: Block
    likely: float
    kept: bool


def extract(html: str, url: str | None, section: Extract, latest: str | None = None) -> Extracted:
    """The main text of an HTML page with its title, author and date, where they are known.

    No date after `latest` (YYYY-MM-DD) is believed. Depends on its arguments alone: not on the pages before,
    nor on the clock. Bounds neither time nor memory: see `cage`.
    """
    root = parse(html)
    if root is None:
        return Extracted("")
    judged = judge(root, section)
    other = other_text(html, section) if unsure(judged) and len(html) <= MOST_CHARS else ""
    text = normalise(mend(other or render(each.block for each in judged if each.kept)))
    known = metadata(root, url, latest, _beginning(judged)) if text else Metadata()
    by = FALLBACK if other else EXTRACTOR
    return Extracted(text, known.title, known.author, known.published, by)


def unsure(judged: list[Judged]) -> bool:
    """Whether a page may have a main text but no block surely is: another extractor is asked then."""
    return len(judged) <= MOST_BLOCKS and NOTHING <= max((each.likely for each in judged), default=0.0) < SURE


def judge(root: etree._Element, section: Extract) -> list[Judged]:
    """All blocks of a parsed page in their order, and which are kept."""
    page = segment(root)
    if not page.blocks:
        return []
    likely = probabilities(features(page, title_of(root)))
    kept = likely >= LEAST_LIKELY[section.favor]
    if section.favor != "recall":
        kept &= ~_comments(page, kept)
    return list(map(Judged, page.blocks, likely.tolist(), kept.tolist()))


def _comments(page: Blocks, kept: Bools) -> Bools:
    """The comments on a text. Where they are most of what there is, they are posts of a forum."""
    bits = np.array(page.any)[[block.node for block in page.blocks]]
    commented: Bools = (bits & HINT_BITS["comment"]) != 0
    words = np.array([block.words for block in page.blocks])
    text, comments = words[kept & ~commented].sum(), words[kept & commented].sum()
    if text < max(LEAST_WORDS, comments * LEAST_SHARE) or (comments and _are_posts(page, kept)):
        return np.zeros_like(commented)
    return commented


def _are_posts(page: Blocks, kept: Bools) -> bool:
    """Whether comments are marked up as the text itself is, but for being comments: Discourse's replies."""
    comment, forum = HINT_BITS["comment"], HINT_BITS["forum"]
    first, last = page.first, page.last
    posts = {
        (page.shape[node], own)
        for node, own in enumerate(page.own)
        if own & forum and not page.any[node] & comment and kept[first[node] : last[node]].any()
    }
    return any(
        own & comment and (page.shape[node], own ^ comment) in posts for node, own in enumerate(page.own)
    )


def _beginning(judged: list[Judged]) -> list[str]:
    """The short lines about the page's heading: the first that is kept, or else the first; or else about the
    first block that is kept."""
    heads = [number for number, each in enumerate(judged) if each.block.kind == HEADING]
    kept = [number for number, each in enumerate(judged) if each.kept]
    first = next(iter([*(number for number in heads if judged[number].kept), *heads, *kept]), 0)
    around = judged[max(0, first - AROUND) : first + AROUND]
    return [each.block.text for each in around if len(each.block.text) <= MOST_LINE_CHARS]
