"""What a thread of the crawler does: one request, for a page or a file of its origin, and what it means."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import partial
from http.cookiejar import CookieJar
from threading import BoundedSemaphore
from urllib.parse import urlsplit

from webtext.crawl import coding, cookies, page, robots, tdmrep
from webtext.crawl.exchange import Exchange, Headers
from webtext.crawl.failures import Failure
from webtext.crawl.network import Network, WantedBytes
from webtext.crawl.packing import Packed, pack
from webtext.crawl.page import REDIRECT, Verdict
from webtext.crawl.retry_after import asked_wait_s
from webtext.crawl.robots import Rules
from webtext.crawl.tdmrep import Reservations
from webtext.crawl.warc import Position

# Large pages are decoded and packed a few at a time: that takes several times their size of memory.
LARGE_BYTES = 1_000_000
_large = BoundedSemaphore(4)

# Failures to fetch robots.txt that are the host's own: its pages have the same fate.
OF_THE_HOST = ("private_address", "port", "dns", "unreachable", "tls")


class Asks(Enum):
    """What an errand asks for."""

    PAGE = "page"
    ROBOTS = "robots.txt"
    TDMREP = "tdmrep.json"


@dataclass(slots=True)
class Errand:
    """A link on its way to a page, or an origin's file on its way to rules."""

    partition: int
    id: str
    link: str
    url: str  # where the redirects have led so far
    asks: Asks = Asks.PAGE
    reserved: bool = False  # its origin's tdmrep.json says so of `url`
    visited: tuple[str, ...] = ()  # the URLs that redirected
    jar: CookieJar | None = None  # what redirects have set
    asked_before: int = 0  # of `visited`, how many were asked without a cookie that is there now
    attempts: int = 0
    spent_s: float = 0.0  # of timeout_s, in this attempt
    last: "Outcome | None" = None

    @property
    def hops(self) -> str:
        """The way from the link in Heritrix' letters: P for a prerequisite, R for each redirect."""
        return "P" * (self.asks is not Asks.PAGE) + "R" * len(self.visited)

    def restart(self) -> None:
        """Back to the link, for another attempt."""
        self.url, self.visited, self.spent_s = self.link, (), 0.0
        self.jar, self.asked_before = None, 0

    def circles(self, target: str) -> bool:
        """Whether a redirect leads to what was asked already, in the same way."""
        return target in (*self.visited, self.url)[self.asked_before :]

    def ends(self, verdict: Verdict) -> "Outcome":
        """The outcome without a response."""
        return Outcome(verdict, self.url, len(self.visited))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request gave: a verdict, or an origin's rules; and the exchange, ready for the WARC file."""

    verdict: Verdict
    url: str
    redirects: int = 0  # that led to `url`
    rules: Rules | None = None
    reservations: Reservations | None = None
    status: int | None = None
    at: datetime | None = None
    packed: Packed | None = None
    position: Position | None = None  # once it is written
    wait_s: float = 0.0  # what Retry-After asks for
    seconds: float = 0.0


def origin(url: str) -> str:
    """Scheme, host and port: what a robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def host(url: str) -> str:
    """The host, to which politeness is owed; "" if the URL has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def run(errand: Errand, network: Network) -> Outcome:
    """Makes the errand's next request."""
    started = time.monotonic()
    try:
        outcome = _ASK[errand.asks](errand, network)
    except Failure as failure:
        outcome = errand.ends(_failed(errand, failure))
    except Exception as error:  # what a server sent broke a library: that costs its page and nothing else
        outcome = errand.ends(_failed(errand, Failure("bad_response", type(error).__name__)))
    return replace(outcome, redirects=len(errand.visited), seconds=time.monotonic() - started)


def _page(errand: Errand, network: Network) -> Outcome:
    settings = network.settings
    exchange = _fetch(errand, network, partial(page.wanted_bytes, settings))
    with _large if len(exchange.body) > LARGE_BYTES else nullcontext():
        verdict, kept = page.judge(exchange, settings, errand.reserved)
        if verdict.state == REDIRECT and exchange.header("set-cookie"):
            _keep_cookies(errand, exchange)
        if exchange.status in page.PAGE_STATUSES and _leads_nowhere(errand, verdict, settings.max_redirects):
            verdict, kept = page.judge(exchange, settings, errand.reserved, follow_refresh=False)
        return _outcome(verdict, kept)


def _keep_cookies(errand: Errand, exchange: Exchange) -> None:
    """Takes the cookies of a redirect along. With a new one, what was asked before may be asked again."""
    errand.jar = errand.jar or cookies.empty_jar()
    if cookies.keep(exchange, errand.jar):
        errand.asked_before = len(errand.visited) + 1


