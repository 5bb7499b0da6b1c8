"""Object stores on loopback: an S3 server, moto's, that can be told to be unwell, and one like Google's."""

import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from webtext import store

BUCKET = "corpora"
FAULTS = ("error", "reset", "late")
ERROR = b"<Error><Code>InternalError</Code><Message>We are unwell</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>"
XML = [("Content-Type", "application/xml")]


class Bucket:
    """What a store holds, read past the product."""

    system: Any

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Everything below a prefix, by its name there."""
        below = fs.FileSelector(f"{BUCKET}/{prefix}", recursive=True, allow_not_found=True)
        keys = [info.path for info in self.system.get_file_info(below) if info.type == fs.FileType.File]
        return {key.removeprefix(f"{BUCKET}/{prefix}/"): self.read(key) for key in sorted(keys)}

    def read(self, key: str) -> bytes:
        with self.system.open_input_stream(key, compression=None) as stream:
            return bytes(stream.read())

    def downloaded(self, prefix: str, folder: Path) -> Path:
        """Everything below a prefix, as files."""
        for name, data in self.objects(prefix).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder


class ObjectStore(Bucket):
    """`unwell` is the share of requests that get one of `faults`: an error, no answer, or a late one; all
    get the status `denied`, if that says one."""

    def __init__(self) -> None:
        serving, moto = pytest.importorskip("werkzeug.serving"), pytest.importorskip("moto.server")
        self.unwell, self.late_s, self.denied = 0.0, 0.3, ""
        self.faults: Sequence[str] = FAULTS
        self.faults_had = 0
        self.asked: list[str] = []  # METHOD /BUCKET/KEY
        self._dice, self._lock = random.Random(8), threading.Lock()
        self._moto = moto.DomainDispatcherApplication(moto.create_backend_app)
        quiet = type("Quiet", (serving.WSGIRequestHandler,), {"log": lambda *_: None})
        self.server = serving.make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=quiet)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.system = fs.S3FileSystem(
            region="us-east-1",
            access_key="id",
            secret_key="secret",
            endpoint_override=self.address,
            allow_bucket_creation=True,
        )
        self.system.create_dir(BUCKET)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def downloaded(self, prefix: str, folder: Path) -> Path:
        self.unwell = 0.0
        return super().downloaded(prefix, folder)

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            self.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
            fault = self._dice.choice(self.faults) if self._dice.random() < self.unwell else None
            self.faults_had += fault is not None
        if self.denied:
            start(self.denied, XML)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [DENIED]
        if fault == "error":
            start("500 Internal Server Error", XML)
            return [ERROR]
        if fault == "reset":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError
        if fault == "late":
            time.sleep(self.late_s)
        answer: Iterable[bytes] = self._moto(environ, start)
        return answer


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """A server with an empty bucket, which the usual environment variables name."""
    site = ObjectStore()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", site.address)
        patch.setenv("AWS_ACCESS_KEY_ID", "id")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_REGION", "us-east-1")
        store.system_of.cache_clear()
        yield site
    site.close()


@contextmanager
def google(folder: Path) -> Iterator[Bucket]:
    """A server with an empty bucket, which the usual environment variable names; its objects are in `folder`.
    A process of its own: Google's client waits for answers without letting other threads run."""
    pytest.importorskip("gcp_storage_emulator")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    emulator = [sys.executable, "-m", "gcp_storage_emulator", f"--data-dir={folder}"]
    command = [*emulator, "start", "--host=127.0.0.1", f"--port={port}", f"--default-bucket={BUCKET}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        store.system_of.cache_clear()
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            bucket = Bucket()
            bucket.system, _ = store.system_of("gs", BUCKET)  # which waits until it is there
            store.Object("gs", BUCKET).require_bucket()
            yield bucket
        finally:
            server.kill()
            server.wait()
