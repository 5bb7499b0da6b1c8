"""Wikipedia by its domains, and Wikipedia articles copied elsewhere by what they carry along.

WebText left Wikipedia out because other data sets are made of it (GPT-2 paper §2.1).
"""

import html as entities
import re
from itertools import islice
from urllib.parse import urlsplit

DOMAINS = (
    "wikipedia.org",
    "wikibooks.org",
    "wikidata.org",
    "wikifunctions.org",
    "wikimedia.org",
    "wikinews.org",
    "wikiquote.org",
    "wikisource.org",
    "wikiversity.org",
    "wikivoyage.org",
    "wiktionary.org",
)

# Sentences in which a copy names its source. Who merely cites or links Wikipedia writes at most one of them.
NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        # the line under the title
        r"from wikipedia, the free encyclop|aus wikipedia, der freien enzyk|wikipédia, l.encyclopédie libre"
        r"|de wikipedia, la enciclopedia libre|da wikipedia, l.enciclopedia libera"
        r"|wikipédia, a enciclopédia livre|uit wikipedia, de vrije encycl|z wikipedii, wolnej encyk"
        r"|материал из википедии",
        # the foot of a printed page, and of every page
        r"(?:retrieved from|abgerufen von|récupérée de|obtenido de) ?.?https?://[a-z-]{2,12}\.wikipedia\.org/",
        r"wikipedia® is a (?:registered )?trademark",
        # the notice on short articles
        r"help wikipedia by expanding it",
        # the attribution that the licences ask for
        r"(?:material|text|content|information) from (?:the|this) wikipedia (?:article|page|entry)"
        r"|(?:material|text|content) from wikipedia (?:is|which|that|under|and)"
        r"|wikipedia article [^.]{1,100}(?:licensed|released|available) under",
    )
)
AROUND_CHARS = 200  # how far such a sentence reaches around the name
MOST_NAMES = 1000  # looked at in a page

# What Wikipedia's pages have in common with those of other wikis.
NOTICES = (
    "this article needs additional citations for verification",
    "this article does not cite any sources",
    "this article has multiple issues",
    "learn how and when to remove this",
    "learn how and when to remove these",
)
LICENCES = (
    "text is available under the creative commons attribution-sharealike",
    "text is available under the creative commons attribution-share alike",
)
JUMPS = ("jump to navigation", "jump to: navigation, search")
MARKUP = re.compile(rb"mw-(?:content-text|parser-output|headline)")
ENGINE = re.compile(rb"""<meta name=["']?generator["']? content=["']?mediawiki""")

_NAME = re.compile("wikip|википед")
_TAG = re.compile(r"<[^<>]*>")


def on_wikipedia(*urls: str | None) -> bool:
    """Whether one of the URLs is on a Wikipedia or one of its sister projects."""
    return any(_host(url).endswith(tuple(f".{domain}" for domain in DOMAINS)) for url in urls if url)


def traces(html: str) -> int:
    """How many different traces of a Wikipedia article a page carries.

    A site that declares itself as MediaWiki has the markup, notices and licence of its own articles: there
    all that it shares with Wikipedia counts once.
    """
    if "ikip" not in html and "икипедии" not in html:
        return 0
    source = html.encode("utf-8", "replace").lower()  # far quicker than of characters, and enough for markup
    flat = " ".join(entities.unescape(_TAG.sub("", html).lower()).split())
    around = _around_names(flat)
    named = sum(1 for pattern in NAMED if pattern.search(around))
    wiki = MARKUP.search(source) is not None or _has(flat, JUMPS) or flat.count("[edit]") > 1
    shared = sum((_has(flat, NOTICES), _has(flat, LICENCES), wiki))
    return named + (min(shared, 1) if ENGINE.search(source) else shared)


def _has(text: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in text for phrase in phrases)


def _around_names(flat: str) -> str:
    """The parts of a text that a sentence with Wikipedia's name may be in."""
    parts: list[str] = []
    end = 0
    for match in islice(_NAME.finditer(flat), MOST_NAMES):
        start = match.start() - AROUND_CHARS
        if start > end:
            parts.append("\n")
        start, end = max(start, end), match.end() + AROUND_CHARS
        parts.append(flat[start:end])
    return "".join(parts)


def _host(url: str) -> str:
    try:
        return f".{urlsplit(url).hostname or ''}"
    except ValueError:
        return ""
