"""An S3 server on loopback, as far as a reader needs one: HeadObject, GetObject by range, ListObjectsV2.

It answers as https://docs.aws.amazon.com/AmazonS3/latest/API/ says, errors included.
"""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


Answer = tuple[int, bytes, dict[str, str]]  # status, body, headers


class BucketSite:
    def __init__(self, name: str) -> None:
        self.name, self.objects = name, dict[str, bytes]()
        self.denied = False
        self.failing, self.failing_after = 0, 0  # so many requests, after so many that are answered
        self.reads: list[tuple[str, int]] = []  # key, bytes sent
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(
        self, path: str, query: dict[str, list[str]], wanted: str
    ) -> tuple[int, bytes, dict[str, str]]:
        bucket, _, key = path.removeprefix("/").partition("/")
        if self.denied:
            return _error(403, "AccessDenied")
        if self.failing_after:
            self.failing_after -= 1
        elif self.failing:
            self.failing -= 1
            return _error(503, "SlowDown")
        if bucket != self.name:
            return _error(404, "NoSuchBucket")
        if not key:
            return 200, self._listing(query.get("prefix", [""])[0], query.get("delimiter", [""])[0]), {}
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        data, match = self.objects[key], _RANGE.fullmatch(wanted)
        if match is None:
            return 200, data, {}
        first, last = int(match[1]), min(int(match[2]), len(data) - 1)
        return 206, data[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(data)}"}

    def _listing(self, prefix: str, delimiter: str) -> bytes:
        keys, folders = [], set[str]()
        for key in sorted(name for name in self.objects if name.startswith(prefix)):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if found:
                folders.add(prefix + head + found)
            else:
                keys.append(key)
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f'<ETag>"0"</ETag><Size>{len(self.objects[key])}</Size></Contents>'
            for key in keys
        ) + "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        count = len(keys) + len(folders)
        return (
            f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{self.name}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{count}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
        ).encode()

    def _handler(site) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                status, body, headers = site.answer(
                    unquote(split.path), parse_qs(split.query), self.headers.get("Range", "")
                )
                self.send_response(status)
                for name, value in ({"ETag": '"0"', "Accept-Ranges": "bytes"} | headers).items():
                    self.send_header(name, value)
                self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    site.reads.append((split.path, len(body)))
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_: Any) -> None: ...

        return Handler


def _error(status: int, code: str) -> Answer:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return status, body.encode(), {"Content-Type": "application/xml"}


def asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketSite]:
    """A server with such a bucket, which the usual environment variables name; closed at the end."""
    site = BucketSite(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", site.base)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    yield site
    site.close()
