"""What a block looks like, in numbers: its text, its place, its neighbours, its likes and its page."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webtext.extract.blocks import Blocks
from webtext.extract.element_names import BITS, HEADING, HINT_BITS, TAG_BITS

Floats = NDArray[np.float64]
Array = NDArray[Any]
Columns = Iterable[Any]  # arrays of a number for each block, or one number for all of them

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?:\s|$)")
# Of lower case; one alternative for each first letter, by which the search can skip.
_BOILERPLATE = re.compile(
    r"©|\(c\)|a(?:ll rights reserved|d(?:d to cart|vertis))|c(?:o(?:pyright|okie|ntact us)|lick here"
    r"|(?<=\bc)omments?\b)|follow us|l(?:og ?in|earn more)|m(?<=\bm)enu\b|newsletter"
    r"|p(?:rivacy|owered by|(?<=\bp)osted\b)|r(?:e(?:ad more|lated|commended)|(?<=\br)eply\b)"
    r"|s(?:ubscri|ign ?(?:up|in)|hare (?:this|on)|ponsor|kip to)|terms of|your (?:email|cart|browser)"
)
# Likewise: a year, a time of day, "ago".
_TIME = re.compile(r"1(?<=\b1)9\d\d\b|2(?<=\b2)0\d\d\b|:(?<=\d:)\d\d|a(?<=\ba)go\b")
_BYLINE = re.compile(
    r"(?i)\W*(?:by|posted|written|published|updated|photo|image|source|credit|tags?|filed|categor)\b"
)
MOST_LINKS = 0.35  # of the words of prose
LEAST_WORDS = 8  # of a block that may be prose
SHORT, SHORTER = 1000, 300  # characters of a block that may be no more than boilerplate, than a date
LEVELS, LIKES = 5, 4  # elements above a block that are looked at
PAGE_HINTS = [HINT_BITS[name] for name in ("forum", "comment", "shop", "item", "content")]
PAGE_TAGS = [TAG_BITS[name] for name in ("article", "p", "main", "table", "ul")]


def features(page: Blocks, title: str) -> NDArray[np.float32]:
    """A row for each block of a page that has some, always of the same columns."""
    return _Page(page, title).matrix()


class _Page:
    """A page's columns. What is per block is of shape (blocks,), what is per element (elements,); a table of
    several such has one in each row, which makes its columns lie side by side."""

    def __init__(self, page: Blocks, title: str) -> None:
        self.title = title
        blocks = page.blocks
        self.texts = [block.text for block in blocks]
        self.count = len(blocks)
        self.index = np.arange(self.count)
        self.node = np.array([block.node for block in blocks])
        self.kind = np.array([block.kind for block in blocks])
        self.words = np.array([block.words for block in blocks], dtype=np.float64)
        self.links = np.array([block.link_words for block in blocks], dtype=np.float64)
        self.density = _density(self.words, self.links)
        prose = (self.links < MOST_LINKS * self.words) & (self.words >= LEAST_WORDS)
        self.prose = np.where(prose, self.words - self.links, 0)
        self.text = _of_texts(self.texts)
        self.parent, self.first, self.last = map(np.array, (page.parent, page.first, page.last))
        self.shape, own, self.any = map(np.array, (page.shape, page.own, page.any))
        self.near = own | own[self.parent] | own[self.parent[self.parent]]  # bits of elements and two above
        # words, links, prose and number of blocks up to each block; differences are sums of ranges
        self.up_to = np.zeros((4, self.count + 1))
        np.cumsum([self.words, self.links, self.prose, np.ones(self.count)], axis=1, out=self.up_to[:, 1:])
        self.sums = self.up_to[:, self.last] - self.up_to[:, self.first]  # of each element
        self.all_words, self.all_links, self.all_prose = np.maximum(1, self.up_to[:3, -1])

    def matrix(self) -> NDArray[np.float32]:
        columns = [
            *self.text, *self.own(), *self.neighbours(), *self.around(), *self.position(),
            *self.containers(), *self.likes(), *self.hints(), *self.main_element(), *self.whole_page(),
        ]  # fmt: skip
        matrix = np.empty((len(columns), self.count), dtype=np.float32)
        for row, column in zip(matrix, columns, strict=True):
            row[:] = column
        return matrix.T

    def own(self) -> Columns:
        return self.kind, self.words, self.density, self.text[0] / np.maximum(1, self.words)

    def neighbours(self) -> Columns:
        about = np.full((5, 3 + self.count + 3), -1.0)
        about[:, 3:-3] = self.words, self.density, self.kind, self.text[3], self.text[6]
        shape = self.shape[self.node]
        shapes = np.full(3 + self.count + 3, -1)
        shapes[3:-3] = shape
        for step in (-3, -2, -1, 1, 2, 3):
            there = slice(3 + step, 3 + step + self.count)
            yield from about[:, there]
            yield shapes[there] == shape

    def around(self) -> Columns:
        for width in (5, 15):
            low = np.maximum(self.index - width, 0)
            high = np.minimum(self.index + width + 1, self.count)
            words, links, prose, _ = self.up_to[:, high] - self.up_to[:, low]
            yield from (words, _density(words, links), prose)

    def position(self) -> Columns:
        before, _, prose_before, _ = self.up_to[:, :-1]
        after, _, prose_after, _ = self.up_to[:, -1:] - self.up_to[:, 1:]
        first = int(np.argmax(self.kind == HEADING)) if HEADING in self.kind else -1
        heading = np.maximum.accumulate(np.where(self.kind >= HEADING, self.index, -1))
        title = self.title.casefold()
        most = min(200, len(title) + 1)  # which no case folding makes shorter
        yield from (self.index / self.count, before, prose_before)
        yield from (before / self.all_words, prose_before / self.all_prose)
        yield from (after, prose_after / self.all_prose)
        yield self.index - first if first >= 0 else -999
        yield np.where(heading >= 0, self.index - heading, 99)
        yield np.where(heading >= 0, self.kind[heading], 0)
        yield [8 < len(text) < most and text.casefold() in title for text in self.texts]

    def containers(self) -> Columns:
        """Of the elements above a block: words, links, prose, blocks."""
        words, links, prose, count = self.sums
        share = prose / np.maximum(1, words)
        return self.above([words, _density(words, links), share, prose / self.all_prose, count], LEVELS)

    def likes(self) -> Columns:
        """Of all elements of the shape of those above a block: how many, how long, how linked."""
        size = int(self.shape.max()) + 1
        count = np.bincount(self.shape, minlength=size)
        words, links, prose = (np.bincount(self.shape, weights=row, minlength=size) for row in self.sums[:3])
        share = prose / np.maximum(1, words)
        about = [count, words / np.maximum(1, count), _density(words, links), share, prose / self.all_prose]
        return self.above([column[self.shape] for column in about], LIKES)

    def above(self, about: Sequence[Array], levels: int) -> Columns:
        element, table = self.node, np.array(about)
        for _ in range(levels):
            yield from table.take(element, axis=1)
            element = self.parent[element]

    def hints(self) -> Columns:
        bits = 1 << np.arange(len(BITS))[:, None]
        yield from (self.near[self.node] & bits) != 0
        yield from (self.any[self.node] & bits) != 0

    def main_element(self) -> Columns:
        """Where a block stands towards the element with most prose, and those with most of the prose."""
        own = np.bincount(self.node, weights=self.prose, minlength=len(self.parent))
        score = own.copy()
        np.add.at(score, self.parent, own)
        np.add.at(score, self.parent[self.parent], own / 2)
        words, links, prose, _ = self.sums
        density = _density(words, links)
        best = int(np.argmax(score * (1 - density)))
        for element in (best, *(int(np.nonzero(prose >= part * prose[0])[0][-1]) for part in (0.6, 0.85))):
            yield (self.first[element] <= self.index) & (self.index < self.last[element])
            yield self.index < self.first[element]
            yield from (prose[element] / self.all_prose, density[element])
        chain = [best]
        while chain[-1]:
            chain.append(int(self.parent[chain[-1]]))
        distance = np.zeros(self.count)
        for steps, element in reversed(list(enumerate(chain))):
            distance[self.first[element] : self.last[element]] = steps
        yield distance

    def whole_page(self) -> Columns:
        wanted = np.array(PAGE_HINTS + PAGE_TAGS)[:, None]
        near = np.count_nonzero(self.near & wanted, axis=1)
        ordered = np.sort(self.words)
        median = (ordered[(self.count - 1) // 2] + ordered[self.count // 2]) / 2  # as np.median, much quicker
        yield from (self.all_words, self.all_links / self.all_words, self.all_prose / self.all_words)
        yield from (self.count, median, np.count_nonzero(self.words > 40))
        yield from ((self.any[self.node] & wanted) != 0) @ self.words / self.all_words
        yield from near[: len(PAGE_HINTS)] / len(self.parent)
        yield from near[len(PAGE_HINTS) :]


def _density(words: Array, links: Array) -> Floats:
    return links / np.maximum(1, words)


def _of_texts(texts: Sequence[str]) -> list[Any]:
    """Columns of a number for each text. To count in all at once costs a fraction of a count in each."""
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    begins = np.concatenate([[0], np.cumsum(sizes[:-1] + 1)])
    chars = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    short = [text.lower() if len(text) < SHORT else "" for text in texts]
    shorter = [text if len(text) < SHORTER else "" for text in texts]

    def count(wanted: NDArray[np.bool_]) -> Array:
        counts: Array = np.add.reduceat(wanted, begins, dtype=np.int64)
        return counts

    return [
        sizes,
        _matches(_SENTENCE_END, texts),
        count(chars == ord(",")),
        [text[-1] in '.!?…。！？:"”' for text in texts],
        count((chars >= ord("0")) & (chars <= ord("9"))),
        count(chars == ord("|")),
        _matches(_BOILERPLATE, short),
        _matches(_TIME, shorter) > 0,
        [_BYLINE.match(text) is not None for text in texts],
        [text.isupper() for text in texts],
        [text[0].isupper() for text in texts],
        [text.isascii() for text in texts],
        ["\n" in text for text in texts],
        [text[0].isalnum() for text in texts],
    ]


def _matches(pattern: re.Pattern[str], texts: Sequence[str]) -> Array:
    """How often each text matches a pattern, none of whose matches goes on behind a line's end."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    found = [match.start() for match in pattern.finditer("\n".join(texts))]
    counts: Array = np.bincount(np.searchsorted(ends, found, "right"), minlength=len(texts))
    return counts
