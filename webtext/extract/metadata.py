"""Who wrote a page, when, and what it is called: by its own declarations first, then by its visible text.

Here is where a page may say so; `bylines`, `days` and `titles` read what it says.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from lxml import etree

from webtext.extract.bylines import names, names_of_line
from webtext.extract.days import day_of_url, first_day
from webtext.extract.titles import letters, line, sites_of, text_of, title

MOST_JSON_CHARS = 1_000_000
MOST_OBJECTS = 2000  # of JSON-LD looked at in a page
MOST_ELEMENTS = 200  # that a page may mark as author or date
MOST_CANDIDATES = 50  # of them are read

AUTHOR_NAMES = (
    "author", "article:author", "og:author", "og:article:author", "book:author", "byl", "citation_author",
    "dc.creator", "dcterms.creator", "sailthru.author", "parsely-author", "twitter:data1", "creator",
)  # fmt: skip
PUBLISHED_NAMES = (
    "article:published_time", "og:published_time", "datepublished", "date_published", "publishdate",
    "publish-date", "publish_date", "publication_date", "pubdate", "published", "sailthru.date",
    "parsely-pub-date", "dc.date", "dc.date.issued", "dcterms.created", "dcterms.date", "dcterms.issued",
    "citation_publication_date", "citation_date", "article.published", "datecreated", "og:pubdate",
    "rnews:datepublished", "bt:pubdate", "cxenseparse:recs:publishtime", "article_date_original",
    "displaydate", "originalpublicationdate",
    "dc.date.created", "date", "created", "timestamp", "time", "release_date", "pub_date",
    "published-date", "publication-date",
)  # fmt: skip
PUBLISHED = (PUBLISHED_NAMES, ("datePublished", "dateCreated"))
CHANGED_NAMES = (
    "last-modified", "article:modified_time", "og:updated_time", "datemodified", "dcterms.modified",
    "lastmod",
)  # fmt: skip
CHANGED = (CHANGED_NAMES, ("dateModified",))
WORKS = re.compile(
    r"Article|Posting|Report|WebPage|Review|Recipe|CreativeWork|Question|Book|Product|VideoObject"
)
PARTS = ("mainEntity", "@graph", "mainEntityOfPage")  # of a JSON-LD object: what may describe a work too

# Elements that may hold an author or a date, by their classes and ids.
MARKABLE = (
    "time", "abbr", "a", "span", "div", "p", "li", "ul", "address", "section", "header", "footer", "small",
    "em", "strong", "b", "i", "h2", "h3", "h4", "h5", "h6", "td", "dd", "cite", "font", "label",
)  # fmt: skip
_MARK = re.compile(r"author|byline|writer|date|time|publish|posted|meta|username|datetime|pubdate")
_AUTHOR = re.compile(r"author|byline|writer|(?<![a-z])byl(?![a-z])|username")
_NOT_AUTHOR = re.compile(r"comment|related|sidebar|avatar|image|date|share|social|bio|widget|reply|footer")
_DATE = re.compile(r"date|time|publish|posted|meta|byline|created")
_NOT_DATE = re.compile(r"comment|related|sidebar|update-?nav|widget|footer|reply|event|calendar")
_TOP_LEVEL = re.compile(r"https?://[^/?#]*\.([a-zA-Z]+)(?:[:/?#]|$)")
AMERICAN = frozenset(("edu", "gov", "mil", "us"))
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Metadata:
    """What a page says of itself; None where it does not, or not credibly."""

    title: str | None = None
    author: str | None = None
    published: str | None = None  # YYYY-MM-DD


def metadata(
    root: etree._Element, url: str | None, latest: str | None = None, lines: Sequence[str] = ()
) -> Metadata:
    """Title, author and date of a parsed page, where they are known. No date after `latest` is believed.

    `lines` are the short ones about its heading, which may hold a byline and a date.
    """
    declared = _declared(root)
    works = list(_works(root))
    last = datetime.fromisoformat(latest) if latest else datetime(9999, 12, 31)
    publishers = (name for work in works for name in _people(work.get("publisher")))
    sites = sites_of(declared, publishers, url)
    authors = list(_declared_authors(declared, works))
    author = next((each for each in authors if letters(each) not in sites), None)
    author = author or next(filter(None, map(names_of_line, lines)), None)
    american = _is_american(root, declared, url)
    published = day_of_url(url or "", last) or _declared_day(PUBLISHED, declared, works, last, american)
    if author is None or published is None:
        shown = list(islice(_marked(root), MOST_ELEMENTS))
        author = author or _shown_author(shown) or next(iter(authors), None)
        published = published or _shown_day(shown, lines, last, american)
        published = published or _declared_day(CHANGED, declared, works, last, american)
    return Metadata(title(root, declared, works, sites), author, published)


def _marked(root: etree._Element) -> Iterator[etree._Element]:
    """The elements whose attributes say that they may hold an author or a date."""
    body = root.find("body")
    known: dict[str, bool] = {}  # pages say the same of many elements
    for element in root.iter(*MARKABLE) if body is None else body.iter(*MARKABLE):
        for key, value in element.items():  # quicker than asking for attributes that most do not have
            if key in ("class", "id"):
                marked = known.get(value)
                if marked is None:
                    marked = known[value] = _MARK.search(value.lower()) is not None
                if marked:
                    yield element
                    break
            elif (key == "itemprop" and value) or (key == "rel" and value == "author"):
                yield element
                break
        else:
            if element.tag in ("time", "abbr"):
                yield element


def _declared(root: etree._Element) -> dict[str, str]:
    """What `<meta>` elements say, by name in lower case; the first of a name counts."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        content = (element.get("content") or "").strip()
        name = element.get("property") or element.get("name") or element.get("itemprop")
        if content and name:
            found.setdefault(name.lower(), content)
    return found


