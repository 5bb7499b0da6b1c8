"""The decisions of a crawl: whose turn it is, what robots.txt allows, what is tried again.

Every request takes a turn of its host, also one for robots.txt or for the target of a redirect.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import cycle, islice
from typing import TypeVar

from webtext.crawl import errands, host_history, tdmrep
from webtext.crawl.errands import Asks, Errand, Outcome
from webtext.crawl.host_history import FAILING, GIVE_UP_AFTER, UNASKED
from webtext.crawl.journal import SYNC_EVERY_S, Journal
from webtext.crawl.network import HOSTS_PER_THREAD
from webtext.crawl.page import REDIRECT, Verdict
from webtext.crawl.retry_after import back_off_s
from webtext.crawl.revisits import ExchangeWriter
from webtext.crawl.robots import Rules
from webtext.crawl.rows import row as row_of
from webtext.crawl.schedule import Schedule
from webtext.crawl.tdmrep import Reservations
from webtext.crawl.tombstones import Tombstones
from webtext.engine import Report
from webtext.reasons import FETCHED, State
from webtext.sections import Crawl

KNOWN_ORIGINS = 20_000  # whose rules are remembered
TICK_S = 0.5  # so often progress is told
SLOWEST_HOSTS = 3  # are told by name
SYNCS_A_TICK = 16  # journals; the deciding thread waits for the disk meanwhile

T = TypeVar("T")
Turn = tuple[str, Errand]  # a host's name, what to ask it


class Crawler:
    """The decisions of a crawl. Times are seconds of one clock."""

    def __init__(
        self,
        settings: Crawl,
        links: Iterable[Errand],
        journals: Mapping[int, Journal],
        tombstones: Tombstones,
    ) -> None:
        self.settings, self.journals, self._exchanges = settings, journals, ExchangeWriter(journals)
        self._tombstones = tombstones
        queues: dict[str, list[Errand]] = {}
        for errand in links:
            queues.setdefault(errands.host(errand.link), []).append(errand)
        self.left = sum(map(len, queues.values()))
        window = HOSTS_PER_THREAD * settings.threads
        before, delay_s = host_history.of(journals), settings.per_host_delay_s
        self.schedule = Schedule(delay_s, settings.per_host_connections, queues, window, before.due(delay_s))
        self._origins: OrderedDict[str, Rules | Verdict] = (
            OrderedDict()
        )  # a verdict is that of all pages there
        self._reservations: OrderedDict[str, Reservations] = OrderedDict()  # by origin too
        self._parked: dict[str, list[Errand]] = {}  # by the URL of the file that they wait for
        self._delays_s: dict[str, float] = {}  # of hosts that ask for a longer one
        self._failures = before.failures  # of a host, in a row
        self._to_sync = cycle(journals.values())
        self._told_at, self._untold = 0.0, Counter[str]()  # rows by state
        self._told_waits: dict[str, float] = {}

    def next_turn(self, now: float) -> Turn | None:
        """The next request to be made, if a host is due."""
        while turn := self.schedule.take(now):
            if self._may_ask(*turn, now):
                turn[1].attempts += not turn[1].visited
                return turn
            self.schedule.cancel(turn[0], now)
        return None

    def end_turn(self, turn: Turn, outcome: Outcome, now: float) -> None:
        """Takes note of what a request gave: lets the host rest, and ends the errand or sends it on."""
        name, errand = turn
        errand.spent_s += outcome.seconds
        if outcome.verdict.state == REDIRECT:
            self._follow(errand, outcome)
        elif outcome.verdict.again and errand.attempts <= self._retries(errand, outcome):
            errand.last = self._written(errand, outcome)
            errand.restart()
            self.schedule.add(errands.host(errand.url), errand, first=errand.asks is not Asks.PAGE)
        else:
            self._conclude(errand, self._written(errand, outcome))
        # Last, because the outcome may have been what this host's robots.txt says of its delay.
        self.schedule.release(name, now, self._pause_s(name, outcome))

    def tell(self, report: Report, *, at_once: bool = False) -> None:
        """Reports the rows since the last time, and has the journals synced; now and then is enough."""
        now = time.monotonic()
        if not at_once and now - self._told_at < TICK_S:
            return
        done, self._untold, self._told_at = self._untold, Counter(), now
        waits = self.schedule.longest_s(SLOWEST_HOSTS, self._delay_s, now)
        if done or waits != self._told_waits:
            dropped = {state: count for state, count in done.items() if state != FETCHED}
            report(done.total(), dropped, dict.fromkeys(self._told_waits, 0.0) | waits)
            self._told_waits = waits
        for journal in islice(self._to_sync, min(SYNCS_A_TICK, len(self.journals))):
            journal.sync(every_s=SYNC_EVERY_S)

    def _delay_s(self, name: str) -> float:
        return max(self.settings.per_host_delay_s, self._delays_s.get(name, 0.0))

    def _may_ask(self, name: str, errand: Errand, now: float) -> bool:
        """Whether the errand's request may be made now; if not, it is parked or ended."""
        if not name:
            self._conclude(errand, errand.ends(Verdict("dns", "the host is not a valid name")))
            return False
        if self._failures[name] >= GIVE_UP_AFTER:
            self._conclude(errand, errand.last or errand.ends(Verdict("host_gave_up")))
            return False
        if errand.asks is not Asks.PAGE:
            return True
        origin, rules = errands.origin(errand.url), Rules()
        if self.settings.robots:
            known = self._origins.get(origin)
            if known is None or (isinstance(known, Rules) and known.until < now):
                self._park(name, f"{origin}/robots.txt", Asks.ROBOTS, errand)
                return False
            refusal = known if isinstance(known, Verdict) else self._refusal(known, errand.url)
            if refusal is not None:
                self._conclude(errand, errand.ends(refusal))
                return False
            rules = known if isinstance(known, Rules) else rules
        return not self.settings.opt_outs or self._reservations_known(name, origin, errand, rules)

    def _reservations_known(self, name: str, origin: str, errand: Errand, rules: Rules) -> bool:
        """Whether the errand knows what its origin reserves; if not, it is parked until then."""
        url = origin + tdmrep.PATH
        known = self._reservations.get(origin)
        if known is None and rules.allows(url):
            self._park(name, url, Asks.TDMREP, errand)
            return False
        errand.reserved = known is not None and known.reserves(errand.url)
        return True

    def _refusal(self, rules: Rules, url: str) -> Verdict | None:
        if not rules.allows(url):
            return Verdict("robots")
        if self.settings.opt_outs and rules.reserves(url):
            return Verdict("opted_out", "robots.txt Content-Usage: train-ai=n")
        if self.settings.opt_outs and (agent := rules.refuses(url)):
            return Verdict("opted_out", f"robots.txt disallows {agent}")
        return None

    def _retries(self, errand: Errand, outcome: Outcome) -> int:
        """How often a request is made again; a tdmrep.json only when the host asks to come back."""
        insisted = errand.asks is not Asks.TDMREP or outcome.status is not None
        return self.settings.retries if insisted else 0

    def _park(self, name: str, file: str, asks: Asks, errand: Errand) -> None:
        if file not in self._parked:
            ask = Errand(errand.partition, errands.origin(file), file, file, asks)
            self.schedule.add(name, ask, first=True)
        self._parked.setdefault(file, []).append(errand)

    def _settle(self, ask: Errand, outcome: Outcome) -> None:
        """An origin's file has come, or will not come: its pages go on."""
        origin, name = ask.id, errands.host(ask.link)
        forbidden = ask.asks is Asks.ROBOTS and outcome.rules is None
        if ask.asks is Asks.TDMREP:
            _remember(self._reservations, origin, outcome.reservations or Reservations())
        else:
            _remember(self._origins, origin, outcome.rules or outcome.verdict)
            self._reservations.pop(origin, None)  # as old as the rules were
        if outcome.rules and outcome.rules.delay_s > self._delays_s.get(name, 0.0):
            self._delays_s[name] = outcome.rules.delay_s
        for errand in reversed(self._parked.pop(ask.link)):
            if forbidden:
                self._conclude(errand, errand.ends(outcome.verdict))
            else:
                self.schedule.add(name, errand, first=True)

    def _pause_s(self, name: str, outcome: Outcome) -> float:
        state = outcome.verdict.state
        if state in UNASKED:
            if outcome.verdict.again:  # its names' server does not answer, which takes its time each time
                self._failures[name] += 1
            return 0.0
        pause_s = self._delay_s(name)
        if state not in FAILING or not outcome.verdict.again:
            self._failures.pop(name, None)
            return pause_s
        self._failures[name] += 1
        return max(pause_s, back_off_s(self._failures[name]), outcome.wait_s)

    def _follow(self, errand: Errand, outcome: Outcome) -> None:
        target, visited = outcome.verdict.location or "", (*errand.visited, errand.url)
        if errand.asks is Asks.PAGE and (tombstone := self._tombstones.on_address(target)):
            removed = Verdict(str(State.REMOVED), tombstone.sentence)
            self._conclude(errand, self._written(errand, replace(outcome, verdict=removed, url=target)))
            return
        circle = errand.circles(target)
        if errand.asks is Asks.PAGE and (circle or len(visited) > self.settings.max_redirects):
            detail = "in a circle" if circle else f"more than {self.settings.max_redirects}"
            looped = replace(outcome, verdict=Verdict("redirect_loop", detail))
            self._conclude(errand, self._written(errand, looped))
            return
        self._written(errand, outcome)
        errand.url, errand.visited = target, visited
        self.schedule.add(errands.host(target), errand, first=True)

    def _written(self, errand: Errand, outcome: Outcome) -> Outcome:
        """The outcome, its exchange written to the WARC file."""
        if outcome.packed is None:
            return outcome
        position = self._exchanges.append(errand.partition, outcome.packed)
        return replace(outcome, packed=None, position=position)

    def _conclude(self, errand: Errand, outcome: Outcome) -> None:
        """The errand's end: what its origin says, or its link's row."""
        if errand.asks is not Asks.PAGE:
            self._settle(errand, outcome)
            return
        self.journals[errand.partition].add(row_of(errand, outcome))
        self._untold[outcome.verdict.state] += 1
        self.left -= 1


def _remember(known: OrderedDict[str, T], origin: str, value: T) -> None:
    if len(known) >= KNOWN_ORIGINS:
        known.popitem(last=False)
    known[origin] = value
