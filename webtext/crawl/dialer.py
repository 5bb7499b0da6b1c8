"""Connections that are made to checked addresses and end at a deadline.

A socket's timeout is for one read; a server that sends a byte now and then outlives it. Here `settimeout`
starts one deadline for everything that follows on the socket, below `http.client` and TLS.
"""

import http.client
import io
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import cache
from re import compile as regex
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, getaddrinfo, socket
from typing import Any

import certifi
from urllib3.util.ssl_ import create_urllib3_context

from webtext.crawl.addresses import is_public
from webtext.crawl.failures import Failure, HeadCut, HeadTooLarge, connect_failure, lookup_failure

MAX_HEAD_BYTES = 256 * 1024
# 100 are http.client's own limit, which no browser has: sites pass it with cookies and hints to preload.
http.client._MAXHEADERS = 5000  # type: ignore[attr-defined]
DNS_CACHE_S, DNS_CACHE_NAMES = 300.0, 50_000
# What browsers offer of TLS 1.2. Python leaves out what old servers alone have, and offers finite-field
# Diffie-Hellman, which such servers choose, with keys that OpenSSL then calls too small.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!AESCCM"
# To servers without RFC 5746, as browsers do; `ssl` has the name since Python 3.12.
LEGACY_SERVER_CONNECT = 0x4

Lookup = Callable[[str], list[str]]  # the addresses of a name; raises OSError or UnicodeError

# RFC 9112 §5: a field line, or the continuation of one. Blanks before a colon are no part of the name.
_FIELD_LINE = regex(rb"([!-9;-~]+)[ \t]*(?=:)|(?=[ \t])").match
# RFC 9110 §15.2: an answer is still to come. After 101 none is, as far as HTTP goes.
_INTERIM = regex(rb"HTTP/1\.[0-9] 1(?!01)[0-9][0-9]\s").match


class _Reader(io.BufferedReader):
    """A response's reader: bounds the head, and leaves out header lines that are none, and interim responses.

    `http.client` would end the headers at such a line and take what follows, Transfer-Encoding for
    instance, for the body; it would take 103 Early Hints for the answer, and a head that was cut short for a
    whole one.
    """

    _left, _in_headers, _lines = MAX_HEAD_BYTES, True, 0

    def readline(self, size: int | None = -1, /) -> bytes:
        while True:
            line = self._line(size)
            self._lines += 1
            while self._lines == 1 and _INTERIM(line):
                while self._line(size).strip():
                    pass
                line = self._line(size)
            if not line and self._in_headers and self._lines > 1:
                raise HeadCut
            self._in_headers = self._in_headers and bool(line.strip())
            if not self._in_headers or self._lines == 1:
                return line
            if field := _FIELD_LINE(line):
                return (field[1] or b"") + line[field.end() :]

    def _line(self, size: int | None) -> bytes:
        line = super().readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise HeadTooLarge
        return line

    def read1(self, size: int = -1, /) -> bytes:
        self._left = MAX_HEAD_BYTES  # between chunks only the chunk's own line may come
        return super().read1(size)


class _Timed(socket):
    """A socket whose timeout is a deadline for all reads that follow, not a limit for each."""

    _deadline: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        self._deadline = None if value is None else time.monotonic() + value
        super().settimeout(value)

    def gettimeout(self) -> float | None:
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.001)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            super().settimeout(left)
        return super().recv_into(*args, **kwargs)

    def makefile(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode != "rb":
            return super().makefile(mode, *args, **kwargs)  # type: ignore[call-overload]
        return _Reader(super().makefile("rb", buffering=0))


class _TimedTLS(_Timed, ssl.SSLSocket):
    pass


@cache
def tls_context() -> ssl.SSLContext:
    """The one context of a process: loading the certificates anew costs more than a handshake."""
    context = create_urllib3_context(ciphers=CIPHERS)
    context.options |= LEGACY_SERVER_CONNECT
    context.load_default_certs()
    context.load_verify_locations(certifi.where())
    return timed(context)


def timed(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context, making sockets that keep their deadline."""
    context.sslsocket_class = _TimedTLS
    return context


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[str, ...]
    failure: Failure | None
    until: float


class Resolver:
    """Names to addresses, remembered for some minutes. A lookup that hangs keeps nobody waiting for long."""

    def __init__(self, threads: int, lookup: Lookup | None = None) -> None:
        self._lookup = lookup or system_lookup
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dns")
        self._known: dict[str, _Known] = {}

    def addresses(self, host: str, timeout_s: float) -> tuple[str, ...]:
        """All addresses of a host; raises Failure."""
        known = self._known.get(host)
        if known is None or known.until < time.monotonic():
            known = self._ask(host, timeout_s)
            if len(self._known) >= DNS_CACHE_NAMES:
                self._known.clear()
            self._known[host] = known
        if known.failure:
            raise known.failure.anew()
        return known.addresses

    def close(self) -> None:
        """Ends the threads that look names up, without waiting for one that hangs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, host: str, timeout_s: float) -> _Known:
        future = self._pool.submit(self._lookup, host)
        try:
            addresses = tuple(future.result(timeout=timeout_s))
        except (OSError, UnicodeError, FutureTimeout) as error:
            failure = lookup_failure(error)
            return _Known((), failure, time.monotonic() + (0 if failure.again else DNS_CACHE_S))
        return _Known(addresses, None, time.monotonic() + DNS_CACHE_S)


def system_lookup(host: str) -> list[str]:
    """A host's addresses, as the system resolves it. Raises OSError or UnicodeError."""
    found = getaddrinfo(host.strip("[]"), None, type=SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Dialer:
    """Makes connections: all addresses of the host must be public, and one of those is connected to."""

    def __init__(self, resolver: Resolver, allow_private: bool) -> None:
        self.resolver, self.allow_private = resolver, allow_private

    def connect(self, host: str, port: int, timeout_s: float, *, trusted: bool = False) -> socket:
        """A connected socket; raises Failure. `trusted` exempts the recipe's own proxy from the check."""
        deadline = time.monotonic() + timeout_s
        addresses = self.resolver.addresses(host, timeout_s)
        if not (trusted or self.allow_private or all(map(is_public, addresses))):
            raise Failure("private_address", "the address is not public")
        failure = Failure("dns", "no such name")
        for position, address in enumerate(addresses):
            left = deadline - time.monotonic()
            try:
                return _connect(address, port, left / (len(addresses) - position))
            except OSError as error:
                failure = connect_failure(error)
        raise failure


def _connect(address: str, port: int, timeout_s: float) -> socket:
    sock = _Timed(AF_INET6 if ":" in address else AF_INET, SOCK_STREAM)
    try:
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        sock.settimeout(max(timeout_s, 0.001))
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock
