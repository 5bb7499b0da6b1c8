"""The mini web while it is being made: sites take pages, links get posted, expectations are noted."""

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from data.miniweb.articles import Article
from data.miniweb.model import Behaviour, MiniWeb, Page, Planted
from data.miniweb.render import page_of
from data.miniweb.sites import AUTHORS, ROBOTS, SITES, Site
from data.miniweb.submissions import FIRST_SECOND, Post, line_of

DAY_S = 86_400
DAYS = 1500  # in which pages are written, from FIRST_SECOND on
HTML = "text/html; charset=utf-8"
SUBREDDITS = (
    "programming", "coding", "learnprogramming", "compsci", "software", "technology", "linux", "opensource",
    "books", "todayilearned", "softwaredesign", "writing",
)  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """Where and when a page is published, and by whom."""

    site: Site
    url: str
    date: dt.date
    author: str


@dataclass(frozen=True)
class Original:
    """An article on its page, and when the link to it was posted first."""

    article: Article
    spot: Spot
    posted: int  # seconds since 1970


@dataclass
class Draft:
    """Collects pages, posts and expectations; `finish` makes them one mini web."""

    rng: random.Random
    stock: list[Article]  # articles that are not published yet
    pages: dict[str, Page] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)
    originals: list[Original] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    broken_lines: list[bytes] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1041, 7))
    _crowd: Counter[str] = field(default_factory=Counter)  # links by host
    _seconds: set[int] = field(default_factory=set)  # in which something was posted

    def borrow(self) -> Article:
        """An article that is published elsewhere too: for pages whose text must not get through."""
        return self.rng.choice(self.originals).article

    def spot(self, slug: str, among: Iterable[Site] = SITES) -> Spot:
        """A free address on that one of the sites which has fewest links."""
        site = min(among, key=lambda candidate: self._crowd[candidate.host])
        self._crowd[site.host] += 1
        date = dt.datetime.fromtimestamp(FIRST_SECOND + DAY_S * self.rng.randrange(DAYS), dt.UTC).date()
        author = self.rng.choice(AUTHORS)
        number = next(self._numbers)
        url = site.address(slug, date, number, author)
        if url in self.pages:
            url = site.address(f"{slug}-{number}", date, number, author)
        return Spot(site, url, date, author)

    def fresh(self, among: Iterable[Site] = SITES, delay_s: float = 0) -> Spot:
        """A page with an article that is published nowhere else."""
        article = self.stock.pop()
        spot = self.spot(article.slug, among)
        self.serve(spot.url, self.html(article, spot), delay_s=delay_s)
        return spot

    def html(
        self, article: Article, spot: Spot, *, charset: str = "utf-8", lang: str = "en", meta: str = ""
    ) -> str:
        """The article's page as the spot's site shows it."""
        return page_of(
            article,
            spot.site.template,
            url=spot.url,
            site=spot.site.title,
            author=spot.author,
            date=spot.date.isoformat(),
            charset=charset,
            lang=lang,
            meta=meta,
        )

    def serve(
        self,
        url: str,
        body: bytes | str,
        *headers: tuple[str, str],
        status: int = 200,
        content_type: str = HTML,
        behaviour: Behaviour = "plain",
        delay_s: float = 0,
    ) -> None:
        """Puts an answer at an address."""
        data = body.encode() if isinstance(body, str) else body
        self.pages[url] = Page(status, (("Content-Type", content_type), *headers), data, delay_s, behaviour)

    def post_of(self, url: str, date: dt.date | None = None) -> Post:
        """A submission of that URL that qualifies, one to twenty days after the date."""
        if date is None:
            second = FIRST_SECOND + self.rng.randrange(DAYS * DAY_S)
        else:
            noon = dt.datetime(date.year, date.month, date.day, 12, tzinfo=dt.UTC)
            second = int(noon.timestamp()) + self.rng.randrange(DAY_S, 20 * DAY_S)
        score = min(9_000, int(3 * self.rng.paretovariate(0.8)))  # most are small, a few are huge
        return Post(
            url,
            _title(url),
            self.free_second(second),
            score,
            subreddit=self.rng.choice(SUBREDDITS),
            comments=self.rng.randrange(score),
        )

    def free_second(self, second: int) -> int:
        """That second, or the next one in which nothing was posted yet: ids follow from it."""
        while second in self._seconds:
            second += 1
        self._seconds.add(second)
        return second

    def expect(self, planted: Planted, *posts: Post) -> None:
        """Notes what must become of a link, and posts it."""
        scores = [post.score or 0 for post in posts]
        self.planted.append(replace(planted, posts=len(posts), karma=max(scores)))
        self.posts.extend(posts)
        self.merged += len(posts) - 1

    def drop(self, reason: str, post: Post) -> None:
        """Adds a submission that must become no link, for that reason."""
        self.dropped[reason] += 1
        self.posts.append(post)

    def finish(self) -> MiniWeb:
        """The mini web, with every site's robots.txt, and the dump's lines in the order of time."""
        for site in SITES:
            rules = ROBOTS[site.robots]
            if rules is not None:
                self.serve(
                    f"http://{site.host}/robots.txt", rules.format(host=site.host), content_type="text/plain"
                )
        self.posts.sort(key=lambda post: (post.created_utc, post.retrieved_on))
        lines = [line_of(post) for post in self.posts]
        for line in self.broken_lines:
            lines.insert(self.rng.randrange(len(lines)), line)
        return MiniWeb(self.pages, lines, self.planted, dict(sorted(self.dropped.items())), self.merged)


def _title(url: str) -> str:
    words = url.rstrip("/").rpartition("/")[2].partition(".")[0].replace("-", " ").replace("_", " ")
    return words.capitalize() if len(words) > 12 else "Something worth reading on a quiet evening"
