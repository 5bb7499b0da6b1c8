"""When the hosts of an interrupted crawl were asked last, and how often they failed, by its journals: a kill
is no reason to ask a host sooner."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from webtext.crawl import errands
from webtext.crawl.journal import Journal
from webtext.crawl.retry_after import back_off_s

GIVE_UP_AFTER = 8  # failures of a host in a row

# What speaks against the host rather than the page, and what happened before the host was asked.
FAILING = ("unreachable", "timeout", "rate_limited", "server_error", "robots_unreachable")
UNASKED = ("private_address", "port", "dns")


@dataclass
class HostHistory:
    """What a crawl knew of its hosts when it ended."""

    failures: Counter[str] = field(default_factory=Counter)  # of a host, in a row
    asked: dict[str, datetime] = field(default_factory=dict)  # a host, for the last time

    def due(self, delay_s: float) -> dict[str, float]:
        """When the hosts that may not be asked yet may be, by the monotonic clock."""
        now, clock = datetime.now(UTC), time.monotonic()
        found = {}
        for name, at in self.asked.items():
            pause_s = max(delay_s, self._back_off_s(name))
            left_s = min(pause_s - (now - at).total_seconds(), pause_s)  # a clock may have been put back
            if left_s > 0:
                found[name] = clock + left_s
        return found

    def _back_off_s(self, name: str) -> float:
        return back_off_s(self.failures[name]) if self.failures[name] else 0.0


def of(journals: Mapping[int, Journal]) -> HostHistory:
    """What an interrupted crawl of these partitions knew when it ended."""
    history = HostHistory()
    for journal in journals.values():
        for row in journal.rows():
            if "asked" in row:  # of an archive, see `recovery`
                continue
            name = errands.host(row["final_url"])
            if row["fetched_at"] and row["state"] not in UNASKED:
                history.asked[name] = row["fetched_at"]
            if row["state"] == "host_gave_up":
                history.failures[name] = GIVE_UP_AFTER
            elif row["state"] in FAILING:
                history.failures[name] += row["attempts"]
            elif row["attempts"]:
                history.failures.pop(name, None)
    return history
