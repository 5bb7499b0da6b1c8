"""All that is known of a page's text, measured once: filters decide by these numbers later, and again."""

import re

from webtext import pretokens
from webtext.extract import language, pii, placeholders, quality, text, wikipedia
from webtext.extract.decode import decode
from webtext.extract.mojibake import mend
from webtext.extract.normalise import normalise
from webtext.extract.page import EXTRACTOR, PLAIN, Page, Row
from webtext.sections import Extract

HEAD_BYTES = 2048  # more than the pattern matches, in UTF-16 too
# Behind a byte order mark and an XML declaration, as editors and XHTML have them.
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?"
    rb"\s{0,100}(?:<\?xml\s[^<>]{0,200}>\s{0,100})?<(?:!doctype html|html)[\s>]",
    re.IGNORECASE,
)


def measure(page: Page, section: Extract) -> Row:
    """A page's text and all measures of it, as columns.

    Where there is nothing to measure, `verdict` says why. A text longer than `max_chars` is cut at the end
    of a paragraph or a word; `cut_chars` counts what was left out.
    """
    plain = is_plain(page)
    row: Row = {"extractor": PLAIN if plain else EXTRACTOR}
    decoded = decode(page.body, page.charset, html=not plain)
    if decoded is None:
        return row | {"verdict": "undecodable"}
    found = (
        text.Extracted(normalise(mend(decoded.text)), extractor=PLAIN)
        if plain
        else text.extract(decoded.text, page.url, section, page.latest)
    )
    row["extractor"] = found.extractor
    row["wikipedia_traces"] = wikipedia.traces(decoded.text)
    if not found.text:
        return row | {"verdict": "no_text"}
    kept = _cut(found.text, section.max_chars)
    code, score = language.detect(kept)
    words = kept.split()
    row |= (
        placeholders.measure(found.title, kept, len(words)) | quality.measure(kept, words) | pii.counts(kept)
    )
    return row | {
        "text": kept,
        "title": found.title,
        "author": found.author,
        "published": found.published,
        "language": code,
        "language_score": score,
        "words": len(words),
        "chars": len(kept),
        "cut_chars": len(found.text) - len(kept),
        "pretokens": pretokens.count(kept),
    }


def is_plain(page: Page) -> bool:
    """Whether the body is the text. Servers send whole pages as text/plain; their source is nobody's text."""
    head = page.body[:HEAD_BYTES].replace(b"\0", b"")  # of which UTF-16 has one beside each letter of a tag
    return page.content_type == "text/plain" and not _HTML.match(head)


def _cut(whole: str, max_chars: int) -> str:
    """At most so many characters, to the last line end or else space of their second half."""
    if len(whole) <= max_chars:
        return whole
    for mark in ("\n", " "):
        end = whole.rfind(mark, max_chars // 2, max_chars + 1)
        if end >= 0:
            return whole[:end].rstrip()
    return whole[:max_chars]
