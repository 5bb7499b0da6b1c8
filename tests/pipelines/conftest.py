"""A loopback web, a corpus crawled from it, as the crawler's tests have them; one to remove pages from."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crawl.conftest import crawled, web  # noqa: F401
from tests.crawl.loopback import Web
from tests.pipelines.removals import Built, Killed, build
from webtext.links import partitions


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    sites, folder = Web(), tmp_path_factory.mktemp("remove")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "MIN_PARTITIONS", 2)  # each costs every table some waits for the disk
        yield build(sites, folder)
    sites.close()


@pytest.fixture
def built(original: Built, tmp_path: Path) -> Built:
    shutil.copytree(original.root, tmp_path / "corpus")
    original.one.hits.clear()
    original.two.hits.clear()
    return Built(tmp_path / "corpus", original.one, original.two)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Killed:
    def run(owner: object, name: str, command: Callable[[], object]) -> None:
        """Runs a command that ends where it would call a function."""
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr(owner, name, lambda *_: 1 / 0)
            command()

    return run
