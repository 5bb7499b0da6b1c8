"""robots.txt as RFC 9309 says: what it allows us, how long to wait, and what it reserves.

Protego matches paths. The file's lines are put into groups here, because RFC 9309 §2.2.1 and §2.2.4 let no
unknown line end a group and name agents by their product token alone, which Protego reads otherwise.
"""

import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from protego import Protego

from webtext import recipe_lists
from webtext.crawl.optouts import refuses_training

MAX_BYTES = 500 * 1024  # RFC 9309 §2.5
MAX_REDIRECTS = 5  # §2.3.1.2
FRESH_S = 24 * 3600.0  # §2.4
MAX_CRAWL_DELAY_S = 30.0
MAX_EFFORT = 20_000_000  # wildcards of a file times characters of a path: a tenth of a second

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_AGENT = {"user-agent", "useragent", "user agent"}
_ALLOW = {"allow"}
_DISALLOW = {"disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"}
_DELAY = {"crawl-delay", "crawl delay"}
_USAGE = {"content-usage"}  # IETF AIPREF: an optional path, then preferences
_FIELDS = sorted(_AGENT | _ALLOW | _DISALLOW | _DELAY | _USAGE, key=len, reverse=True)


class Paths:
    """Lines that allow paths or not. One that takes too long to be looked for in them is not allowed: the
    thread that asks decides for all hosts."""

    def __init__(self, lines: Collection[str]) -> None:
        self._matcher = Protego.parse("\n".join(["User-agent: *", *lines]))
        self._wildcards = sum(line.count("*") for line in lines)

    def effort(self, url: str) -> int:
        """About how many steps it takes to look a URL up: wildcards times characters."""
        return self._wildcards * len(url)

    def allow(self, url: str) -> bool:
        """Whether the lines allow a URL, and it takes no more than MAX_EFFORT to tell."""
        url = _slashes(url)
        return self.effort(url) <= MAX_EFFORT and bool(self._matcher.can_fetch(url, "*"))


@dataclass(frozen=True)
class Rules:
    """What one origin's robots.txt says to one agent."""

    paths: Paths | None = None  # None: everything is allowed
    reserved: Paths | None = None  # None: nothing is reserved from training
    refused: tuple[tuple[str, Paths], ...] = ()  # what it says to crawlers of others, by name
    delay_s: float = 0.0
    until: float = field(default_factory=lambda: time.monotonic() + FRESH_S)

    def allows(self, url: str) -> bool:
        return self.paths is None or self.paths.allow(url)

    def reserves(self, url: str) -> bool:
        """Whether pages at this URL are reserved from training."""
        return self.reserved is not None and not self.reserved.allow(url)

    def refuses(self, url: str) -> str | None:
        """One of the other crawlers that may not have this URL; the first where it takes too long to look
        through what is said to all of them."""
        if sum(paths.effort(url) for _, paths in self.refused) > MAX_EFFORT:
            return self.refused[0][0]
        return next((agent for agent, paths in self.refused if not paths.allow(url)), None)


@lru_cache(maxsize=1)
def ai_agents() -> frozenset[str]:
    """The product tokens, in lower case, of crawlers that gather text for training."""
    text = (resources.files("data") / "agents" / "ai.txt").read_text("utf-8")
    return frozenset(map(str.lower, recipe_lists.entries(text)))


@lru_cache(maxsize=16)
def product_token(user_agent: str) -> str:
    """The name by which robots.txt files call a crawler: the first token of its user agent, lower case."""
    token = _TOKEN.match(user_agent.strip())
    return token.group().lower() if token else ""


