"""Dumps as large as wanted, with the fields, the sizes and the proportions of true ones.

The field names, their order and their usual values are those of the monthly dumps of 2017 to 2020; content
is made up from a seed. A row is 2.6 KB on average. Of the rows 40 % are text posts and 32 % lead to media or
to Reddit itself; 11 % become links under the paper's rules (WebText kept 45 million links of some 400 million
submissions, OpenWebText2 69 million of some 850 million).
"""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import zstandard

WINDOW_LOG = 27  # 128 MiB; true dumps say 31, which costs each reader 2 GiB, whoever it is
FIRST_ID, FIRST_SECOND = int("5laaaa", 36), 1_483_228_800  # January 2017
MEDIA = ("i.redd.it", "i.imgur.com", "imgur.com", "www.youtube.com", "v.redd.it", "gfycat.com", "twitter.com")

_FLAGS = (
    "archived can_gild clicked contest_mode edited hidden hide_score is_crosspostable is_meta "
    "is_original_content is_reddit_media_domain is_robot_indexable is_video locked media_only no_follow "
    "pinned quarantine saved send_replies spoiler stickied visited"
)
_NULLS = (
    "approved_at_utc approved_by author_flair_background_color author_flair_css_class "
    "author_flair_template_id author_flair_text author_flair_text_color banned_at_utc banned_by category "
    "content_categories distinguished likes link_flair_css_class link_flair_template_id link_flair_text "
    "media mod_note mod_reason_by mod_reason_title num_reports parent_whitelist_status post_hint "
    "removal_reason secure_media suggested_sort thumbnail_height thumbnail_width view_count"
)
_LISTS = "all_awardings author_flair_richtext awarders link_flair_richtext mod_reports report_reasons"
_OBJECTS = "gildings media_embed secure_media_embed"
_FIXED = {
    "author_flair_type": "text",
    "author_fullname": "t2_synthetic",
    "author_patreon_flair": False,
    "gilded": 0,
    "link_flair_background_color": "",
    "link_flair_text_color": "dark",
    "link_flair_type": "text",
    "num_crossposts": 0,
    "pwls": 6,
    "subreddit_subscribers": 123456,
    "subreddit_type": "public",
    "total_awards_received": 0,
    "treatment_tags": [],
    "user_reports": [],
    "whitelist_status": "all_ads",
    "wls": 6,
}


def write(path: Path, rows: int, seed: int = 1) -> int:
    """Writes a dump of so many rows; gives its decompressed size in bytes."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=WINDOW_LOG)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    size = 0
    with path.open("wb") as file, compressor.stream_writer(file) as out:
        for line in lines(rows, seed):
            out.write(line)
            size += len(line)
    return size


def lines(rows: int, seed: int) -> Iterator[bytes]:
    """The dump's lines; the same for the same seed."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("etaoinshrdlucmfwyp", k=chance.randint(2, 10))) for _ in range(5000)]
    urls = _Urls(chance, words)
    templates = {kind: _template(kind) for kind in ("self", "media", "link")}
    for number in range(rows):
        draw = chance.random()
        kind = "self" if draw < 0.40 else "media" if draw < 0.72 else "link"
        name, subreddit = _base36(FIRST_ID + number), words[int(len(words) * chance.random() ** 3)]
        values = {
            "ID": name,
            "SUBREDDIT": subreddit,
            "URL": urls.made(kind, name, subreddit),
            "TITLE": " ".join(chance.choices(words, k=chance.randint(3, 18))),
            "TEXT": " ".join(chance.choices(words, k=int(chance.expovariate(1 / 50))))
            if kind == "self"
            else "",
            "SCORE": min(int(chance.paretovariate(0.8)), 100_000) - (chance.random() < 0.2),
            "COMMENTS": min(int(chance.paretovariate(0.9)), 10_000) - 1,
            "CREATED": FIRST_SECOND + number // 4,
            "RETRIEVED": FIRST_SECOND + 5_000_000 + number // 8,
            "OVER_18": "true" if kind == "media" and chance.random() < 0.2 else "false",
        }
        yield (templates[kind] % values).encode() + b"\n"


