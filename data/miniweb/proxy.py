"""The mini web on loopback, as an HTTP proxy: `GET http://host/path` finds the page of that address."""

import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from data.miniweb.model import MiniWeb, Page

TRICKLE_S = 0.5
CHUNK_BYTES = 1_000
NOT_FOUND = Page(404, (("Content-Type", "text/html"),), b"<html><body><h1>Not Found</h1></body></html>")
NO_SUCH_HOST = Page(502, (("Content-Type", "text/plain"), ("X-Proxy-Error", "dns")), b"no such host\n")
NO_TUNNELS = Page(405, (("Content-Type", "text/plain"), ("Allow", "GET, HEAD")), b"http only\n")
NO_PROXY_REQUEST = Page(
    400, (("Content-Type", "text/plain"),), b"this is a proxy: ask for http://host/path\n"
)


class Request(NamedTuple):
    """A request as it came in."""

    time: float  # of the monotonic clock
    host: str
    path: str  # query included


class Proxy:
    """Serves a mini web until closed; `address` is what a client puts down as its HTTP proxy."""

    def __init__(self, web: MiniWeb, port: int) -> None:
        self.requests: list[Request] = []
        self._server = _Server(web, self.requests, port)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection, the slowest too, and returns when all threads are done."""
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()


def serve(web: MiniWeb, port: int = 0) -> Proxy:
    """A proxy for the mini web on a port of 127.0.0.1 (0: a free one): `with serve(web) as proxy: …`."""
    return Proxy(web, port)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 256

    def __init__(self, web: MiniWeb, requests: list[Request], port: int) -> None:
        self.pages = web.pages
        self.hosts = {urlsplit(url).netloc for url in web.pages}
        self.requests = requests
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._connections:
                _shut(connection)

    def connected(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
        if self.closing.is_set():
            _shut(connection)

    def disconnected(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a client that hangs up in the middle."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connected(self.connection)

    def finish(self) -> None:
        self.server.disconnected(self.connection)
        super().finish()

    def do_GET(self) -> None:
        page = self._page()
        if page.delay_s:
            self.server.closing.wait(page.delay_s)
        self._answer(page)

    do_HEAD = do_GET

    def do_CONNECT(self) -> None:
        self._answer(NO_TUNNELS)

    do_POST = do_PUT = do_DELETE = do_OPTIONS = do_CONNECT

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the requests are in the proxy's list."""

    def _page(self) -> Page:
        parts = urlsplit(self.path)
        if parts.scheme.lower() != "http" or not parts.hostname:
            return NO_PROXY_REQUEST
        host = parts.hostname if parts.port in (None, 80) else f"{parts.hostname}:{parts.port}"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.server.requests.append(Request(time.monotonic(), host, path))
        if host not in self.server.hosts:
            return NO_SUCH_HOST
        return self.server.pages.get(f"http://{host}{path}", NOT_FOUND)

    def _answer(self, page: Page) -> None:
        head = [f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}"]
        head += [f"{name}: {value}" for name, value in page.headers]
        if page.behaviour in ("chunked", "trickle"):
            head.append("Transfer-Encoding: chunked")
        else:
            head.append(f"Content-Length: {len(page.body)}")
        if self.close_connection or page.behaviour == "cut" or page is NO_TUNNELS:
            head.append("Connection: close")
            self.close_connection = True
        start = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")
        if self.command == "HEAD":
            self.wfile.write(start)
        elif page.behaviour == "trickle":
            self._trickle(start, page.body)
        else:
            self.wfile.write(start + _framed(page))

    def _trickle(self, start: bytes, body: bytes) -> None:
        """A byte every half second, from the beginning again after the last."""
        self.wfile.write(start)
        position = 0
        while not self.server.closing.wait(TRICKLE_S):
            self.wfile.write(b"1\r\n" + body[position : position + 1] + b"\r\n")
            position = (position + 1) % len(body)
        self.close_connection = True


def _framed(page: Page) -> bytes:
    if page.behaviour == "cut":
        return page.body[: len(page.body) // 2]
    if page.behaviour != "chunked":
        return page.body
    pieces = (page.body[i : i + CHUNK_BYTES] for i in range(0, len(page.body), CHUNK_BYTES))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
