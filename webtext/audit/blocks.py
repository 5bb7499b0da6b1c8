"""What a section of the page is made of: figures, tables, sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from webtext.audit.markup import Child, Markup, element


@dataclass(frozen=True)
class Figure:
    """A chart with its caption; `name` is also its file's. `numbers` says in a table what it shows."""

    name: str
    svg: Markup
    caption: Child
    numbers: Markup | None = None
    wide: bool = False


Block = Figure | Markup


@dataclass(frozen=True)
class Heading:
    """A table's column: its heading, and what kind of cells it has (None: text)."""

    label: str
    kind: Literal["number", "bars"] | None = None


BARS = Heading("", "bars")  # the bars of `charts.bar`, which repeat the number beside them


def heading(label: str) -> Heading:
    return Heading(label)


def numeric(label: str) -> Heading:
    return Heading(label, "number")


def table(caption: str, headings: Sequence[Heading], rows: Iterable[Sequence[Child]]) -> Markup:
    """A table whose first column names its rows; the page's script lets a reader sort it."""
    head = element("tr", (_head(heading) for heading in headings))
    body = [_row(headings, row) for row in rows]
    made = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", head),
        element("tbody", body),
        class_="sortable",
    )
    return element("div", made, class_="scroll", tabindex=0, role="region", aria_label=caption)


def sentence(*children: Child) -> Markup:
    return element("p", *children, class_="said")


def wide(*children: Child) -> Markup:
    """Blocks over the whole width of the page."""
    return element("div", *children, class_="wide")


def folded(summary: Child, *children: Child) -> Markup:
    """What a reader opens to see."""
    return element("details", element("summary", summary), *children)


def prose(sentence: str) -> list[Child]:
    """A sentence of ours, its `code` as code."""
    return [element("code", part) if n % 2 else part for n, part in enumerate(sentence.split("`"))]


def legend(**colours: str) -> Markup:
    """What a chart's colours mean: `legend(kept="passes")`."""
    return element(
        "span",
        (element("span", text, class_=f"key {name}") for name, text in colours.items()),
        class_="legend",
    )


def render(block: Block) -> Markup:
    """A block as HTML: a figure with its caption, drawing and numbers."""
    if isinstance(block, Markup):
        return block
    caption = element("figcaption", block.caption)
    numbers = folded("The numbers", block.numbers) if block.numbers else None
    drawn = element("div", block.svg, class_="frame")
    if block.wide:  # keeps a readable size on a phone: it is scrolled, which needs the keyboard's focus
        named = f"{block.name}-title"
        drawn = element("div", block.svg, class_="frame", tabindex=0, role="group", aria_labelledby=named)
    return element("figure", caption, drawn, numbers, class_="wide" if block.wide else None)


def _head(heading: Heading) -> Markup:
    if not heading.label:
        return element("td", class_=heading.kind)
    return element("th", heading.label, scope="col", class_=heading.kind)


def _row(headings: Sequence[Heading], cells: Sequence[Child]) -> Markup:
    name, *rest = zip(headings, cells, strict=True)
    head = element("th", name[1], scope="row", class_=name[0].kind)
    return element("tr", head, (element("td", cell, class_=heading.kind) for heading, cell in rest))
