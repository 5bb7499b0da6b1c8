"""What a crawl tells of itself while it goes on."""

from collections import Counter
from contextlib import ExitStack, closing
from typing import Any

import xxhash

from tests.crawl.loopback import Crawled, Page, Web
from webtext.crawl.errands import Errand
from webtext.crawl.journal import Journal
from webtext.crawl.loop import crawl
from webtext.crawl.network import Network
from webtext.crawl.tombstones import Tombstones


def test_every_row_is_told_once_and_the_slowest_hosts_with_their_time(web: Web, crawled: Crawled) -> None:
    site, quick = web.site(), web.site(p0=Page())
    site.pages |= {f"/p{n}": Page() for n in range(4)}
    urls = [site.url(f"/p{n}") for n in range(6)] + [quick.url("/p0")]
    errands = [Errand(0, xxhash.xxh3_64_hexdigest(url.encode()), url, url) for url in urls]
    told: list[tuple[int, dict[str, int], dict[str, float]]] = []
    settings = crawled.recipe(per_host_delay_s=0.3).crawl
    with ExitStack() as stack:
        network = stack.enter_context(closing(Network(settings)))
        journal = stack.enter_context(Journal(crawled.folder, "part-00000", "key"))
        crawl(network, errands, {0: journal}, lambda *what: told.append(what), Tombstones())
    states: Counter[Any] = sum((Counter(dropped) for _, dropped, *_ in told), Counter())
    assert sum(rows for rows, *_ in told) == 7
    assert states == {"not_found": 2}
    waits = [waits["127.0.0.2"] for *_, waits in told if "127.0.0.2" in waits]
    # Six pages, robots.txt and tdmrep.json, which are asked for on the way.
    assert all(0.0 <= wait <= 8 * 0.3 for wait in waits)
    assert waits[0] > 1.0
    assert waits[-1] == 0.0
