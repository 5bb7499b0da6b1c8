"""Docstrings to prose: paragraphs, lists, headings and code, told apart by their shape.

What is neither prose nor code (tables, grammars, rulers, signatures) is left out.
"""

import inspect
import re
from typing import Literal, NamedTuple

Kind = Literal["heading", "paragraph", "item", "code"]

UNDERLINE = re.compile(r"^\s*([=\-~*^#\"])\1{2,}\s*$")
BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+")
SIGNATURE = re.compile(r"^[\w.]+\s*\(.*\)(\s*->.*|\s*:|\s*=.*)?$", re.DOTALL)
MARKUP = re.compile(
    r":(?:class|func|meth|mod|attr|exc|data|ref|term|pep|rfc|const|obj):`([^`]*)`|``([^`]*)``|[`*]([^`*\s][^`*]*)[`*]"
)
SENTENCE = re.compile(r"[a-z]{2,}[,;:]?\s+[a-z]{1,}[,;:]?\s+[a-z]{2,}")


class Block(NamedTuple):
    """A piece of a text: prose on one line, or code with its own lines."""

    kind: Kind
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


def blocks_of(docstring: str) -> list[Block]:
    """The blocks of a docstring, in order."""
    lines = inspect.cleandoc(docstring.expandtabs()).splitlines()
    blocks: list[Block] = []
    for group in _groups(lines):
        blocks.extend(_classify(group))
    return blocks


def _groups(lines: list[str]) -> list[list[str]]:
    """Runs of lines between blank lines."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _classify(lines: list[str]) -> list[Block]:
    if len(lines) == 2 and UNDERLINE.match(lines[1]):
        return [Block("heading", _plain([lines[0]]))]
    lines = [line for line in lines if not UNDERLINE.match(line)]
    if any(line.lstrip().startswith((">>>", "... ")) for line in lines):
        return [Block("code", inspect.cleandoc("\n".join(["", *lines])))]
    if lines and all(BULLET.match(line) or line.startswith(" ") for line in lines) and BULLET.match(lines[0]):
        return [Block("item", text) for item in _items(lines) if _is_prose(text := _plain(item))]
    text = _plain(lines)
    return [Block("paragraph", text)] if _is_prose(text) and not _is_table(lines) else []


def _items(lines: list[str]) -> list[list[str]]:
    items: list[list[str]] = []
    for line in lines:
        if BULLET.match(line) or not items:
            items.append([BULLET.sub("", line)])
        else:
            items[-1].append(line)
    return items


def _plain(lines: list[str]) -> str:
    text = " ".join(" ".join(lines).split())
    return MARKUP.sub(lambda match: next(group for group in match.groups() if group is not None), text)


def _is_prose(text: str) -> bool:
    """At least three words in a row of plain lower case, and mostly letters."""
    letters = sum(char.isalpha() or char.isspace() for char in text)
    return bool(SENTENCE.search(text)) and letters >= 0.75 * len(text) and not SIGNATURE.match(text)


def _is_table(lines: list[str]) -> bool:
    """Columns: most lines have runs of spaces inside."""
    columns = sum(bool(re.search(r"\S(?<![.!?:])\s{2,}\S", line)) for line in lines)
    return len(lines) > 1 and columns >= 0.5 * len(lines)
