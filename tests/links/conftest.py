"""What the tests of the links stage share."""

import tarfile
from pathlib import Path

import pytest

from webtext import files


@pytest.fixture(autouse=True)
def _no_power_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small harvests would spend their time waiting for the disk."""
    monkeypatch.setattr(files, "sync", lambda _: None)


@pytest.fixture(scope="session")
def url_data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The WHATWG's URL tests and the Public Suffix List's."""
    folder = tmp_path_factory.mktemp("url")
    with tarfile.open(shared / "hostile" / "url.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "url"
