"""Articles from documentation: the docstrings of a package, merged and cut to a length that people read.

Every paragraph is used once in the whole web, so that no two articles repeat each other by accident.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from data.miniweb.prose import Block, blocks_of
from data.miniweb.pydocs import TOPIC, Doc

MIN_WORDS = 220  # a package with less joins the other small ones
SHORTEST_AIM = 350  # words, however many articles are asked for
CODE_SHARE = 0.15
HEADED_WORDS = 60  # a shorter section is a paragraph that begins with its name

TITLES = (
    "{topic}, explained from its own documentation",
    "A closer look at {topic}",
    "Notes on {topic}",
    "What to know about {topic}",
    "Reading {topic} from top to bottom",
    "{topic}: a guided tour",
    "How to think about {topic}",
    "An afternoon with {topic}",
    "Understanding {topic}",
)


@dataclass(frozen=True)
class Article:
    """A title and the blocks under it."""

    title: str
    blocks: tuple[Block, ...]

    @cached_property
    def words(self) -> int:
        return sum(block.words for block in self.blocks)

    @property
    def text(self) -> str:
        """What a perfect extraction of the article's page gives, the title aside."""
        return "\n".join(block.text for block in self.blocks)

    @property
    def slug(self) -> str:
        """The title as it stands in an address."""
        plain = "".join(char if char.isascii() and char.isalnum() else " " for char in self.title.lower())
        return "-".join(plain.split())[:70].rstrip("-")


@dataclass(frozen=True)
class _Section:
    """Blocks that stay together, under the name of what they document."""

    package: str
    topic: str
    blocks: tuple[Block, ...]

    @property
    def words(self) -> int:
        return sum(block.words for block in self.blocks)


def articles_of(docs: Iterable[Doc], count: int, rng: random.Random) -> list[Article]:
    """About `count` articles, in random order, no two of the same title."""
    packages = _packages(docs)
    aim = max(SHORTEST_AIM, sum(s.words for sections in packages.values() for s in sections) // count)
    pieces: list[list[_Section]] = []
    small: list[_Section] = []
    for sections in packages.values():
        if sum(section.words for section in sections) < MIN_WORDS:
            small.extend(sections)
        else:
            pieces.extend(_cut(sections, aim))
    pieces.extend(_cut(small, aim))
    rng.shuffle(pieces)
    return _titled(pieces, rng)


def _packages(docs: Iterable[Doc]) -> dict[str, list[_Section]]:
    """The sections of every package, each block of text only where it comes first."""
    seen: set[str] = set()
    packages: dict[str, list[_Section]] = {}
    for (module, top), group in groupby(docs, key=lambda doc: (doc.module, doc.name.partition(".")[0])):
        package = module.partition(".")[0]
        blocks = _less_code([block for doc in group for block in _named(doc, top, seen)])
        if blocks:
            section = _Section(package, top or module.removeprefix(TOPIC), tuple(blocks))
            packages.setdefault(package, []).append(_headed(section))
    return packages


def _less_code(blocks: list[Block]) -> list[Block]:
    """The blocks without the examples that go beyond a small share of the words before them."""
    left: list[Block] = []
    prose = code = 0
    for block in blocks:
        if block.kind != "code":
            prose += block.words
        elif code + block.words > CODE_SHARE * prose:
            continue
        else:
            code += block.words
        left.append(block)
    return left


def _named(doc: Doc, top: str, seen: set[str]) -> Iterator[Block]:
    """The new blocks of a docstring; a method's name begins its first paragraph."""
    member = doc.name.removeprefix(top).lstrip(".")
    for block in blocks_of(doc.text):
        if block.text in seen:
            continue
        if block.kind != "heading":
            seen.add(block.text)
        if member and block.kind == "paragraph":
            block, member = block._replace(text=f"{member}: {block.text}"), ""
        yield block


def _headed(section: _Section) -> _Section:
    first = section.blocks[0]
    if section.words >= HEADED_WORDS:
        return replace(section, blocks=(Block("heading", section.topic), *section.blocks))
    if first.kind == "paragraph" and not first.text.startswith(section.topic):
        named = first._replace(text=f"{section.topic}: {first.text}")
        return replace(section, blocks=(named, *section.blocks[1:]))
    return section


def _cut(sections: list[_Section], aim: int) -> list[list[_Section]]:
    """Pieces of about `aim` words each, cut between sections, and inside those that are long."""
    total = sum(section.words for section in sections)
    count = max(1, round(total / aim))
    pieces: list[list[_Section]] = [[] for _ in range(count)]
    before = 0
    for section in sections:
        for part in _parts(section, aim // 3):
            pieces[min(count - 1, before * count // total)].append(part)
            before += part.words
    return [piece for piece in pieces if piece]


def _parts(section: _Section, longest: int) -> Iterator[_Section]:
    if section.words <= longest:
        yield section
        return
    blocks: list[Block] = []
    for block in section.blocks:
        if blocks and sum(b.words for b in blocks) + block.words > longest and blocks[-1].kind != "heading":
            yield replace(section, blocks=tuple(blocks))
            blocks = []
        blocks.append(block)
    yield replace(section, blocks=tuple(blocks))


def _titled(pieces: list[list[_Section]], rng: random.Random) -> list[Article]:
    articles = []
    used: dict[str, int] = {}
    for piece in pieces:
        title = rng.choice(TITLES).format(topic=_topic(piece))
        used[title] = used.get(title, 0) + 1
        if used[title] > 1:
            title = f"{title} ({used[title]})"
        articles.append(Article(title, tuple(block for section in piece for block in section.blocks)))
    return articles


def _topic(piece: list[_Section]) -> str:
    """What a piece is about: its package and the longest of its sections."""
    longest = max(piece, key=lambda section: section.words)
    package = longest.package.removeprefix(TOPIC)
    if len({section.package for section in piece}) > 1:
        return f"{package} and other small things"
    if longest.package.startswith(TOPIC):
        return f"{package} in the language"
    return f"{package} ({longest.topic})" if longest.topic != package else f"the {package} module"
