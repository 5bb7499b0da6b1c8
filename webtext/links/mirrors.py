"""Hosts that show another host's page, or lead to it, where it is certain which page that is. Deliberately
few.

Publishers' own `/amp` pages and most `m.` hosts are not here: whether the page without `amp` or `m.` exists,
and is the same, only the publisher knows.
"""

import re
from urllib.parse import unquote

# Google's viewer and cache hold AMP documents under the address of their origin, "s/" for https.
# https://developers.google.com/amp/cache/overview
_GOOGLE = re.compile(r"(?:www\.)?google(?:\.com?)?(?:\.[a-z]{2,3})?")
_AMP_CACHE = re.compile(r"(?:[a-z0-9-]+\.)?cdn\.ampproject\.org")
_AMP_PATH = {
    "viewer": re.compile(r"/amp/(s/)?(.+)"),
    "cache": re.compile(r"/[cv]/(s/)?(.+)"),
}
# What people copy from its results is `?url=` beside the `q=` they searched for; its mails have `?q=` alone.
# No crawler may follow them: google.com/robots.txt forbids /url.
_GOOGLE_LEADS = "/url?"
# Wikimedia serves each wiki's mobile view under the same path.
_WIKIMEDIA = re.compile(
    r"([a-z0-9-]+)\.m\.((?:wikipedia|wiktionary|wikiquote|wikibooks|wikisource|wikinews|wikiversity"
    r"|wikivoyage|wikimedia)\.org)"
)
_SAME_PATH = {
    "m.youtube.com": "www.youtube.com",
    "mobile.twitter.com": "twitter.com",
    "m.wikidata.org": "www.wikidata.org",
}


def may_mirror(host: str) -> bool:
    """A quick look, which most hosts do not pass: whether it may be one of those below."""
    return host in _SAME_PATH or ".m.wiki" in host or "google." in host or "ampproject." in host


def desktop_host(host: str) -> str:
    """The host that serves the same paths for a desktop; the host itself where there is none for certain."""
    match = _WIKIMEDIA.fullmatch(host)
    return f"{match[1]}.{match[2]}" if match else _SAME_PATH.get(host, host)


def origin(host: str, target: str) -> str | None:
    """The URL of the document that an AMP viewer or cache shows, or to which Google's results and mails lead;
    `target` is the path and query there."""
    if _GOOGLE.fullmatch(host):
        if target.startswith(_GOOGLE_LEADS):
            return _led_to(target.removeprefix(_GOOGLE_LEADS))
        match = _AMP_PATH["viewer"].fullmatch(target)
    elif _AMP_CACHE.fullmatch(host):
        match = _AMP_PATH["cache"].fullmatch(target)
    else:
        return None
    return f"{'https' if match[1] else 'http'}://{match[2]}" if match else None


def _led_to(query: str) -> str | None:
    parameters = dict(part.partition("=")[::2] for part in query.split("&"))
    url = unquote(parameters.get("url") or parameters.get("q", ""), errors="surrogateescape")
    return url if url.startswith(("http://", "https://")) else None