def parse(body: bytes, agent: str, others: Collection[str] = ()) -> Rules:
    """The rules for a product token, and those that name `others`.

    Any bytes are a robots.txt: what cannot be read is passed over.
    """
    groups = list(_groups(body[:MAX_BYTES]))
    ours = [group for group in groups if agent in group.agents]
    chosen = ours or [group for group in groups if "*" in group.agents]
    lines = [line for group in chosen for line in group.rules]
    usage = [line for group in chosen for line in group.usage]
    name = agent if ours else "*"
    delays = [delay for group in chosen for agents, delay in group.delays if name in agents]
    delay_s = min(max(delays, default=0.0), MAX_CRAWL_DELAY_S)
    return Rules(_matcher(lines), _matcher(usage), _refused(groups, others), delay_s)


def _refused(groups: list["_Group"], agents: Collection[str]) -> tuple[tuple[str, Paths], ...]:
    """The rules for each agent that a group names; of agents with the same rules one is enough."""
    lines: dict[str, list[str]] = {}
    for group in groups:
        for agent in sorted(group.agents.intersection(agents)):
            lines.setdefault(agent, []).extend(group.rules)
    once = {tuple(rules): agent for agent, rules in reversed(lines.items())}
    matchers = ((agent, _matcher(list(rules))) for rules, agent in reversed(once.items()))
    return tuple((agent, matcher) for agent, matcher in matchers if matcher is not None)


@dataclass
class _Group:
    agents: set[str] = field(default_factory=set)
    rules: list[str] = field(default_factory=list)
    usage: list[str] = field(default_factory=list)
    delays: list[tuple[frozenset[str], float]] = field(default_factory=list)  # for the agents named before
    open: bool = True  # another user-agent line still joins the group


def _groups(body: bytes) -> Iterator[_Group]:
    group: _Group | None = None
    for name, value in _lines(body):
        if name in _AGENT:
            if group is None or not group.open:
                if group is not None:
                    yield group
                group = _Group()
            group.agents.add(_agent(value))
        elif group is not None:
            _add(group, name, value)
    if group is not None:
        yield group


def _add(group: _Group, name: str, value: str) -> None:
    if name in _DELAY:  # no line of RFC 9309, so it may not end the group (§2.2.4)
        if re.fullmatch(r"\d{1,6}(\.\d*)?|\.\d+", value):
            group.delays.append((frozenset(group.agents), float(value)))
        return
    group.open = False
    if name in _ALLOW or name in _DISALLOW:
        if value:
            group.rules.append(f"{'Allow' if name in _ALLOW else 'Disallow'}: {_slashes(value)}")
    elif name in _USAGE:
        blanks = value.replace("\t", " ")
        path, _, preferences = blanks.partition(" ") if value.startswith("/") else ("/", "", value)
        if preferences:  # a path alone says nothing
            group.usage.append(
                f"{'Disallow' if refuses_training(preferences) else 'Allow'}: {_slashes(path)}"
            )


def _lines(body: bytes) -> Iterator[tuple[str, str]]:
    """Known fields and their values. Bytes, because only CR and LF end a line here (§2.2)."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):  # an editor's UTF-16, which forbids no less
        body = body.decode("utf-16", "replace").encode("utf-8", "replace")
    for raw in body.removeprefix(b"\xef\xbb\xbf").splitlines():
        line = raw.partition(b"#")[0].decode("utf-8", "replace").strip()
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() in _FIELDS:
            yield name.strip().lower(), value.strip()
        elif not colon:  # "Disallow /private" is common enough to be understood
            lower = line.lower()
            known = next((field for field in _FIELDS if lower.startswith(field + " ")), None)
            if known:
                yield known, line[len(known) :].strip()


def _agent(value: str) -> str:
    if value == "*" or value.startswith(("* ", "*\t")):
        return "*"
    token = _TOKEN.match(value)
    return token.group().lower() if token else ""


def _slashes(text: str) -> str:
    """A slash in a query is data, and the same as its escape (the example in §2.2.2)."""
    path, mark, query = text.partition("?")
    return path + mark + query.replace("/", "%2F")


def _matcher(lines: list[str]) -> Paths | None:
    return Paths(lines) if lines else None
