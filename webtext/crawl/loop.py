"""A crawl: links in, a row for each out, every host asked politely.

One thread decides (`crawler`) and so needs no locks; the others make one request at a time.
"""

import time
from collections.abc import Iterable, Mapping
from queue import Empty, SimpleQueue
from threading import Thread

from webtext.crawl import errands
from webtext.crawl.crawler import TICK_S, Crawler, Turn
from webtext.crawl.errands import Errand, Outcome
from webtext.crawl.journal import Journal
from webtext.crawl.network import Network
from webtext.crawl.tombstones import Tombstones
from webtext.engine import Report


def crawl(
    network: Network,
    links: Iterable[Errand],
    journals: Mapping[int, Journal],
    report: Report,
    tombstones: Tombstones,
) -> None:
    """Gives every link its row, in the journal of its partition. What a tombstone names is not asked for."""
    crawler = Crawler(network.settings, links, journals, tombstones)
    jobs: SimpleQueue[Turn | None] = SimpleQueue()
    results: SimpleQueue[tuple[Turn, Outcome | BaseException]] = SimpleQueue()
    idle = network.settings.threads
    for number in range(idle):
        Thread(target=_work, args=(network, jobs, results), name=f"fetch-{number}", daemon=True).start()
    try:
        while crawler.left:
            while idle and (turn := crawler.next_turn(time.monotonic())):
                jobs.put(turn)
                idle -= 1
            crawler.tell(report)
            due = crawler.schedule.next_due() if idle and crawler.left else None
            wait_s = TICK_S if due is None else min(max(due - time.monotonic(), 0.0), TICK_S)
            try:
                turn, outcome = results.get(timeout=wait_s)
            except Empty:
                continue
            idle += 1
            if isinstance(outcome, BaseException):
                raise outcome
            crawler.end_turn(turn, outcome, time.monotonic())
    finally:
        for _ in range(network.settings.threads):
            jobs.put(None)
    crawler.tell(report, at_once=True)


def _work(
    network: Network,
    jobs: "SimpleQueue[Turn | None]",
    results: "SimpleQueue[tuple[Turn, Outcome | BaseException]]",
) -> None:
    while (turn := jobs.get()) is not None:
        try:
            results.put((turn, errands.run(turn[1], network)))
        except BaseException as error:  # a bug of ours: the deciding thread raises it
            results.put((turn, error))
