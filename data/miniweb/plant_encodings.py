"""Planted bytes: pages in other character sets and content codings, to be read to the letter."""

import gzip
import zlib
from dataclasses import replace

from data.miniweb.articles import Article
from data.miniweb.draft import Draft
from data.miniweb.model import Behaviour, Planted
from data.miniweb.prose import Block
from data.miniweb.sites import SITES

WESTERN = "It begins, as the señora in the café says, with a naïve question: is the façade all there is?"
CURLY = "The “obvious” answer – ‘it depends’ – costs nothing… or 5 €, if you ask the café’s señora."
JAPANESE = "The old catalogue (カタログ) of the “north” library explains it as well as anybody could."

# What the header says, what the page's meta element says, how the bytes are, what must be read.
CHARSETS = (
    ("text/html; charset=ISO-8859-1", "iso-8859-1", "iso-8859-1", WESTERN),
    ("text/html; charset=windows-1252", "windows-1252", "cp1252", CURLY),
    ("text/html; charset=utf-16", "utf-16", "utf-16", CURLY),  # with a byte order mark
    ("text/html; charset=Shift_JIS", "shift_jis", "shift_jis", JAPANESE),
    ("text/html", "windows-1252", "cp1252", CURLY),
    ("text/html", "iso-8859-1", "iso-8859-1", WESTERN),
    ("text/html", "shift_jis", "shift_jis", JAPANESE),
    ("text/html", "utf-8", "utf-8-sig", CURLY),
)
TRANSFERS: tuple[tuple[str, str, Behaviour], ...] = (
    ("compressed page", "gzip", "plain"),
    ("compressed page", "gzip", "chunked"),
    ("compressed page", "deflate", "plain"),
    ("chunked page", "", "chunked"),
    ("chunked page", "", "chunked"),
)
TEXT_TYPES = ("text/plain; charset=utf-8", "text/plain; charset=windows-1252", "text/plain")


def plant_encodings(draft: Draft) -> None:
    """Pages whose bytes need care."""
    for content_type, meta, encoding, phrase in CHARSETS:
        article = _beginning(phrase, draft.stock.pop())
        spot = draft.spot(article.slug)
        body = draft.html(article, spot, charset=meta).encode(encoding, "xmlcharrefreplace")
        draft.serve(spot.url, body, content_type=content_type)
        _kept(draft, "other character set", spot.url, phrase)
    for kind, coding, behaviour in TRANSFERS:
        article = _beginning(CURLY, draft.stock.pop())
        spot = draft.spot(article.slug)
        body = draft.html(article, spot).encode()
        headers = [("Content-Encoding", coding)] if coding else []
        draft.serve(spot.url, _coded(body, coding), *headers, behaviour=behaviour)
        _kept(draft, kind, spot.url, CURLY)
    for content_type in TEXT_TYPES:
        article = _beginning(CURLY, draft.stock.pop())
        spot = draft.spot(article.slug, [site for site in SITES if site.addresses in ("stories", "post")])
        encoding = "cp1252" if "1252" in content_type else "utf-8"
        text = "\n\n".join([article.title, *(block.text for block in article.blocks)])
        draft.serve(spot.url, text.encode(encoding, "ignore"), content_type=content_type)
        _kept(draft, "plain text", spot.url, CURLY)


def _beginning(phrase: str, article: Article) -> Article:
    return replace(article, blocks=(Block("paragraph", phrase), *article.blocks))


def _coded(body: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return gzip.compress(body, mtime=0)
    return zlib.compress(body) if coding == "deflate" else body


def _kept(draft: Draft, kind: str, url: str, phrase: str) -> None:
    draft.expect(Planted(kind, url, "kept", None, contains=phrase), draft.post_of(url))
