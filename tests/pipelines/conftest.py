"""A loopback web and a corpus crawled from it, as the crawler's own tests have them."""

from tests.crawl.conftest import crawled, web  # noqa: F401
