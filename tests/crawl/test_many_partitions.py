"""A crawl of tens of thousands of partitions does for each what is its own, and what all share once."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.crawl.loopback import Crawled, Page, Web
from webtext import files
from webtext.crawl import tombstones


def calls(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, run: Callable[[], object]) -> int:
    """How often that function is called meanwhile."""
    counted, real = Counter[str](), getattr(module, name)

    def told(*args: Any) -> Any:
        counted[name] += 1
        return real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, told)
        run()
    return counted[name]


@pytest.mark.parametrize(("module", "name"), [(files, "sizes"), (tombstones, "load")])
def test_folders_and_removals_are_not_read_anew_for_each_partition(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    site, counts = web.site(a=Page(), b=Page()), []
    crawled.crawl([site.url("/a")])
    for partitions in (2, 32):
        crawled.link([site.url("/a"), site.url("/b")], partitions)
        counts.append(calls(monkeypatch, module, name, crawled.crawl))
    assert counts[0] == counts[1]