def _is_american(root: etree._Element, declared: dict[str, str], url: str | None) -> bool:
    """Whether a page is of the United States, where the month comes before the day: by its language, which
    many sites of other countries leave at that of their software, and its address."""
    found = _TOP_LEVEL.match(url or "")
    country = found[1].lower() if found else ""
    if country in AMERICAN:
        return True
    language = root.get("lang") or ""
    language = language if "-" in language else declared.get("og:locale", "")
    return len(country) != 2 and language.replace("_", "-").lower() == "en-us"


def _works(root: etree._Element) -> Iterator[dict[str, Any]]:
    """The objects of JSON-LD scripts that describe something written, those for articles first."""
    works: list[tuple[int, int, dict[str, Any]]] = []
    for script in root.iter("script"):
        if (script.get("type") or "").lower() != "application/ld+json" or not script.text:
            continue
        if len(script.text) > MOST_JSON_CHARS:
            continue
        try:
            stack: list[Any] = [json.loads(script.text, strict=False)]
        except (ValueError, RecursionError):
            continue
        for _ in range(MOST_OBJECTS):
            if not stack:
                break
            thing = stack.pop()
            if isinstance(thing, list):
                stack.extend(reversed(thing))
            elif isinstance(thing, dict):
                kind = str(thing.get("@type", ""))
                if WORKS.search(kind):
                    works.append((0 if "Article" in kind or "Posting" in kind else 1, len(works), thing))
                stack.extend(thing[key] for key in PARTS if key in thing)
    return (work for _, _, work in sorted(works, key=lambda work: work[:2]))


def _declared_authors(declared: dict[str, str], works: list[dict[str, Any]]) -> Iterator[str]:
    for name in AUTHOR_NAMES:
        if name in declared and (found := names(declared[name])) and " " in found:
            yield found
    for work in works:
        authors = [found for name in _people(work.get("author")) if (found := names(name))]
        if authors:
            yield "; ".join(dict.fromkeys(authors))


def _people(value: Any) -> Iterator[str]:
    for person in value if isinstance(value, list) else [value]:
        name = person.get("name") if isinstance(person, dict) else person
        if isinstance(name, list):
            yield from (n for n in name if isinstance(n, str))
        elif isinstance(name, str):
            yield name


def _shown_author(candidates: list[etree._Element]) -> str | None:
    marked = [element for element in candidates if element.get("rel") == "author"]
    marked += [e for e in candidates if "author" in _itemprop(e)]
    marked += [e for e in candidates if _fits(e, _AUTHOR, _NOT_AUTHOR)]
    for element in marked[:MOST_CANDIDATES]:
        text = text_of(element, 120)
        if "author" in _itemprop(element):
            named = next(
                (e for e in islice(element.iter(), MOST_CANDIDATES) if _itemprop(e) == "name"), element
            )
            text = line(named.get("content")) or text_of(named, 120)
        if text and (found := names(text)):
            return found
    return None


def _declared_day(
    dates: tuple[tuple[str, ...], tuple[str, ...]],
    declared: dict[str, str],
    works: list[dict[str, Any]],
    last: datetime,
    american: bool,
) -> str | None:
    names, keys = dates
    strings = [declared[name] for name in names if name in declared]
    strings += [work[key] for key in keys for work in works if isinstance(work.get(key), str)]
    return first_day(strings, last, american)


def _shown_day(
    candidates: list[etree._Element], lines: Sequence[str], last: datetime, american: bool
) -> str | None:
    strings: list[str] = []
    marked = [e for e in candidates if e.tag == "time" or e.get("datetime") or "date" in _itemprop(e)]
    marked += [e for e in candidates if _fits(e, _DATE, _NOT_DATE)]
    for element in marked[:MOST_CANDIDATES]:
        strings.append(element.get("datetime") or element.get("content") or element.get("title") or "")
        strings.append(text_of(element, 120) or "")
    strings += [line for line in lines if _YEAR.search(line)]
    return first_day(strings, last, american)


def _itemprop(element: etree._Element) -> str:
    return (element.get("itemprop") or "").lower()


def _fits(element: etree._Element, wanted: re.Pattern[str], unwanted: re.Pattern[str]) -> bool:
    name = f"{element.get('class')} {element.get('id')}".lower()
    return wanted.search(name) is not None and unwanted.search(name) is None
