"""Why no response could be had: a reason of `pages.state` and a detail that is the same in every run."""

import http.client
import os
import socket
import ssl
from collections.abc import Callable, Iterator

import requests
import urllib3


class Failure(Exception):
    """No response. `again` says whether another try may give one."""

    def __init__(self, state: str, detail: str, again: bool = False) -> None:
        super().__init__(state, detail)
        self.state, self.detail, self.again = state, detail, again

    def anew(self) -> "Failure":
        """The same failure, to be raised once more: an exception carries the traceback of one raising."""
        return Failure(self.state, self.detail, self.again)


class HeadTooLarge(Exception):
    """The response's head is larger than the reader's limit."""


class HeadCut(ConnectionError):
    """The connection was closed before the response's head ended."""


def explain(error: BaseException) -> Failure:
    """The failure behind whatever the HTTP library raised; its wrappings are looked through."""
    chain = list(_chain(error))[::-1]  # the innermost first: the wrappings of requests are OSErrors too
    for kind, failure in _KINDS:
        for link in chain:
            if isinstance(link, kind):
                return failure(link)
    return Failure("bad_response", type(error).__name__)


def connect_failure(error: OSError) -> Failure:
    """Why no connection was made."""
    if isinstance(error, TimeoutError):
        return Failure("unreachable", "no answer to the connection attempt", again=True)
    return _broken(error)


def lookup_failure(error: Exception) -> Failure:
    """Why a name has no address."""
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return Failure("dns", "temporary failure", again=True)
    if isinstance(error, TimeoutError):
        return Failure("dns", "no answer", again=True)
    return Failure("dns", "no such name")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]


def _itself(error: BaseException) -> Failure:
    assert isinstance(error, Failure)
    return error


def _tls(error: BaseException) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure("tls", error.verify_message.split(", certificate is not valid")[0].lower())
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return Failure("tls", (reason or "the handshake was broken off").replace("_", " ").lower())


def _broken(error: BaseException) -> Failure:
    if str(error).startswith("Tunnel connection failed"):
        return Failure("unreachable", "the proxy refused the tunnel", again=True)
    number = error.errno if isinstance(error, OSError) else None
    detail = os.strerror(number).lower() if number else "the connection was closed without an answer"
    return Failure("unreachable", detail, again=True)


_Kind = type[BaseException] | tuple[type[BaseException], ...]
_KINDS: list[tuple[_Kind, Callable[[BaseException], Failure]]] = [
    (Failure, _itself),
    (HeadTooLarge, lambda _: Failure("headers_too_large", "too many bytes")),
    (http.client.LineTooLong, lambda _: Failure("headers_too_large", "a line is too long")),
    ((TimeoutError, urllib3.exceptions.TimeoutError), lambda _: Failure("timeout", "no answer", again=True)),
    (ssl.SSLError, _tls),
    (
        HeadCut,
        lambda _: Failure("unreachable", "the connection was closed within the headers", again=True),
    ),
    (ConnectionError, _broken),
    (
        requests.exceptions.InvalidHeader,
        lambda _: Failure("bad_response", "headers that contradict each other"),
    ),
    (http.client.BadStatusLine, lambda _: Failure("bad_response", "no HTTP status line")),
    (http.client.UnknownProtocol, lambda _: Failure("bad_response", "an unknown version of HTTP")),
    # http.client has no class of its own for this one
    (http.client.HTTPException, lambda _: Failure("headers_too_large", "too many lines")),
    (OSError, _broken),
]
