"""What a response means for a page: stored, elsewhere, or why not."""

import hashlib
import re
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from webtext.crawl import coding, media_types, optouts, refresh
from webtext.crawl.exchange import Exchange, Headers, header
from webtext.crawl.failures import Failure
from webtext.crawl.network import prepare
from webtext.crawl.robots import product_token
from webtext.reasons import FETCHED
from webtext.sections import Crawl

PAGE_STATUSES = (200, 203)
REDIRECT_STATUSES = (301, 302, 303, 307, 308)
OTHER_BODY_BYTES = 64 * 1024  # read of a redirect's or an error's body
NOT_KEPT = ("not_html", "too_large", "opted_out")  # of such pages the WARC file has the head alone
MAX_LOCATION_CHARS = 8000
_PATH_END = re.compile(r"[?#]")
_MANY_SLASHES = re.compile(r"^(https?:)?/{3,}", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
REDIRECT = "redirect"  # a verdict's state that is not a page's

_STATES = {429: "rate_limited"} | dict.fromkeys((404, 410), "not_found")
_STATES |= dict.fromkeys((401, 403, 407, 451), "forbidden")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a page: `fetched`, `redirect` or a reason, and the facts of its row."""

    state: str
    detail: str | None = None
    again: bool = False  # another try may end better
    location: str | None = None  # where a redirect leads
    content_type: str | None = None
    charset: str | None = None
    bytes: int | None = None
    sha256: str | None = None


def wanted_bytes(settings: Crawl, status: int, headers: Headers) -> int:
    """How much of a body is worth reading, given the head."""
    if status not in PAGE_STATUSES:
        return OTHER_BODY_BYTES
    content_type, _ = media_types.parse(header(headers, "content-type"))
    return settings.max_bytes if _refused_by_head(headers, content_type, settings) is None else 0


def judge(
    exchange: Exchange, settings: Crawl, reserved: bool = False, *, follow_refresh: bool = True
) -> tuple[Verdict, Exchange]:
    """The verdict on a response, and the exchange as it may be stored.

    `reserved` is what the origin's tdmrep.json says of the URL. `follow_refresh`: whether a page that sends
    its readers on (see `refresh`) is a redirect; one that an archive gave never is.
    """
    if exchange.status in REDIRECT_STATUSES:
        return redirect(exchange), exchange
    if exchange.status not in PAGE_STATUSES:
        return _refusal(exchange.status), exchange
    exchange = _whole(exchange, settings)
    verdict, body = _page(exchange, settings, reserved)
    if verdict.state in NOT_KEPT:
        exchange = head_alone(exchange)
    if verdict.state != FETCHED:
        return verdict, exchange
    follow_refresh = follow_refresh and exchange.source_uri is None
    if follow_refresh and (onward := _refresh(exchange, verdict, body)) is not None:
        return onward, exchange
    digest = hashlib.sha256(body).hexdigest()
    return replace(verdict, bytes=len(body), sha256=digest), exchange


def head_alone(exchange: Exchange) -> Exchange:
    """The exchange without its body, which is said to be missing if there was one."""
    why = exchange.truncated or "unspecified"
    return replace(exchange, body=b"", truncated=why) if exchange.body else exchange


def _whole(exchange: Exchange, settings: Crawl) -> Exchange:
    """The exchange, not marked as cut short where the server announced the length of the *decoded* body: a
    common mistake, which browsers forgive where that length is exact.

    Where the length announced is that of the stored body, an archive wrote it there, and says itself that the
    body was cut short: that mark stays.
    """
    announced = announced_bytes(exchange.headers)
    if exchange.truncated != "disconnect" or announced == len(exchange.body):
        return exchange
    try:
        decoded = coding.decode(exchange.body, exchange.header("content-encoding"), settings.max_bytes)
    except coding.BadCoding:
        return exchange
    exact = decoded.complete and 0 < len(decoded.body) == announced
    return replace(exchange, truncated=None) if exact else exchange


def _page(exchange: Exchange, settings: Crawl, reserved: bool) -> tuple[Verdict, bytes]:
    """The verdict on a response that should carry a page, and the page's decoded body."""
    content_type, charset = media_types.parse(exchange.header("content-type"))
    refusal = _refused_by_head(exchange.headers, content_type, settings)
    decoded = coding.Decoded(b"")
    if refusal is None:
        refusal, decoded = _decoded(exchange, settings)
    if refusal is None:
        refusal = _refused_by_body(exchange.headers, decoded.body, content_type, settings, reserved)
    if refusal is not None:
        return replace(refusal, content_type=content_type, charset=charset), b""
    content_type = content_type or media_types.sniff(decoded.body)
    return Verdict(FETCHED, content_type=content_type, charset=charset), decoded.body


def _refused_by_head(headers: Headers, content_type: str | None, settings: Crawl) -> Verdict | None:
    if content_type is not None and content_type not in media_types.ACCEPTED:
        return Verdict("not_html", content_type)
    if settings.opt_outs and (sign := optouts.header_signal(headers, _reader(settings))):
        return Verdict("opted_out", sign)
    if announced_bytes(headers) > settings.max_bytes:
        return Verdict("too_large")
    return None


def _decoded(exchange: Exchange, settings: Crawl) -> tuple[Verdict | None, coding.Decoded]:
    nothing = coding.Decoded(b"")
    match exchange.truncated:
        case "length":
            return Verdict("too_large"), nothing
        case "time":
            return Verdict("timeout", "the body did not end", again=True), nothing
        case "disconnect":
            return Verdict("truncated", again=True), nothing
        case "unspecified":
            there = exchange.source_uri is None
            why = "the body came in too many pieces" if there else "the archive has not the whole body"
            return Verdict("bad_response", why), nothing
    try:
        decoded = coding.decode(exchange.body, exchange.header("content-encoding"), settings.max_bytes)
    except coding.BadCoding as error:
        return Verdict("bad_encoding", str(error)), nothing
    if decoded.too_large:
        return Verdict("too_large", "once decoded"), nothing
    if not decoded.complete:
        return Verdict("truncated", "within its content coding", again=True), nothing
    return None, decoded


def _refused_by_body(
    headers: Headers, body: bytes, content_type: str | None, settings: Crawl, reserved: bool
) -> Verdict | None:
    if not body.strip():
        return Verdict("empty")
    if (disguise := media_types.disguised(body)) is not None:
        return Verdict("not_html", f"{disguise} content")
    if content_type is None and media_types.sniff(body) not in media_types.ACCEPTED:
        return Verdict("not_html", "binary content without a type")
    if settings.opt_outs and (sign := optouts.signal(headers, body, _reader(settings), reserved)):
        return Verdict("opted_out", sign)
    return None


def _reader(settings: Crawl) -> optouts.Reader:
    return optouts.Reader(product_token(settings.user_agent), "noindex" in settings.opt_out_extra)


def _refresh(exchange: Exchange, verdict: Verdict, body: bytes) -> Verdict | None:
    """The redirect that a page's `<meta refresh>` makes; None without one, and for one to the page itself."""
    target = None if verdict.content_type == "text/plain" else refresh.target(body)
    onward = redirect(replace(exchange, headers=(("location", target),))) if target else None
    return onward if onward is not None and onward.location not in (None, exchange.url) else None


def redirect(exchange: Exchange) -> Verdict:
    """Where a Location header leads: REDIRECT, with the URL as it will be asked for, or bad_redirect."""
    location = exchange.header("location")
    if not location:
        return Verdict("bad_redirect", "no Location")
    if len(location) > MAX_LOCATION_CHARS:
        return Verdict("bad_redirect", f"longer than {MAX_LOCATION_CHARS:,} characters")
    try:
        # Browsers read the header's bytes as UTF-8; http.client has read them as Latin-1.
        location = location.encode("latin-1").decode("utf-8", "replace")
        target = urljoin(exchange.url, _repaired(location, exchange.url))
        if not target.lower().startswith(("http://", "https://")):
            return Verdict("bad_redirect", f"to {target.partition(':')[0].lower()[:20]}")
        return Verdict(REDIRECT, location=prepare(target).url)
    except (Failure, ValueError):
        return Verdict("bad_redirect", "not a URL")


def _repaired(location: str, base: str) -> str:
    """A reference to be joined to a base, as the URL standard (§4.4) has it read: a backslash in a path is a
    slash, one slash or three before a host are two, and a `%` may stand alone."""
    end = _PATH_END.search(location)
    path, rest = (location[: end.start()], location[end.start() :]) if end else (location, "")
    path = _MANY_SLASHES.sub(r"\1//", path.replace("\\", "/"))
    scheme = _SCHEME.match(path)
    if scheme and scheme[0].lower() in ("http:", "https:") and not path.startswith("//", scheme.end()):
        behind, same = path[scheme.end() :], base.startswith(scheme[0].lower())
        path, scheme = (behind, None) if same else (f"{scheme[0]}//{behind.lstrip('/')}", scheme)
    if path and scheme is None and not path.startswith("/"):  # of its double slashes urljoin would make one
        path = f"{urlsplit(base).path.rpartition('/')[0]}/{path}"
    return _STRAY_PERCENT.sub("%25", path + rest)


def _refusal(status: int) -> Verdict:
    detail = f"status {status}"
    if status >= 500:
        return Verdict("server_error", detail, again=True)
    return Verdict(_STATES.get(status, "http_error"), detail, again=status == 429)


def announced_bytes(headers: Headers) -> int:
    """What a Content-Length says, if that is a length."""
    value = header(headers, "content-length") or ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
