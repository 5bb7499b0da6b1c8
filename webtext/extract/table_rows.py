"""Rows of tables: those whose cells are short texts are one line."""

from webtext.extract.blocks import Block, Blocks
from webtext.extract.element_names import KINDS

MOST_CELL_CHARS = 200


def join(page: Blocks, row: int, start: int, inner: int, table: int) -> None:
    """Makes the blocks of the element `row`, from `start` on, one block, if each is a short cell of its own.
    Its own elements are those from `inner` on. Empty cells keep the others in their columns."""
    cells = page.blocks[start:]
    if len(cells) < 2 or len({cell.node for cell in cells}) < len(cells):
        return
    if any(len(cell.text) > MOST_CELL_CHARS or page.parent[cell.node] != row for cell in cells):
        return
    shown = {node: "" for node in range(inner, len(page.parent)) if page.parent[node] == row}
    shown |= {cell.node: f" {cell.text.replace(chr(10), ' ')}" for cell in cells}
    text = f"|{' |'.join(shown.values())} |"
    words, links = sum(cell.words for cell in cells), sum(cell.link_words for cell in cells)
    page.blocks[start:] = [Block(text, row, KINDS["tr"], words, links, row=table)]
    for node in range(inner, len(page.parent)):
        page.first[node] = page.last[node] = start
