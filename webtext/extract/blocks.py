"""A page as a list of text blocks, each with its place in the tree: what is decided over, keep or not."""

import re
from dataclasses import dataclass, field

BREAK = "\0"  # of a line, while a block is gathered; no page's text has one any more

_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")  # scripts without spaces between words


@dataclass(slots=True)
class Block:
    """A paragraph, heading, list item, row of a table or piece of code."""

    text: str
    node: int  # of the element that it stands in
    kind: int  # of KINDS
    words: int
    link_words: int
    item: int = -1  # the list whose item it begins
    row: int = -1  # the table whose row it is


@dataclass(slots=True)
class Blocks:
    """The blocks of a page, and the block elements of its tree in document order, as columns.

    The blocks in an element are `blocks[first:last]`. Element 0 stands for the page.
    """

    blocks: list[Block] = field(default_factory=list)
    parent: list[int] = field(default_factory=lambda: [0])
    first: list[int] = field(default_factory=lambda: [0])
    last: list[int] = field(default_factory=lambda: [0])
    own: list[int] = field(default_factory=lambda: [0])  # bits of BITS of the element itself
    any: list[int] = field(default_factory=lambda: [0])  # ... and of all above it
    shape: list[int] = field(default_factory=lambda: [0])  # alike for one path of tags and classes


def count_words(text: str) -> int:
    """Words by white space, and about how many those of scripts without spaces are."""
    words = len(text.split())
    return words if text.isascii() else words + wide_words(text)


def wide_words(text: str) -> int:
    """About how many words of scripts that write them without spaces."""
    return len(_WIDE.findall(text)) // 2
