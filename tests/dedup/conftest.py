"""Words to make documents of."""

import random
from collections.abc import Callable

import pytest

from webtext import files

Prose = Callable[[int], list[str]]


@pytest.fixture
def prose() -> Prose:
    """Gives so many words, different each time, the same in every run."""
    generator = random.Random(1)
    return lambda count: [f"w{generator.randrange(20_000)}" for _ in range(count)]


@pytest.fixture(autouse=True)
def _no_power_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the time of a small build would be spent waiting for the disk."""
    monkeypatch.setattr(files, "sync", lambda _: None)
