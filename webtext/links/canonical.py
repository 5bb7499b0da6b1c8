"""One spelling per page: the canonical URL, from which a link's id, its domain and its partition follow.

Only changes that cannot change which page is meant (RFC 3986 §6.2.2-6.2.3, WHATWG URL): spelling of scheme,
host, port and escapes, dot segments, the fragment, known tracking parameters, known mirrors. `http` and
`https`, `www.`, a trailing slash and the order of parameters may matter to a server, so they stay.
"""

import re
from functools import lru_cache

import xxhash

from webtext.links import escapes, mirrors, tracking
from webtext.links.hosts import host_of, parse_host, registered_domain

__all__ = [
    "MAX_CHARS",
    "Rejected",
    "canonical_and_host",
    "canonicalise",
    "is_canonical_host",
    "link_id",
    "posted_url",
    "registered_domain",
    "url_hash",
]

MAX_CHARS = 2083  # the longest URL that browsers, sitemaps and archives have long agreed on
_MAX_RAW_CHARS = 10 * MAX_CHARS  # as posted: escapes, fragment and tracking parameters may still fall away
_DEFAULT_PORTS = {"http": "80", "https": "443"}

# Around a URL, never in it: controls, spaces, and invisible marks that editors leave.
_OUTER = "".join(
    map(chr, (*range(0x21), *range(0x7F, 0xA1), 0xFEFF, *range(0x2000, 0x2010), *range(0x2028, 0x2070)))
)
_LINE_BREAKS = str.maketrans("", "", "\t\n\r")
_SECOND_URL = re.compile(  # begins where a run of separators does: one look at each character
    r"(?<![\s,;|])[,;|]*+\s[\s,;|]*+https?:/", re.IGNORECASE
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_AUTHORITY_END = re.compile(r"[/\\?]")
_PLAIN = re.compile(  # possessive, so that what does not match ends at once
    r"https?://([a-z0-9-]++(?:\.[a-z0-9-]++)++)((?:/[A-Za-z0-9\-._~!$'()*+,;=:@/]*+)?+)"
    r"(?:\?([A-Za-z0-9\-._~!$&'()*+,=:@/?]*+))?+"
)


class Rejected(Exception):
    """The URL cannot be a link; `reason` is one of webtext.reasons.LINKS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def canonicalise(url: str) -> str:
    """The canonical spelling of a URL as it was posted: ASCII, and a fixed point of this function.

    Raises `Rejected` (bad_url, scheme, too_long, no_url) for what names no page; never anything else.
    """
    return canonical_and_host(url)[0]


def canonical_and_host(url: str) -> tuple[str, str]:
    """(canonical URL, its host). Raises as `canonicalise`. The steps go from quick to thorough, because most
    URLs need no rewriting, at least once what surrounds them is gone."""
    if found := _plain(url):
        return found
    bare = _bare(url)
    if found := _plain(bare):
        return found
    canonical = _rewritten(bare)
    return canonical, host_of(canonical)


def url_hash(canonical_url: str) -> int:
    """xxh3-64, by which links are sorted; the same number as their ids."""
    return xxhash.xxh3_64_intdigest(canonical_url.encode("ascii"))


def link_id(canonical_url: str) -> str:
    """The link's name in every table: 16 hex digits, xxh3-64."""
    return f"{url_hash(canonical_url):016x}"


def posted_url(text: str) -> str:
    """The URL in a field: without what surrounds it, the first where there are several, HTML undone."""
    text = text.strip(_OUTER)
    second = _SECOND_URL.search(text)
    if second and second.start():
        text = text[: second.start()]
    return escapes.unescape_html(text)


def _plain(url: str) -> tuple[str, str] | None:
    """(canonical URL, its host) of one whose escapes and host are canonical, which one match shows; None for
    others."""
    if len(url) >= MAX_CHARS or (match := _PLAIN.fullmatch(url)) is None:
        return None
    host, path, query = match.groups()
    if "/." in path or not is_canonical_host(host):
        return None
    page = url[: match.end(2)] if path else url[: match.end(1)] + "/"
    return page + _query(query), host


@lru_cache(maxsize=1 << 16)
def is_canonical_host(text: str) -> bool:
    """Whether a host stays as it is, whatever the path. Raises Rejected for what is no host."""
    return _host(text) == text and not mirrors.may_mirror(text)


def _bare(url: str) -> str:
    """The URL in a field, without its fragment. Raises Rejected where nothing is left."""
    if len(url) > _MAX_RAW_CHARS:
        raise Rejected("too_long")
    text = posted_url(url).partition("#")[0].translate(_LINE_BREAKS)
    if not text:
        raise Rejected("bad_url" if url.strip(_OUTER) else "no_url")
    return text


def _rewritten(text: str) -> str:
    if len(text) > MAX_CHARS:
        raise Rejected("too_long")
    scheme, rest = _scheme(text)
    end = _AUTHORITY_END.search(rest)
    authority, target = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    user, host, port = _authority(authority, scheme)
    target = _target(target)
    origin = mirrors.origin(host, target) if mirrors.may_mirror(host) else None
    if origin and (document := _document(origin)):
        return document
    canonical = f"{scheme}://{user}{mirrors.desktop_host(host)}{port}{target}"
    if len(canonical) > MAX_CHARS:
        raise Rejected("too_long")
    hidden = escapes.unescape_html(canonical) != canonical  # an HTML escape behind percent-escapes
    return _rewritten(_bare(canonical)) if hidden else canonical


def _document(origin: str) -> str | None:
    """What a mirror shows or leads to, if that is a URL of the public web at all."""
    try:
        canonical = canonicalise(origin)
    except Rejected:
        return None
    return canonical if "." in registered_domain(canonical) else None


def _scheme(text: str) -> tuple[str, str]:
    match = _SCHEME.match(text)
    # "example.org:8080/" is a host and a port that lack their scheme, not a scheme
    if match is None or "." in match[1]:
        raise Rejected("bad_url")
    scheme = match[1].lower()
    if scheme not in _DEFAULT_PORTS:
        raise Rejected("scheme")
    return scheme, text[match.end() :].lstrip("/\\")


def _authority(authority: str, scheme: str) -> tuple[str, str, str]:
    """("user:password@" or "", host, ":port" or "")."""
    user, _, host_port = authority.rpartition("@")
    at = host_port.find(":", host_port.find("]") + 1)
    host, port = (host_port[:at], host_port[at + 1 :]) if at >= 0 else (host_port, "")
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise Rejected("bad_url")
    port = str(int(port)) if port else ""
    return _user(user), _host(host), "" if port in ("", _DEFAULT_PORTS[scheme]) else f":{port}"


def _host(text: str) -> str:
    try:
        return parse_host(text)
    except ValueError:
        raise Rejected("bad_url") from None


def _user(user: str) -> str:
    name, _, password = (escapes.escape_user(part) for part in user.partition(":"))
    return f"{name}:{password}@" if password else f"{name}@" if name else ""


def _target(text: str) -> str:
    """Path and query."""
    path, mark, query = text.partition("?")
    path = _without_dots(escapes.escape_path(path.replace("\\", "/")))
    return path + _query(escapes.escape_query(query) if mark else None)


def _query(query: str | None) -> str:
    """The query with its `?`; nothing where all of its parameters were for tracking."""
    if query is None:
        return ""
    kept = tracking.untracked(query)
    return f"?{kept}" if kept or not query else ""


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4, as the URL standard does it."""
    if "/." not in path:
        return path or "/"
    segments: list[str] = []
    *inner, last = path.split("/")[1:]
    for segment in inner:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    if last == "..":
        del segments[-1:]
    segments.append("" if last in (".", "..") else last)
    return "/" + "/".join(segments)
