"""One request, one exchange: `requests` over one TLS context, every limit kept.

An adapter and no session: a session reads a redirect's body whole to follow it, keeps cookies, and takes
proxies and passwords from the environment.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import urldefragauth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from webtext.crawl import coding
from webtext.crawl.addresses import is_private_name
from webtext.crawl.dialer import Dialer, Lookup, Resolver, tls_context
from webtext.crawl.exchange import Exchange, Headers
from webtext.crawl.failures import Failure, explain
from webtext.crawl.robots import product_token
from webtext.errors import RunFailed, UserError
from webtext.sections import Crawl

CHUNK_BYTES = 64 * 1024
MAX_PIECES = 50_000  # a body in chunks of a byte is an attack on the processor
# So many hosts are in turn at a time, each with a connection that is kept open. With eight a thread always
# finds a host that is due, as long as an exchange takes a seventh of the delay or more.
HOSTS_PER_THREAD = 8
PORTS = (80, 443)
ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.9, */*;q=0.1"

WantedBytes = Callable[[int, Headers], int]  # status, headers → bytes of the body to read; 0: do not begin


class Network:
    """The way to the web for all threads of a process."""

    def __init__(
        self, settings: Crawl, lookup: Lookup | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.settings = settings
        self._dialer = Dialer(Resolver(settings.threads, lookup), settings.allow_private)
        connections = settings.threads if settings.proxy else settings.per_host_connections
        hosts = HOSTS_PER_THREAD * settings.threads
        self._adapter = _Adapter(self._dialer, tls or tls_context(), hosts, connections)
        self._headers = {
            "User-Agent": user_agent(settings),
            "Accept": ACCEPT,
            "Accept-Encoding": coding.ACCEPTED,
        }

    def fetch(
        self,
        url: str,
        timeout_s: float,
        wanted_bytes: WantedBytes,
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        """Gets a URL within `timeout_s`, no redirect followed. Raises Failure when no response came.

        `headers` are sent too, or instead of those that every request has.

        A body that is longer than wanted, or that breaks off, is kept as far as it came and the exchange
        says that it is truncated.
        """
        request = prepare(url, {**self._headers, **(headers or {})})
        self._check(request.url)
        at, started = datetime.now(UTC), time.monotonic()
        deadline = started + timeout_s
        try:
            response = self._send(request, timeout_s)
        except Exception as error:
            raise explain(error) from error
        raw = response.raw
        try:
            address = getattr(raw.connection, "address", None)
            received = tuple((name, value) for name, value in raw.headers.iteritems())
            _check_transfer_coding(raw.headers.get("transfer-encoding", ""))
            body, truncated = _read(raw, wanted_bytes(raw.status, received), deadline)
        finally:
            raw.close()
        sent = (("Host", _host_header(request.url)), *request.headers.items())
        return Exchange(
            request.url, raw.status, received, body, raw.reason or "", sent,
            truncated, address, at, seconds=time.monotonic() - started,
        )  # fmt: skip

    def reach_proxy(self) -> None:
        """Raises RunFailed when the proxy does not answer: no link is to blame for that."""
        if not self.settings.proxy:
            return
        proxy = urllib3.util.parse_url(self.settings.proxy)
        try:
            timeout_s = self.settings.connect_timeout_s
            self._dialer.connect(proxy.host or "", proxy.port or 80, timeout_s, trusted=True).close()
        except Failure as failure:
            raise RunFailed(
                f"crawl.proxy {proxy.host}:{proxy.port}: {failure.detail}; start it, or set another"
            ) from None

    def close(self) -> None:
        self._adapter.close()
        self._dialer.resolver.close()

    def _send(self, request: Any, timeout_s: float) -> requests.Response:
        connect_s = min(self.settings.connect_timeout_s, timeout_s)
        proxy = self.settings.proxy
        timeout: Any = urllib3.Timeout(total=timeout_s, connect=connect_s)
        proxies = {"http": proxy, "https": proxy} if proxy else {}
        return self._adapter.send(request, stream=True, timeout=timeout, proxies=proxies)

    def _check(self, url: str) -> None:
        if self.settings.allow_private:
            return
        parts = urllib3.util.parse_url(url)
        if parts.port not in (None, *PORTS):
            raise Failure("port", f"port {parts.port}")
        # Behind a proxy it is the proxy that resolves names; here the dialer checks the addresses.
        if self.settings.proxy and is_private_name(parts.host or ""):
            raise Failure("private_address", "the host is written as a private one")


def check_settings(settings: Crawl) -> None:
    """Raises UserError where a setting cannot be used in a request."""
    for name in ("user_agent", "contact"):
        value = getattr(settings, name)
        if not (value.isascii() and value.isprintable()):
            raise UserError(f"crawl.{name}: {value!r} cannot be sent in a header; use printable ASCII")
    if not product_token(settings.user_agent):
        raise UserError(
            f"crawl.user_agent: {settings.user_agent!r} names no product; begin as in webtext/0.1"
        )
    if not settings.proxy:
        return
    try:
        proxy = urllib3.util.parse_url(settings.proxy)
    except urllib3.exceptions.LocationParseError:
        proxy = urllib3.util.Url()
    if proxy.scheme != "http" or not proxy.host or proxy.request_uri != "/":
        raise UserError(f"crawl.proxy: {settings.proxy!r} is not of the form http://host:port")


def user_agent(settings: Crawl) -> str:
    """The User-Agent header: the crawler's name, and whom to write to (RFC 9110 §10.1.5)."""
    return f"{settings.user_agent} (+{settings.contact})" if settings.contact else settings.user_agent


