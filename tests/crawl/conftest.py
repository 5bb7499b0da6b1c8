import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crawl.loopback import Crawled, Web


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture
def crawled(tmp_path: Path) -> Crawled:
    return Crawled(tmp_path / "corpus")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-signed certificate for the first loopback hosts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    addresses = ",".join(f"IP:127.0.0.{n}" for n in range(1, 10))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-subj", "/CN=loopback", "-addext", f"subjectAltName={addresses}", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key
