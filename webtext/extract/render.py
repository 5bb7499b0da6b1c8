"""Blocks as plain text."""

from collections.abc import Iterable

from webtext.extract.blocks import Block


def render(blocks: Iterable[Block]) -> str:
    """Paragraphs with a blank line between them; items of lists and rows of a table a line each."""
    parts: list[str] = []
    before: Block | None = None
    for block in blocks:
        if before is not None:
            parts.append("\n" if _together(before, block) else "\n\n")
        parts.append(f"- {block.text}" if block.item >= 0 else block.text)
        before = block
    return "".join(parts)


def _together(first: Block, second: Block) -> bool:
    return (first.item >= 0 and second.item >= 0) or (first.row >= 0 and first.row == second.row)
