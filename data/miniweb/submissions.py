"""Posts, and the rows that the dumps have of them, in the shape of the month they were made in."""

import datetime as dt
import json
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

# Seconds since 1970. From the first to the second, `created_utc` is a string in the dumps.
STRINGS_FROM = int(dt.datetime(2014, 1, 1, tzinfo=dt.UTC).timestamp())
STRINGS_UNTIL = int(dt.datetime(2015, 12, 1, tzinfo=dt.UTC).timestamp())
NEW_SHAPE_FROM = int(dt.datetime(2017, 5, 1, tzinfo=dt.UTC).timestamp())

FIRST_ID = int("10qg00", 36)
FIRST_SECOND = int(dt.datetime(2012, 10, 1, tzinfo=dt.UTC).timestamp())
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Post:
    """A submission as somebody made it."""

    url: str  # as posted, before the dump escapes it
    title: str
    created_utc: int
    score: int | None
    subreddit: str = "programming"
    retrieved_on: int = 0  # 0: half a year later
    comments: int = 0
    is_self: bool = False
    over_18: bool = False
    promoted: bool = False

    @property
    def id(self) -> str:
        """Ids grow with time, some two a second as on Reddit in these years; another second, another id."""
        return base36(FIRST_ID + 5 * (self.created_utc - FIRST_SECOND) // 2)


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = BASE36[digit] + digits
    return digits or "0"


def line_of(post: Post) -> bytes:
    """The post as a line of the dump: JSON without spaces, URL and title escaped as Reddit's API does."""
    row = _common(post)
    if post.created_utc >= NEW_SHAPE_FROM:
        row |= _fields_of_2017(post)
    else:
        row |= _fields_of_2014(post)
    if STRINGS_FROM <= post.created_utc < STRINGS_UNTIL:
        row["created_utc"] = str(post.created_utc)
    if post.promoted:
        row["promoted"] = True
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _common(post: Post) -> dict[str, object]:
    slug = "_".join("".join(c if c.isalnum() else " " for c in post.title.lower()).split())[:50]
    permalink = f"/r/{post.subreddit}/comments/{post.id}/{slug}/"
    url = f"https://www.reddit.com{permalink}" if post.is_self else post.url
    domain = f"self.{post.subreddit}" if post.is_self else _domain(post.url)
    return {
        "archived": True,
        "author": "[deleted]",
        "author_flair_css_class": None,
        "author_flair_text": None,
        "created_utc": post.created_utc,
        "distinguished": None,
        "domain": domain,
        "edited": False,
        "gilded": 0,
        "hide_score": False,
        "id": post.id,
        "is_self": post.is_self,
        "link_flair_css_class": None,
        "link_flair_text": None,
        "media": None,
        "media_embed": {},
        "num_comments": post.comments,
        "over_18": post.over_18,
        "permalink": permalink,
        "retrieved_on": post.retrieved_on or post.created_utc + 15_778_800,
        "score": post.score,
        "secure_media": None,
        "secure_media_embed": {},
        "selftext": "What do you think?" if post.is_self else "",
        "stickied": False,
        "subreddit": post.subreddit,
        "subreddit_id": "t5_" + base36(sum(map(ord, post.subreddit)) * 997),
        "thumbnail": "self" if post.is_self else "default",
        "title": escape(post.title, quote=False),
        "url": escape(url, quote=False),
    }


def _fields_of_2014(post: Post) -> dict[str, object]:
    return {
        "created": post.created_utc + 3600,
        "downs": 0,
        "from": None,
        "from_id": None,
        "from_kind": None,
        "name": f"t3_{post.id}",
        "promoted": False,
        "quarantine": False,
        "saved": False,
        "ups": post.score,
    }


def _fields_of_2017(post: Post) -> dict[str, object]:
    return {
        "brand_safe": not post.over_18,
        "can_gild": False,
        "contest_mode": False,
        "is_crosspostable": True,
        "is_reddit_media_domain": False,
        "is_video": False,
        "locked": False,
        "num_crossposts": 0,
        "parent_whitelist_status": "all_ads",
        "spoiler": False,
        "subreddit_type": "public",
        "suggested_sort": None,
        "thumbnail_height": None,
        "thumbnail_width": None,
        "whitelist_status": "all_ads",
    }


def _domain(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
