"""Which submissions become links: the recipe's rules, each with the reason that it counts under.

The cheap rules come first and the URL last, because most submissions fall to the cheap ones. Posts that were
removed later stay, and crossposts are posts like any other: docs/decisions/0004-removed-and-crossposted.md.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Self

from webtext.fingerprint import fingerprint
from webtext.links import blocklists
from webtext.links.hosts import parents
from webtext.links.posts import Post, flag, integer, name, seconds, url_field

# Pydantic takes a tenth of a second to load, and who reads dumps has no other use for it.
if TYPE_CHECKING:
    from webtext.sections import Links

LOWEST = -(2**63)


@dataclass(frozen=True)
class Rules:
    """The recipe's section with its lists resolved and its dates in seconds."""

    min_karma: int
    karma_is_summed: bool
    before: int | None
    after: int | None
    over_18: bool
    subreddits: frozenset[str]
    domains: frozenset[str]
    extensions: frozenset[str]

    @classmethod
    def of(cls, links: "Links") -> Self:
        """Raises UserError for a block list that cannot be had."""
        return cls(
            min_karma=links.min_karma,
            karma_is_summed=links.karma_rule == "sum",
            before=_midnight(links.before),
            after=_midnight(links.after),
            over_18=links.over_18,
            subreddits=blocklists.resolve(links.subreddits_blocked, "subreddits"),
            domains=blocklists.resolve(links.domains_blocked, "domains"),
            extensions=blocklists.resolve(links.extensions_blocked, "extensions"),
        )

    @cached_property  # of a block list of a million names it takes seconds, and each part of a source asks
    def fingerprint(self) -> str:
        """Changes when other submissions may be selected."""
        return fingerprint({field: getattr(self, field) for field in self.__dataclass_fields__})

    def without_lists(self) -> Self:
        """The rules for who has no use for the lists: a million names are not sent to each task."""
        nothing = frozenset[str]()
        return replace(self, subreddits=nothing, domains=nothing, extensions=nothing)

    def refusal(self, post: Post, scored: bool) -> str | None:
        """The reason why a submission is no link, as far as that can be told without its URL."""
        is_self = post.is_self
        if is_self is not False and (is_self is True or _is_self(post)):
            return "self_post"
        if scored:
            score = integer(post.score)
            if score is None or (score < self.min_karma and not self.karma_is_summed):
                return "karma"
        created = seconds(post.created_utc)
        if created is not None:
            if self.before is not None and created >= self.before:
                return "too_new"
            if self.after is not None and created < self.after:
                return "too_old"
        if post.over_18 is not False and not self.over_18 and flag(post.over_18):
            return "over_18"
        if post.promoted is not None and flag(post.promoted):
            return "promoted"
        if self.subreddits and (name(post.subreddit) or "").lower() in self.subreddits:
            return "subreddit"
        return None

    def blocks_host(self, host: str) -> bool:
        """Whether a canonical host, or a domain above it, is on the list."""
        return not self.domains.isdisjoint(parents(host))

    def blocks_file(self, url: str) -> bool:
        """Whether the path of a canonical URL ends in a blocked extension."""
        file = url.partition("?")[0].rpartition("/")[2]
        return "." in file and "." + file.rpartition(".")[2].lower() in self.extensions


def _is_self(post: Post) -> bool:
    """Where the flag is missing: a text post's URL is its own page."""
    stated = flag(post.is_self)
    if stated is not None:
        return stated
    return type(post.id) is str and f"/comments/{post.id}/" in url_field(post)


def _midnight(day: date | None) -> int | None:
    return None if day is None else int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
