import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crawl.archive_site import ArchiveSite
from tests.crawl.loopback import Crawled, Web
from webtext.crawl.archives import chosen, service
from webtext.crawl.archives.service import Intervals


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture
def crawled(tmp_path: Path) -> Crawled:
    return Crawled(tmp_path / "corpus")


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveSite]:
    """All archives in one host, which may be asked quickly."""
    site = ArchiveSite("127.0.9.9")
    for name in ("WAYBACK", "COMMONCRAWL", "COMMONCRAWL_DATA"):
        monkeypatch.setenv(f"WEBTEXT_{name}_URL", site.base)
    monkeypatch.setattr(chosen, "INTERVALS", Intervals(0.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(service, "RATE_LIMITED_S", 0.3)
    monkeypatch.setattr(service, "back_off_s", lambda _: 0.05)
    yield site
    site.close()


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
