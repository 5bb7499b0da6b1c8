"""What the tests of the documents stage share."""

from collections.abc import Iterator

import pytest

from webtext import files
from webtext.extract.cage import Cage


@pytest.fixture(autouse=True)
def _no_power_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "sync", lambda _: None)


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    cage = Cage()
    yield cage
    cage.close()
