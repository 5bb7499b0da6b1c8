"""What a block looks like, in numbers: its text, its place, its neighbours, its likes and its page."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webtext.extract.blocks import Blocks
from webtext.extract.names import BITS, HEADING, HINT_BITS, TAG_BITS

Floats = NDArray[np.float64]
Array = NDArray[Any]

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
PAGE_HINTS = [*(HINT_BITS[n] for n in ("forum", "comment", "shop", "item", "content"))]
PAGE_TAGS = [*(TAG_BITS[n] for n in ("article", "p", "main", "table", "ul"))]


def features(page: Blocks, title: str) -> NDArray[np.float32]:
    """A row for each block of a page that has some, always of the same columns."""
    return _Page(page, title).matrix()


class _Page:
    def __init__(self, page: Blocks, title: str) -> None:
        self.page, self.title = page, title
        blocks = page.blocks
        self.count = len(blocks)
        self.index = np.arange(self.count)
        self.node = np.array([block.node for block in blocks])
        self.kind = np.array([block.kind for block in blocks])
        self.words = np.array([block.words for block in blocks], dtype=np.float64)
        self.links = np.array([block.link_words for block in blocks], dtype=np.float64)
        prose = (self.links < MOST_LINKS * self.words) & (self.words >= LEAST_WORDS)
        self.prose = np.where(prose, self.words - self.links, 0)
        self.text = _of_texts([block.text for block in blocks])
        self.parent, self.first, self.last = map(np.array, (page.parent, page.first, page.last))
        self.shape = np.array(page.shape)
        # words, links, prose and number of blocks up to each block; differences are sums of ranges
        each = np.column_stack([self.words, self.links, self.prose, np.ones(self.count)])
        self.up_to = np.vstack([np.zeros(4), np.cumsum(each, axis=0)])
        self.sums = self.up_to[self.last] - self.up_to[self.first]  # of each element
        self.all_words, self.all_links, self.all_prose = np.maximum(1, self.up_to[-1, :3])

    def matrix(self) -> NDArray[np.float32]:
        parts = [
            self.text, self.own(), self.neighbours(), self.around(), self.position(), self.containers(),
            self.likes(), self.hints(), self.main_element(), self.whole_page(),
        ]  # fmt: skip
        return np.hstack(parts).astype(np.float32)

    def own(self) -> Floats:
        chars = self.text[:, 0] / np.maximum(1, self.words)
        return np.column_stack([self.kind, self.words, self.density(self.words, self.links), chars])

    @staticmethod
    def density(words: Array, links: Array) -> Floats:
        return links / np.maximum(1, words)

    def neighbours(self) -> Floats:
        density = self.density(self.words, self.links)
        shape = self.shape[self.node]
        about = np.column_stack([self.words, density, self.kind, self.text[:, 3], self.text[:, 6]])
        padded = np.vstack([np.full((3, 5), -1), about, np.full((3, 5), -1)])
        shapes = np.concatenate([[-1] * 3, shape, [-1] * 3])
        columns = []
        for step in (-3, -2, -1, 1, 2, 3):
            columns.append(padded[3 + step : 3 + step + self.count])
            columns.append((shapes[3 + step : 3 + step + self.count] == shape)[:, None])
        return np.hstack(columns)

    def around(self) -> Floats:
        columns: list[Floats] = []
        for width in (5, 15):
            low = np.maximum(self.index - width, 0)
            high = np.minimum(self.index + width + 1, self.count)
            words, links, prose, _ = (self.up_to[high] - self.up_to[low]).T
            columns += [words, self.density(words, links), prose]
        return np.column_stack(columns)

    def position(self) -> Floats:
        before = self.up_to[:-1]
        after = self.up_to[-1] - self.up_to[1:]
        first = int(np.argmax(self.kind == HEADING)) if HEADING in self.kind else -1
        heading = np.maximum.accumulate(np.where(self.kind >= HEADING, self.index, -1))
        title = self.title.casefold()
        named = [8 < len(b.text) < 200 and b.text.casefold() in title for b in self.page.blocks]
        return np.column_stack(
            [
                self.index / self.count,
                before[:, 0], before[:, 2], before[:, 0] / self.all_words, before[:, 2] / self.all_prose,
                after[:, 0], after[:, 2] / self.all_prose,
                self.index - first if first >= 0 else np.full(self.count, -999),
                np.where(heading >= 0, self.index - heading, 99),
                np.where(heading >= 0, self.kind[heading], 0),
                named,
            ]
        )  # fmt: skip

    def containers(self) -> Floats:
        """Of the elements above a block: words, links, prose, blocks."""
        words, links, prose, count = self.sums.T
        about = np.column_stack(
            [words, self.density(words, links), prose / np.maximum(1, words), prose / self.all_prose, count]
        )
        return self.above(about, LEVELS)

    def likes(self) -> Floats:
        """Of all elements of the shape of those above a block: how many, how long, how linked."""
        size = int(self.shape.max()) + 1
        count = np.bincount(self.shape, minlength=size)
        words, links, prose, _ = (
            np.bincount(self.shape, weights=column, minlength=size) for column in self.sums.T
        )
        about = np.column_stack(
            [
                count, words / np.maximum(1, count), self.density(words, links),
                prose / np.maximum(1, words), prose / self.all_prose,
            ]
        )  # fmt: skip
        return self.above(about[self.shape], LIKES)

    def above(self, about: Floats, levels: int) -> Floats:
        columns, element = [], self.node
        for _ in range(levels):
            columns.append(about[element])
            element = self.parent[element]
        return np.hstack(columns)

    def hints(self) -> Floats:
        bits = 1 << np.arange(len(BITS))
        near, every = np.array(self.page.near)[self.node], np.array(self.page.any)[self.node]
        has: Floats = np.hstack([near[:, None] & bits, every[:, None] & bits]) != 0
        return has

    def main_element(self) -> Floats:
        """Where a block stands towards the element with most prose, and those with most of the prose."""
        own = np.bincount(self.node, weights=self.prose, minlength=len(self.parent))
        score = own.copy()
        np.add.at(score, self.parent, own)
        np.add.at(score, self.parent[self.parent], own / 2)
        density = self.density(self.sums[:, 0], self.sums[:, 1])
        best = int(np.argmax(score * (1 - density)))
        prose = self.sums[:, 2]
        columns = []
        for element in (best, *(int(np.nonzero(prose >= part * prose[0])[0][-1]) for part in (0.6, 0.85))):
            columns += [
                (self.first[element] <= self.index) & (self.index < self.last[element]),
                self.index < self.first[element],
                np.full(self.count, prose[element] / self.all_prose),
                np.full(self.count, density[element]),
            ]
        distance, steps = np.zeros(self.count), 0
        chain = [best]
        while chain[-1]:
            chain.append(int(self.parent[chain[-1]]))
        for steps, element in reversed(list(enumerate(chain))):
            distance[self.first[element] : self.last[element]] = steps
        return np.column_stack([*columns, distance])

    def whole_page(self) -> Floats:
        wanted = np.array(PAGE_HINTS + PAGE_TAGS)
        every = (np.array(self.page.any)[self.node, None] & wanted) != 0
        near = np.count_nonzero(np.array(self.page.near)[:, None] & wanted, axis=0)
        shares = self.words @ every / self.all_words
        counts = [*(near[: len(PAGE_HINTS)] / len(self.parent)), *near[len(PAGE_HINTS) :]]
        row = [
            self.all_words, self.all_links / self.all_words, self.all_prose / self.all_words, self.count,
            np.median(self.words), np.count_nonzero(self.words > 40), *shares, *counts,
        ]  # fmt: skip
        return np.broadcast_to(np.array(row), (self.count, len(row)))


def _of_texts(texts: Sequence[str]) -> Floats:
    """A row for each text. What is counted in all of them at once costs a fraction of a count in each."""
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    begins = np.concatenate([[0], np.cumsum(sizes[:-1] + 1)])
    chars = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    short = [text.lower() if len(text) < SHORT else "" for text in texts]
    shorter = [text if len(text) < SHORTER else "" for text in texts]

    def count(wanted: NDArray[np.bool_]) -> Floats:
        counts: Floats = np.add.reduceat(wanted, begins, dtype=np.float64)
        return counts

    return np.column_stack(
        [
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
    )


def _matches(pattern: re.Pattern[str], texts: Sequence[str]) -> Floats:
    """How often each text matches a pattern, none of whose matches goes on behind a line's end."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    found = [match.start() for match in pattern.finditer("\n".join(texts))]
    counts: Floats = np.bincount(np.searchsorted(ends, found, "right"), minlength=len(texts)).astype(float)
    return counts