def prepare(url: str, headers: dict[str, str] | None = None) -> Any:
    """The request for a URL, whose user information and fragment are left out; raises Failure."""
    try:
        request = requests.Request("GET", urldefragauth(url), headers=headers).prepare()
    except (requests.RequestException, ValueError) as error:  # UnicodeError is a ValueError
        raise Failure("dns", "the host is not a valid name") from error
    return request


def _check_transfer_coding(value: str) -> None:
    # http.client undoes this coding alone, and only where it stands alone.
    if value.strip().lower() not in ("", "identity", "chunked"):
        raise Failure("bad_response", "an unknown transfer coding")


def _read(raw: Any, limit: int, deadline: float) -> tuple[bytes, str | None]:
    if limit == 0:
        return b"", "unspecified"
    body = bytearray()
    try:
        # One read of the socket at a time, which the socket's own deadline bounds.
        for _ in range(MAX_PIECES):
            piece = raw.read1(CHUNK_BYTES)
            body += piece
            if not piece or len(body) > limit:
                break
        else:
            return bytes(body), "unspecified"
    except Exception:  # whatever urllib3 makes of a body that breaks off
        return bytes(body), "time" if time.monotonic() >= deadline else "disconnect"
    if len(body) > limit:
        return bytes(memoryview(body)[:limit]), "length"
    return bytes(body), None


def _host_header(url: str) -> str:
    return urllib3.util.parse_url(url).netloc or ""


class _Adapter(HTTPAdapter):
    """Hands one TLS context and our connections to every pool."""

    def __init__(self, dialer: Dialer, tls: ssl.SSLContext, hosts: int, connections: int) -> None:
        self._pools, self._tls = _pools(dialer), tls
        super().__init__(pool_connections=hosts, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._tls, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._tls}

    def cert_verify(self, *_: Any) -> None:
        """The context has its certificates; the inherited method would load them for every connection."""


def _pools(dialer: Dialer) -> dict[str, type[HTTPConnectionPool]]:
    class Dialled(HTTPConnection):
        address: str | None = None

        def _new_conn(self) -> Any:
            timeout_s = self.timeout if isinstance(self.timeout, int | float) else 0.0
            sock = dialer.connect(self._dns_host, self.port, timeout_s, trusted=self.proxy is not None)
            self.address = None if self.proxy else sock.getpeername()[0]
            return sock

    class DialledTLS(Dialled, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Dialled

    class PoolTLS(HTTPSConnectionPool):
        ConnectionCls = DialledTLS

    return {"http": Pool, "https": PoolTLS}
