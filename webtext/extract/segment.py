"""From a parsed page to its text blocks: one walk of the tree, most of the time that a page takes."""

from itertools import islice

from lxml import etree

from webtext.extract.blocks import BREAK, Block, Blocks, count_words, wide_words
from webtext.extract.element_names import (
    CODE,
    EDIT_LINK,
    HINTING,
    INLINE,
    KINDS,
    MOST_HINT_CHARS,
    NO_PART,
    SKIPPED,
    TAG_BITS,
    TIGHT,
    foreign,
    hinted,
)
from webtext.extract.formulas import drawn_formula, formula, same_drawn
from webtext.extract.gaps import GAP, apart
from webtext.extract.notes import is_mark, is_note, is_power
from webtext.extract.preformatted import counts_up, preformatted
from webtext.extract.table_rows import join

MOST_DEPTH = 250  # deeper elements are text of their ancestor; Python allows 1,000 calls, a row takes four
LEAST_WORDS = 30  # of a page that does not need scripts
MOST_INNER = 50  # elements in one that is part of a line


def segment(root: etree._Element) -> Blocks:
    """The blocks of a parsed page. Neither changes the tree nor recurses deeper than `MOST_DEPTH`."""
    page = _Segmenter(SKIPPED).run(root)
    if sum(block.words for block in page.blocks) >= LEAST_WORDS:
        return page
    # Pages that scripts build may say the same to whoever runs none.
    return _Segmenter(SKIPPED - {"noscript"}).run(root)


