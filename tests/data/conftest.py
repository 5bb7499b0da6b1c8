"""The mini web that the tests of this folder look at, built once."""

import random

import pytest

from data.miniweb import MiniWeb, build
from data.miniweb.articles import Article, articles_of
from data.miniweb.pydocs import all_docs


@pytest.fixture(scope="session")
def web() -> MiniWeb:
    return build()


@pytest.fixture(scope="session")
def articles() -> list[Article]:
    return articles_of(all_docs(), 430, random.Random(1))
