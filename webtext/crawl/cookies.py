"""Cookies along one link's redirects: many sites set one, and lead in a circle until it comes back.

They are forgotten with the link, so that no page depends on those that were fetched before.
"""

from email.message import Message
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from urllib.request import Request

from requests.cookies import MockResponse

from webtext.crawl.exchange import Exchange
from webtext.crawl.network import prepare
from webtext.links.hosts import is_public_suffix

MAX_CHARS = 8000  # more than this servers refuse
MOST_SET = 180  # by one response: as many as browsers keep of a site


class _Policy(DefaultCookiePolicy):
    """That of browsers (RFC 6265 §5.3): no site sets a cookie for all of co.uk."""

    def set_ok_domain(self, cookie: Cookie, request: Request) -> bool:
        if cookie.domain_specified and is_public_suffix(cookie.domain.lstrip(".")):
            return False
        return super().set_ok_domain(cookie, request)


def empty_jar() -> CookieJar:
    return CookieJar(_Policy())


def sent_to(url: str, jar: CookieJar) -> dict[str, str]:
    """The header with the cookies that are meant for a URL, if there are any."""
    request = _request(url)
    jar.add_cookie_header(request)
    value = request.get_header("Cookie") or ""
    return {"Cookie": value} if 0 < len(value) <= MAX_CHARS else {}


def keep(exchange: Exchange, jar: CookieJar) -> bool:
    """Puts what a response sets into the jar; whether anything in it is new by that."""
    before, head = _values(jar), Message()
    values = [value for name, value in exchange.headers if name.lower() == "set-cookie"]
    for value in values[:MOST_SET]:
        head["Set-Cookie"] = value
    jar.extract_cookies(MockResponse(head), _request(exchange.url))  # type: ignore[arg-type]
    return _values(jar) != before


def _request(url: str) -> Request:
    return Request(prepare(url).url)  # as it is sent: without user information


def _values(jar: CookieJar) -> set[tuple[str, str, str, str | None]]:
    return {(cookie.domain, cookie.path, cookie.name, cookie.value) for cookie in jar}
