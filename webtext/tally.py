"""What a run has done so far and how long it will take: counted once, shown by `progress` and `status`."""

import heapq
import time
from typing import Any

WORTH_TELLING_S = 10.0
MOST_TOLD = 3  # names that keep the end waiting
MOST_KNOWN = 100


class Tally:
    """Rows done of `total` (0: unknown), drops by reason, and what keeps the end waiting."""

    def __init__(self, name: str, total: int) -> None:
        self.name, self.total, self.rows = name, total, 0
        self.dropped: dict[str, int] = {}
        self.ends: dict[str, float] = {}  # when what keeps the end waiting will be done
        self.waited_s: dict[str, float] = {}  # from the start until when a name kept the end waiting
        self.started = time.monotonic()

    def add(self, rows: int, dropped: dict[str, int], waits: dict[str, float] | None) -> None:
        now = time.monotonic()
        self.rows += rows
        for reason, count in dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count
        self.ends |= {name: now + wait_s for name, wait_s in (waits or {}).items()}
        self.ends = {name: end for name, end in self.ends.items() if end > now}
        self.waited_s |= {name: now - self.started for name, wait_s in (waits or {}).items() if wait_s}
        if len(self.waited_s) > MOST_KNOWN:
            self.waited_s = _most(self.waited_s, MOST_TOLD)

    def facts(self) -> dict[str, Any]:
        """The same as `line`, for programs; seconds of the clock on the wall as `at`."""
        return {
            "at": int(time.time()),
            "stage": self.name,
            "rows": self.rows,
            "total": self.total,
            "rows_per_s": round(self.per_second(), 3),
            "seconds_left": None if (left_s := self.left_s()) is None else round(left_s),
            "dropped": dict(sorted(self.dropped.items())),
            "slowest_left_s": {name: round(left_s) for name, left_s in self.slowest_left_s().items()},
        }

    def slowest_s(self) -> dict[str, float]:
        """The names that kept the end waiting longest, and for how long since the start."""
        return {name: round(waited_s, 1) for name, waited_s in _most(self.waited_s, MOST_TOLD).items()}

    def slowest_left_s(self) -> dict[str, float]:
        now = time.monotonic()
        return _most({name: end - now for name, end in self.ends.items()}, MOST_TOLD)

    def per_second(self) -> float:
        return self.rows / max(time.monotonic() - self.started, 1e-6)

    def left_s(self) -> float | None:
        """How long it will take: at the rate so far, or as long as the slowest takes."""
        rows = self.total - self.rows
        if not self.rows or rows <= 0:
            return None
        slowest_s = max(self.ends.values(), default=0.0) - time.monotonic()
        return max(rows / self.per_second(), slowest_s)

    def rate(self) -> str:
        return f"{self.per_second():,.0f}/s"

    def left(self) -> str:
        left_s = self.left_s()
        return "" if left_s is None else f"{duration(left_s)} left"

    def waits(self) -> str:
        left_s = {name: left_s for name, left_s in self.slowest_left_s().items() if left_s >= WORTH_TELLING_S}
        told = slowest(left_s)
        return f"slowest: {told}" if told else ""

    def drops(self) -> str:
        most = sorted(self.dropped.items(), key=lambda item: -item[1])[:5]
        return ", ".join(f"{reason} {count:,}" for reason, count in most)

    def line(self) -> str:
        left = self.left()
        eta = f", {left}" if left else ""
        of = f" of {self.total:,}" if self.total else ""
        drops = f" ({self.drops()})" if self.dropped else ""
        waits = f"; {self.waits()}" if self.waits() else ""
        return f"{self.name}: {self.rows:,}{of}, {self.rate()}{eta}{drops}{waits}"


def counted(count: int, noun: str) -> str:
    """ "1 link", "1,079 links"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def slowest(seconds: dict[str, float]) -> str:
    """Names with the time that each takes, or took."""
    return ", ".join(f"{name} {duration(taken_s)}" for name, taken_s in seconds.items())


def duration(seconds: float) -> str:
    """In one unit, which is precise enough for an estimate."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def _most(seconds: dict[str, float], count: int) -> dict[str, float]:
    return dict(heapq.nlargest(count, seconds.items(), key=lambda item: item[1]))
