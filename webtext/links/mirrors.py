"""Hosts that show another host's page, where it is certain which page that is. Deliberately few.

Publishers' own `/amp` pages and most `m.` hosts are not here: whether the page without `amp` or `m.` exists,
and is the same, only the publisher knows.
"""

import re

# Google's viewer and cache hold AMP documents under the address of their origin, "s/" for https.
# https://developers.google.com/amp/cache/overview
_GOOGLE_VIEWER = re.compile(r"(?:www\.)?google(?:\.com?)?(?:\.[a-z]{2,3})?")
_AMP_CACHE = re.compile(r"(?:[a-z0-9-]+\.)?cdn\.ampproject\.org")
_AMP_PATH = {
    "viewer": re.compile(r"/amp/(s/)?(.+)"),
    "cache": re.compile(r"/[cv]/(s/)?(.+)"),
}
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
    return host in _SAME_PATH or ".m.wiki" in host or "google." in host or "ampproject." in host


def desktop_host(host: str) -> str:
    """The host that serves the same paths for a desktop; the host itself where there is none for certain."""
    match = _WIKIMEDIA.fullmatch(host)
    return f"{match[1]}.{match[2]}" if match else _SAME_PATH.get(host, host)


def amp_origin(host: str, target: str) -> str | None:
    """The URL of the document that an AMP viewer or cache shows; `target` is the path and query there."""
    if _GOOGLE_VIEWER.fullmatch(host):
        match = _AMP_PATH["viewer"].fullmatch(target)
    elif _AMP_CACHE.fullmatch(host):
        match = _AMP_PATH["cache"].fullmatch(target)
    else:
        return None
    return f"{'https' if match[1] else 'http'}://{match[2]}" if match else None