class _Urls:
    def __init__(self, chance: random.Random, words: list[str]) -> None:
        self._chance, self._words = chance, words
        tops = ("com", "com", "org", "net", "co.uk", "de")
        self._hosts = [f"www.{chance.choice(words)}{n}.{chance.choice(tops)}" for n in range(50_000)]
        self._earlier = ["http://www.example.org/"] * 1000

    def made(self, kind: str, name: str, subreddit: str) -> str:
        chance = self._chance
        if kind == "self":
            return f"https://www.reddit.com/r/{subreddit}/comments/{name}/a_title/"
        if kind == "media":
            return f"https://{chance.choice(MEDIA)}/{name}"
        if chance.random() < 0.08:
            return chance.choice(self._earlier)
        host = self._hosts[int(len(self._hosts) * chance.random() ** 4)]
        path = "-".join(chance.choices(self._words, k=6))
        url = f"{chance.choice(('http', 'https'))}://{host}/{chance.randint(2009, 2017)}/{path}" + _ending(
            chance
        )
        self._earlier[chance.randrange(1000)] = url
        return url


def _ending(chance: random.Random) -> str:
    """What 1.6 million true links end in, in their proportions."""
    draw = chance.random()
    if draw < 0.05:
        return f"?id={chance.randint(1, 10**6)}&amp;page={chance.randint(1, 9)}"
    if draw < 0.09:
        return "?utm_source=reddit&amp;utm_medium=social"
    if draw < 0.20:
        return f"?p={chance.randint(1, 10**6)}"
    if draw < 0.22:
        return "#comments"
    return chance.choice(("", "/", ".html"))


def _template(kind: str) -> str:
    """A row as JSON in the dumps' alphabetical order, with a %(NAME)s for each value that varies."""
    row: dict[str, object] = dict.fromkeys(_FLAGS.split(), False) | dict.fromkeys(_NULLS.split())
    row |= {name: [] for name in _LISTS.split()} | {name: {} for name in _OBJECTS.split()} | _FIXED
    row |= {
        "author": "%(SUBREDDIT)s_%(ID)s",
        "created_utc": "RAW%(CREATED)s",
        "domain": "www.example.org",
        "id": "%(ID)s",
        "is_self": kind == "self",
        "num_comments": "RAW%(COMMENTS)s",
        "over_18": "RAW%(OVER_18)s",
        "permalink": f"/r/%(SUBREDDIT)s/comments/%(ID)s/{'a_title_of_usual_length' * 2}/",
        "retrieved_on": "RAW%(RETRIEVED)s",
        "score": "RAW%(SCORE)s",
        "selftext": "%(TEXT)s",
        "subreddit": "%(SUBREDDIT)s",
        "subreddit_id": "t5_%(ID)s",
        "subreddit_name_prefixed": "r/%(SUBREDDIT)s",
        "thumbnail": "https://b.thumbs.redditmedia.com/%(ID)s%(RETRIEVED)s.jpg",
        "title": "%(TITLE)s",
        "url": "%(URL)s",
    }
    if kind != "self":
        row |= {"post_hint": "link" if kind == "link" else "image", "preview": _preview()}
    text = json.dumps(dict(sorted(row.items())), separators=(",", ":"))
    return re.sub(r'"RAW(%\(\w+\)s)"', r"\1", text)


def _preview() -> dict[str, object]:
    where = "https://external-preview.redd.it/%(ID)s%(RETRIEVED)s.jpg"
    sizes = ((108, 56), (320, 167))
    images = [{"height": h, "url": f"{where}?width={w}&amp;s=%(ID)s", "width": w} for w, h in sizes]
    image = {"id": "%(ID)s", "resolutions": images, "source": images[-1], "variants": {}}
    return {"enabled": False, "images": [image]}


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits
