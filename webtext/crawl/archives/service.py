"""One service of an archive: asked at its pace, again after a refusal, and given up when it stays away."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from webtext.crawl.archives.captures import Unavailable
from webtext.crawl.archives.pace import Pace
from webtext.crawl.exchange import Exchange
from webtext.crawl.failures import Failure
from webtext.crawl.network import Network, WantedBytes
from webtext.crawl.retry_after import asked_wait_s, back_off_s

TRIES = 3
GIVE_UP_AFTER = 5  # requests in a row without an answer, each tried TRIES times
TIMEOUT_S = 60.0  # an index may think for half a minute
RATE_LIMITED_S = 60.0  # after a 429 that names no time
MEMENTO = "memento-datetime"  # RFC 7089: the answer is a page of then, whatever its status


@dataclass(frozen=True)
class Addresses:
    """Where the archives are."""

    wayback: str = "https://web.archive.org"
    commoncrawl: str = "https://index.commoncrawl.org"
    commoncrawl_data: str = "https://data.commoncrawl.org"


def addresses() -> Addresses:
    """The archives' addresses; the environment may name mirrors of them."""
    found = {
        "wayback": os.environ.get("WEBTEXT_WAYBACK_URL"),
        "commoncrawl": os.environ.get("WEBTEXT_COMMONCRAWL_URL"),
        "commoncrawl_data": os.environ.get("WEBTEXT_COMMONCRAWL_DATA_URL"),
    }
    return Addresses(**{name: url.rstrip("/") for name, url in found.items() if url})


@dataclass(frozen=True)
class Intervals:
    """Seconds between two requests: what the services' operators ask for."""

    wayback_index: float = 2.5
    wayback_replay: float = 0.125
    commoncrawl_index: float = 1.0
    commoncrawl_data: float = 0.125


class Service:
    """`name` is that of the service among all of the archives."""

    def __init__(
        self,
        network: Network,
        folder: Path,
        name: str,
        interval_s: float,
        stop: Event,
        refusals: tuple[int, ...] = (),
    ) -> None:
        """`refusals`: statuses that say nothing of what was asked for, beside those of every server."""
        self.network, self._refusals = network, refusals
        self._pace = Pace(folder / f"{name}.pace", interval_s, stop)
        self._timeout_s = max(network.settings.timeout_s, TIMEOUT_S)
        self._failures = 0  # in a row

    def get(self, url: str, wanted_bytes: WantedBytes, headers: Mapping[str, str] | None = None) -> Exchange:
        """The service's answer, no redirect followed. Raises Unavailable."""
        why = "given up after failures"
        for attempt in range(1, TRIES + 1):
            if self._failures >= GIVE_UP_AFTER:
                break
            self._pace.wait()
            try:
                exchange = self.network.fetch(url, self._timeout_s, wanted_bytes, headers)
            except Failure as failure:
                why = f"{failure.state}: {failure.detail}"
                if not failure.again:
                    break
                self._pace.hold(back_off_s(attempt))
                continue
            if _answered(exchange) and exchange.status not in self._refusals:
                self._failures = 0
                return exchange
            why = f"status {exchange.status}"
            self._pace.hold(_hold_s(exchange, attempt))
        self._failures += 1
        raise Unavailable(why)


def _answered(exchange: Exchange) -> bool:
    if exchange.header(MEMENTO) is not None:
        return True
    return exchange.status != 429 and exchange.status < 500


def _hold_s(exchange: Exchange, attempt: int) -> float:
    asked_s = asked_wait_s(exchange.header("retry-after"))
    return asked_s or (RATE_LIMITED_S if exchange.status == 429 else back_off_s(attempt))