class _Segmenter:
    """Walks a tree once; text gathers until the block that it belongs to ends."""

    def __init__(self, skipped: frozenset[str]) -> None:
        self.skipped = skipped
        self.page = Blocks()
        self.parts: list[str] = []
        self.links: list[str] = []
        self.in_link, self.in_code = 0, 0
        self.node, self.kind, self.list, self.table = 0, 0, -1, -1
        self.item = -1  # of a list item that has no block yet
        self.drawn: etree._Element | None = None  # what shows a formula that is already there
        self.shapes: dict[tuple[int, str, str], int] = {}

    def run(self, root: etree._Element) -> Blocks:
        if isinstance(root.tag, str) and root.tag not in self.skipped:
            self.block(root, root.tag, 1)
        self.flush()
        self.page.last[0] = len(self.page.blocks)
        return self.page

    def content(self, element: etree._Element, depth: int) -> None:
        """What is in an element of that depth. Inline ones need no other function: this loop is most of the
        walk's time."""
        parts, skipped = self.parts, self.skipped
        text = element.text
        if text and (parts or not text.isspace()):
            self.add(text)
        if depth == MOST_DEPTH:
            self.deeper(element)
            return
        depth += 1
        ended = False  # an element, and no text follows it
        for child in element:
            tag = child.tag
            if tag in INLINE:
                if ended and parts and tag not in TIGHT and not self.in_code:
                    parts.append(GAP)
                if tag == "a" and (target := child.get("href")) is not None:
                    if not (target[:1] == "#" and is_mark(child, target, self.glued())):
                        self.in_link += 1
                        self.content(child, depth)
                        self.in_link -= 1
                elif tag in CODE:
                    self.in_code += 1
                    self.content(child, depth)
                    self.in_code -= 1
                elif child is not self.drawn and not (
                    (tag == "span" and child.get("class") == EDIT_LINK) or (tag == "sup" and self.note(child))
                ):
                    self.content(child, depth)
            elif tag not in skipped and isinstance(tag, str):
                self.other(child, tag, depth)
            text = child.tail
            if text and (parts or not text.isspace()):
                self.add(text)
            ended = not text and tag != "wbr"

    def deeper(self, element: etree._Element) -> None:
        """What is in an element of the greatest depth that is walked."""
        for child in element:
            if child.tag not in self.skipped and isinstance(child.tag, str):
                self.add(" ".join(child.itertext()))
            self.add(child.tail or "")

    def other(self, element: etree._Element, tag: str, depth: int) -> None:
        if tag in KINDS:
            self.block(element, tag, depth)
        elif tag == "br":
            self.line_break()
        elif tag == "math":
            self.add(formula(element))
            self.drawn = same_drawn(element)
        elif tag == "img":
            self.add(drawn_formula(element))
        elif foreign(tag) and self.amid_text(element, tag):
            self.content(element, depth)
        else:
            self.block(element, tag, depth)

    def amid_text(self, element: etree._Element, tag: str) -> bool:
        """Whether it is part of a line, as browsers show elements that they do not know.

        Those of a site, as `<side-note>`, are often made blocks: text before and behind says that one is not.
        """
        before = self.parts[-1] if self.parts else BREAK
        begun = before != BREAK and before[len(before.rstrip()) :].count("\n") < 2
        goes_on = bool((element.tail or "").strip())
        if not (begun or goes_on if ":" in tag else begun and goes_on):
            return False
        inner = [each.tag for each in islice(element.iterdescendants(), MOST_INNER + 1)]
        return len(inner) <= MOST_INNER and all(
            tag in INLINE or (isinstance(tag, str) and foreign(tag)) for tag in inner
        )

    def note(self, raised: etree._Element) -> bool:
        """Whether a `<sup>` is the mark of a note. A number that is none begins as in `10^15`."""
        if is_note(raised):
            return True
        if self.glued() and is_power(raised):
            self.add("^")
        return False

    def glued(self) -> bool:
        """Whether what comes now goes on with the word before it."""
        return bool(self.parts) and self.parts[-1] != BREAK and not self.parts[-1][-1:].isspace()

    def add(self, text: str) -> None:
        self.parts.append(text)
        if self.in_link:
            self.links.append(text)

    def line_break(self) -> None:
        """One ends a line, two in a row end a paragraph."""
        for part in reversed(self.parts):
            if part == BREAK:
                self.flush()
                return
            if part != GAP and not part.isspace():
                self.parts.append(BREAK)
                return

    def block(self, element: etree._Element, tag: str, depth: int) -> None:
        if self.parts:
            self.flush()
        node = self.enter(element, tag)
        if node == NO_PART:
            return
        outer = self.node, self.kind, self.list, self.table
        self.node = node
        self.kind = KINDS.get(tag, 0)
        if tag == "li":
            self.item = self.list
        elif tag in ("ul", "ol"):
            self.list = node
        elif tag == "table":
            self.table = node
        if tag == "pre":
            self.code(element)
        elif tag == "tr":
            self.row(element, depth)
        else:
            self.content(element, depth)
            if self.parts:
                self.flush()
        self.node, self.kind, self.list, self.table = outer
        if tag == "li":
            self.item = -1
        self.page.last[node] = len(self.page.blocks)

    def enter(self, element: etree._Element, tag: str) -> int:
        """Notes a block element and returns its number; `NO_PART` of one that is to be left out."""
        page, parent = self.page, self.node
        name, bits = "", TAG_BITS.get(tag, 0)
        for key, value in element.items():
            if key in HINTING:
                bits |= hinted(value[:MOST_HINT_CHARS] or key)
                if key == "class":
                    name = value
        if bits == NO_PART:
            return NO_PART
        shapes, begin = self.shapes, len(page.blocks)
        page.own.append(bits)
        page.any.append(bits | page.any[parent])
        page.shape.append(shapes.setdefault((page.shape[parent], tag, name), len(shapes) + 1))
        page.parent.append(parent)
        page.first.append(begin)
        page.last.append(begin)
        return len(page.own) - 1

    def flush(self) -> None:
        if not self.parts:
            return
        raw, links = "".join(self.parts), "".join(self.links)
        self.parts.clear()
        self.links.clear()
        link_words = count_words(links) if links else 0
        glued = 0
        if GAP in raw:
            raw, glued = apart(raw)  # the model learned to count what is glued as one word
        if BREAK in raw:
            text = "\n".join(" ".join(line.split()) for line in raw.split(BREAK)).strip("\n")
            words = len(text.split()) - glued
        else:
            parts = raw.split()
            text, words = " ".join(parts), len(parts) - glued
        if text:
            self.put(text, words if text.isascii() else words + wide_words(text), link_words)

    def put(self, text: str, words: int, link_words: int) -> None:
        block = Block(text, self.node, self.kind, words, min(words, link_words), self.item)
        self.page.blocks.append(block)
        self.item = -1

    def code(self, element: etree._Element) -> None:
        """Preformatted text, but for the numbers of its lines in a table's cell beside it."""
        text = preformatted(element)
        if text.strip() and not (self.table >= 0 and counts_up(text)):
            self.put(text, count_words(text), 0)

    def row(self, element: etree._Element, depth: int) -> None:
        start, inner = len(self.page.blocks), len(self.page.parent)
        self.content(element, depth)
        self.flush()
        join(self.page, self.node, start, inner, self.table)
