"""Whose turn it is: hosts by the time when they may be asked again.

Between the end of one exchange with a host and the start of the next lies at least the delay, whatever was
asked for: a page, a redirect's target, robots.txt. Only so many hosts are in turn at a time, so that their
connections stay open from turn to turn; the largest first, because the host with the most links decides when
a crawl ends.
"""

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Host(Generic[T]):
    name: str
    queue: deque[T] = field(default_factory=deque)
    due: float = 0.0
    running: int = 0
    in_heap: bool = False


class Schedule(Generic[T]):
    """Queues of errands, one per host. Times are seconds of the caller's clock."""

    def __init__(
        self,
        delay_s: float,
        connections: int,
        queues: Mapping[str, list[T]],
        window: int,
        due: Mapping[str, float] | None = None,
    ) -> None:
        """`due`: hosts that may not be asked before a time."""
        self.delay_s, self.connections, self.window, self._first_due = delay_s, connections, window, due or {}
        self._hosts: dict[str, _Host[T]] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._pushes = 0
        self._later = deque(sorted(queues.items(), key=lambda item: -len(item[1])))
        self._open_window()

    def add(self, name: str, errand: T, *, first: bool = False) -> None:
        """Queues one more errand for a host, as its last or as its next."""
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = self._host(name)
        (host.queue.appendleft if first else host.queue.append)(errand)
        self._push(host)

    def take(self, now: float) -> tuple[str, T] | None:
        """The next errand of a host that is due; the host counts as busy until `release`."""
        while self._heap and self._heap[0][0] <= now:
            host = self._hosts[heapq.heappop(self._heap)[2]]
            host.in_heap = False
            if host.due > now:
                self._push(host)
            elif host.queue:
                host.running += 1
                host.due = now + self.delay_s  # a parallel connection keeps its distance too
                errand = host.queue.popleft()
                self._push(host)
                return host.name, errand
            elif not host.running:
                del self._hosts[host.name]
                self._open_window()
        return None

    def release(self, name: str, now: float, pause_s: float) -> None:
        """Ends an errand. The host is due again after `pause_s`: the delay, or a longer time it asked for."""
        host = self._hosts[name]
        host.running -= 1
        host.due = max(host.due, now + pause_s)
        self._push(host)

    def cancel(self, name: str, now: float) -> None:
        """Ends an errand that asked the host nothing."""
        host = self._hosts[name]
        host.running -= 1
        host.due = now
        self._push(host)

    def next_due(self) -> float | None:
        """When a host is due, at the earliest; None when none waits for its turn."""
        return self._heap[0][0] if self._heap else None

    def longest_s(self, count: int, delay_s: Callable[[str], float], now: float) -> dict[str, float]:
        """The hosts whose queues take longest, and how long: at each one's delay, after its pause."""
        waiting = [(name, len(errands) * delay_s(name)) for name, errands in islice(self._later, count)]
        hosts = (host for host in self._hosts.values() if host.queue)
        in_turn = ((host.name, _left_s(host, delay_s(host.name), now)) for host in hosts)
        return dict(heapq.nlargest(count, [*waiting, *in_turn], key=lambda item: item[1]))

    def _host(self, name: str) -> _Host[T]:
        return _Host(name, due=self._first_due.get(name, 0.0))

    def _push(self, host: _Host[T]) -> None:
        """Has a host wait for its turn, unless it does already or all its connections are busy."""
        if not host.in_heap and host.running < self.connections:
            host.in_heap = True
            self._pushes += 1  # of hosts that are due at the same time the first pushed comes first
            heapq.heappush(self._heap, (host.due, self._pushes, host.name))

    def _open_window(self) -> None:
        while self._later and len(self._hosts) < self.window:
            name, errands = self._later.popleft()
            host = self._hosts.setdefault(name, self._host(name))
            host.queue.extend(errands)
            self._push(host)


def _left_s(host: _Host[T], delay_s: float, now: float) -> float:
    return max(host.due - now, delay_s) + (len(host.queue) - 1) * delay_s
