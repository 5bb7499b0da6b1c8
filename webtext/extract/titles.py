"""What a page is called, and the names of its site, which it has in its title besides."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from lxml import etree

from webtext.extract.mojibake import mend
from webtext.extract.normalise import normalise
from webtext.extract.tree import title_element

TITLE_NAMES = (
    "og:title",
    "twitter:title",
    "dc.title",
    "dcterms.title",
    "citation_title",
    "headline",
    "title",
)
MOST_HEADINGS = 5
MOST_MARKS = 20  # in a title, between which the names of sites stand

_SITE = re.compile(r"\s+(?:[|•·–—»›«‹:]|[-]{1,2})\s+|\s*[|»]\s*")
_HOST = re.compile(r"https?://(?:www\.)?([^/:?#]*)", re.IGNORECASE)
_WORD = re.compile(r"\w+")


def title(
    root: etree._Element, declared: dict[str, str], works: list[dict[str, Any]], sites: set[str]
) -> str | None:
    """What a page declares, or else its only heading or its `<title>`, each without the name of the site."""
    said = next((declared[name] for name in TITLE_NAMES if name in declared), None)
    said = said or next(
        (head for work in works if isinstance(head := work.get("headline"), str) and head), None
    )
    if said:
        return _without_site(line(said), root, sites)
    heads = _headings(root)
    element = title_element(root)
    said = text_of(element, 1000) if element is not None else None
    parts = _SITE.split(said) if said else []
    named = sites | {letters(part) for part in parts[1:][-1:]}  # behind a title the site's name stands
    if len(heads) == 1 and not (parts and letters(heads[0]) in named):
        return heads[0]
    if parts:
        return line(max(parts, key=len))
    return heads[0] if heads else None


def _headings(root: etree._Element) -> list[str]:
    return [text for element in islice(root.iter("h1"), MOST_HEADINGS) if (text := text_of(element, 300))]


def _without_site(title: str | None, root: etree._Element, sites: set[str]) -> str | None:
    """A declared title without the site's name at its end, or whatever follows the page's heading in it."""
    if not title or not (marks := list(islice(_SITE.finditer(title), MOST_MARKS))):
        return title
    known = {letters(head) for head in _headings(root)} - sites
    for mark in marks:
        before, behind = title[: mark.start()], title[mark.end() :]
        if letters(behind) in sites or (letters(before) in known and letters(behind) not in known):
            return before or title
    return title


def sites_of(declared: dict[str, str], publishers: Iterable[str], url: str | None) -> set[str]:
    """The names of a page's site and of its publishers, by their letters."""
    host = _HOST.match(url or "")
    names = [declared.get("og:site_name", ""), declared.get("application-name", ""), *publishers]
    names += [host[1], *host[1].split(".")] if host else []
    return {name for name in map(letters, names) if len(name) > 1}


def letters(text: str) -> str:
    """A name as it is compared, whatever its case, spaces and marks."""
    return "".join(_WORD.findall(text.lower()))


def text_of(element: etree._Element, most: int) -> str | None:
    """An element's text as one line; None where it has none, or more than `most` characters."""
    parts = islice(element.itertext(), 200)
    found = line(" ".join(parts))
    return found if found and len(found) <= most else None


def line(text: str | None) -> str | None:
    """A text in the form of all texts, on one line; None where nothing is left."""
    return " ".join(normalise(mend(text or "")).split()) or None
