"""Marks that lead to a note or a heading, or back: no text of the page, and glued to a word they spoil it."""

import re
from itertools import islice

from lxml import etree

MARKS = frozenset("¶#§^↑↩🔗") | {"↩︎"}
MOST_ELEMENTS, MOST_CHARS = 20, 40  # in a mark

# Of one or several notes: "1", "[2]", "[note 3]", "b", "†", "4, 5".
_NUMBER = re.compile(r"(?:[\[(]?(?:(?:note|nb)\s)?(?:\d{1,3}+|[a-z](?![a-z])|[*†‡§¶]{1,3}+)[\])]?[\s,;]*+)++")
_TO_NOTE = re.compile(r"(?i)#_?(?:fn|ftn|edn|footnote|endnote|sdfootnote)")  # Markdown's, Word's, Substack's
_POWER = re.compile(r"[-+−–]?\d{1,4}")


def is_mark(link: etree._Element, target: str, glued: bool) -> bool:
    """Whether a link inside a page is a mark; `glued` are those that stand right behind a word."""
    text = _short(link).strip()
    if text in MARKS:
        return True
    raised = len(link) > 0 and link[0].tag == "sup" and not (link.text or "").strip()
    to_note = raised or (glued and _TO_NOTE.match(target) is not None)
    return to_note and _NUMBER.fullmatch(text) is not None


def is_note(raised: etree._Element) -> bool:
    """Whether a `<sup>` is nothing but what leads to notes."""
    return _NUMBER.fullmatch(_short(raised).strip()) is not None and any(
        "#" in (link.get("href") or "") for link in raised.iter("a")
    )


def is_power(raised: etree._Element) -> bool:
    """Whether a `<sup>` is a number, which without it would be one with that before it: `10<sup>15</sup>`."""
    return _POWER.fullmatch(_short(raised)) is not None


def _short(element: etree._Element) -> str:
    """The text of an element, empty if there is much of it."""
    if sum(1 for _ in islice(element.iter(), MOST_ELEMENTS)) == MOST_ELEMENTS:
        return ""
    text = "".join(element.itertext())
    return text if len(text) <= MOST_CHARS else ""
