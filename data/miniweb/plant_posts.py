"""Planted submissions: those that never become a link, and those of one URL in several spellings."""

import datetime as dt
from dataclasses import replace

from data.miniweb.draft import DAY_S, Draft, Spot
from data.miniweb.model import Planted
from data.miniweb.sites import SITES
from data.miniweb.submissions import Post

BEFORE = int(dt.datetime(2018, 1, 1, tzinfo=dt.UTC).timestamp())  # the demo recipe's `links.before`
NULL_SCORES = int(dt.datetime(2017, 10, 9, tzinfo=dt.UTC).timestamp())  # months whose dumps have some
LOW_SCORES = (2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0)
SELF_POSTS = 10

BLOCKED_DOMAINS = (
    "http://imgur.com/gallery/k3xTq", "http://imgur.com/a/Zp0Qm", "http://www.youtube.com/watch?v=aB3dE5gH7jK",
    "https://youtu.be/aB3dE5gH7jK", "http://i.imgur.com/k3xTq", "http://www.reddit.com/r/books/wiki/index",
    "http://np.reddit.com/r/writing/comments/1zq0x8/", "http://redd.it/1zq0x8", "https://www.youtube.com/user/quill",
)  # fmt: skip
BLOCKED_FILES = (
    "lighthouse.jpg",
    "Harbour%20at%20dawn.JPG",
    "timelapse.mp4",
    "chart.png",
    "kettle.gif?size=large",
)
BAD_SCHEMES = (
    "ftp://ftp.cobblestone-manuals.org/pub/guide.html",
    "javascript:void(0)",
    "mailto:editor@rustygate.com",
)
BAD_URLS = ("http://", "http://[half-an-address/story.html")
BROKEN_LINES = (
    b'{"archived":true,"author":"[deleted]","created_utc":"14093',
    b"<html><body>502 Bad Gateway</body></html>",
)


def plant_drops(draft: Draft) -> None:
    """Submissions that are dropped, each for one reason only."""
    for score in LOW_SCORES:
        draft.drop("karma", replace(_post(draft), score=score))
    for _ in range(3):
        moment = draft.free_second(NULL_SCORES + draft.rng.randrange(10**6))
        draft.drop("karma", replace(_post(draft), score=None, created_utc=moment))
    for _ in range(SELF_POSTS):
        draft.drop("self_post", replace(_post(draft), is_self=True, title="Which manual taught you most?"))
    for url in BLOCKED_DOMAINS:
        draft.drop("domain", replace(_post(draft), url=url))
    for site, name in zip(SITES, BLOCKED_FILES, strict=False):
        draft.drop("extension", replace(_post(draft), url=f"http://{site.host}/uploads/{name}"))
    for _ in range(4):
        draft.drop("over_18", replace(_post(draft), over_18=True))
    for _ in range(3):
        draft.drop("promoted", replace(_post(draft), promoted=True, title="Our newest teapot"))
    for url in BAD_SCHEMES:
        draft.drop("scheme", replace(_post(draft), url=url))
    for url in BAD_URLS:
        draft.drop("bad_url", replace(_post(draft), url=url))
    draft.drop("too_long", replace(_post(draft), url=f"http://{SITES[0].host}/{'so-' * 800}long.html"))
    for seconds in (0, 1, DAY_S, 40 * DAY_S):
        draft.drop("too_new", replace(_post(draft), created_utc=draft.free_second(BEFORE + seconds)))
    draft.broken_lines.extend(BROKEN_LINES)
    draft.dropped["malformed"] += len(BROKEN_LINES)


def plant_spellings(draft: Draft) -> None:
    """One URL, posted in several spellings, becomes one link."""
    for site in SITES[:3]:
        spot = draft.fresh([site])
        path = spot.url.removeprefix(f"http://{site.host}")
        spellings = [
            spot.url,
            f"http://{site.host.upper()}:80{path}#comments",
            f"{spot.url}?utm_source=feed&utm_medium=rss",
            f"HTTP://{site.host}/drafts/..{path}",
        ]
        _merged(draft, "several spellings", spot, spellings)
    home = draft.fresh(site for site in SITES if site.addresses == "home")
    _merged(draft, "several spellings", home, [home.url.replace("~", "%7E"), home.url, f"{home.url}#top"])
    for site, path in (
        (SITES[12], "/view.php?article=1207&part=2"),
        (SITES[22], "/print?edition=38&story=6"),
        (SITES[4], "/"),
        (SITES[25], "/"),
    ):
        article = draft.stock.pop()
        spot = replace(draft.spot(article.slug, [site]), url=f"http://{site.host}{path}")
        draft.serve(spot.url, draft.html(article, spot))
        if path == "/":
            _merged(draft, "front page", spot, [f"http://{site.host}", spot.url])
        else:
            _merged(draft, "address with &", spot, [spot.url, f"{spot.url}&utm_campaign=weekly"])


def plant_superseded(draft: Draft) -> None:
    """A submission that was retrieved twice: the later score counts."""
    for early, late in ((4, 61), (17, 2_950), (88, 35)):
        spot = draft.fresh()
        post = replace(_post(draft, spot.url), score=early)
        post = replace(post, retrieved_on=post.created_utc + 40_000)
        draft.drop("superseded", post)
        draft.expect(
            Planted("retrieved twice", spot.url, "kept", None),
            replace(post, score=late, retrieved_on=post.retrieved_on + 90 * DAY_S),
        )


def plant_edges(draft: Draft) -> None:
    """Submissions that qualify by a hair: three points, the last second, a low score beside a good one."""
    url = draft.fresh().url
    draft.expect(Planted("just enough karma", url, "kept", None), replace(_post(draft, url), score=3))
    url = draft.fresh().url
    last_second = draft.free_second(BEFORE - 1)
    last = replace(_post(draft, url), created_utc=last_second)
    draft.expect(Planted("just before the end", url, "kept", None), last)
    for _ in range(2):
        url = draft.fresh().url
        draft.drop("karma", replace(_post(draft, url), score=1))
        draft.expect(Planted("low and high karma", url, "kept", None), _post(draft, url))


def _post(draft: Draft, url: str = "") -> Post:
    if not url:
        site = draft.rng.choice(SITES)
        url = f"http://{site.host}/passing/by-{draft.rng.randrange(10**6)}"
    return draft.post_of(url)


def _merged(draft: Draft, kind: str, spot: Spot, spellings: list[str]) -> None:
    posts = [draft.post_of(spelling, spot.date) for spelling in spellings]
    draft.expect(Planted(kind, spot.url, "kept", None), *posts)