def _leads_nowhere(errand: Errand, verdict: Verdict, max_redirects: int) -> bool:
    """Whether a redirect is one of a circle or too many: a page that is one, as news do that load themselves
    again, is to be read."""
    target = verdict.location
    return target is not None and (errand.circles(target) or len(errand.visited) >= max_redirects)


def _robots(errand: Errand, network: Network) -> Outcome:
    exchange = _fetch(errand, network, partial(_wanted_of_file, robots.MAX_BYTES))
    if exchange.status // 100 == 2:
        return _robots_body(exchange, network)
    if exchange.status == 429 or exchange.status >= 500:
        return _outcome(Verdict("robots_unreachable", f"status {exchange.status}", again=True), exchange)
    if (onward := _redirect_of_file(errand, exchange, robots.MAX_REDIRECTS)) is not None:
        return _outcome(onward, exchange)
    return replace(_outcome(Verdict("unavailable"), exchange), rules=Rules())  # RFC 9309 §2.3.1.3


def _robots_body(exchange: Exchange, network: Network) -> Outcome:
    if exchange.truncated in ("time", "disconnect"):
        return _outcome(Verdict("robots_unreachable", "it broke off", again=True), exchange)
    try:
        decoded = coding.decode(exchange.body, exchange.header("content-encoding"), robots.MAX_BYTES)
    except coding.BadCoding as error:
        return _outcome(Verdict("robots_unreachable", str(error)), exchange)
    settings = network.settings
    others = robots.ai_agents() if "ai-tokens" in settings.opt_out_extra else ()
    rules = robots.parse(decoded.body, robots.product_token(settings.user_agent), others)
    return replace(_outcome(Verdict("read"), exchange), rules=rules)


def _tdmrep(errand: Errand, network: Network) -> Outcome:
    """An origin's reservations; where the file cannot be had, the protocol is not used there."""
    exchange = _fetch(errand, network, partial(_wanted_of_file, tdmrep.MAX_BYTES))
    if exchange.status in (429, 503):
        state = "rate_limited" if exchange.status == 429 else "server_error"
        return _outcome(Verdict(state, again=True), exchange)
    if (onward := _redirect_of_file(errand, exchange, tdmrep.MAX_REDIRECTS)) is not None:
        return _outcome(onward, exchange)
    if exchange.status // 100 != 2 or exchange.truncated:
        return _outcome(Verdict("unavailable"), exchange)
    try:
        decoded = coding.decode(exchange.body, exchange.header("content-encoding"), tdmrep.MAX_BYTES)
    except coding.BadCoding:
        return _outcome(Verdict("unavailable"), exchange)
    reservations = tdmrep.parse(decoded.body, origin(errand.link))
    return replace(_outcome(Verdict("read"), exchange), reservations=reservations)


def _wanted_of_file(max_bytes: int, status: int, _: Headers) -> int:
    """As `page.wanted_bytes`, for a file of an origin."""
    return max_bytes if status // 100 == 2 else page.OTHER_BODY_BYTES


def _redirect_of_file(errand: Errand, exchange: Exchange, max_redirects: int) -> Verdict | None:
    """Where an origin's file is to be asked for instead; None where the answer leads nowhere, or too far."""
    if exchange.status not in page.REDIRECT_STATUSES or len(errand.visited) >= max_redirects:
        return None
    verdict = page.redirect(exchange)
    return verdict if verdict.state == REDIRECT else None


def _fetch(errand: Errand, network: Network, wanted_bytes: WantedBytes) -> Exchange:
    left_s = network.settings.timeout_s - errand.spent_s
    if left_s <= 0:
        raise Failure("timeout", "the redirects took too long", again=True)
    headers = cookies.sent_to(errand.url, errand.jar) if errand.jar is not None else None
    exchange = network.fetch(errand.url, left_s, wanted_bytes, headers)
    link_id = errand.id if errand.asks is Asks.PAGE else None
    via = errand.visited[-1] if errand.visited else None
    return replace(exchange, link_id=link_id, via=via, hops=errand.hops)


def _outcome(verdict: Verdict, exchange: Exchange) -> Outcome:
    wait_s = asked_wait_s(exchange.header("retry-after"))
    if verdict.state == REDIRECT:  # whatever else it carries is no page, and no row would know of it
        exchange = page.head_alone(exchange)
    return Outcome(
        verdict,
        exchange.url,
        status=exchange.status,
        at=exchange.at,
        packed=pack(exchange),
        wait_s=wait_s,
    )


def _failed(errand: Errand, failure: Failure) -> Verdict:
    verdict = Verdict(failure.state, failure.detail, failure.again)
    if errand.asks is not Asks.ROBOTS or (failure.state in OF_THE_HOST and not errand.visited):
        return verdict
    return replace(verdict, state="robots_unreachable", detail=f"{failure.state}: {failure.detail}")


_ASK = {Asks.PAGE: _page, Asks.ROBOTS: _robots, Asks.TDMREP: _tdmrep}
