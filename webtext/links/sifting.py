"""Posts, sifted: which are links, and what each row leaves for the steps after it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Self

import msgspec
import pyarrow as pa

from webtext.links import posts
from webtext.links.canonical import Rejected, canonical_and_host, url_hash
from webtext.links.codes import CODES, SELECTED
from webtext.links.hosts import domain_of
from webtext.links.merging import ROWS
from webtext.links.partitions import domain_hash
from webtext.links.posts import Post
from webtext.links.selection import Rules
from webtext.links.superseding import Numbers

_EXCERPT_CHARS = 120


class Selected(msgspec.Struct, gc=False):
    """A submission that is a link, and the row of its source in which it stands."""

    row: int
    post: Post
    posted: str  # the URL as it was posted
    url: str
    domain: str
    domain_hash: int


class Sifted(msgspec.Struct, gc=False):
    """Rows after the rules: what became of each, and the selected ones.

    Each row's id (of any type), time of retrieval and code are for `superseding`; the bucket is that of its
    domain where it was selected.
    """

    rows: list[Numbers] = []
    ids: list[object] = []
    retrieved: list[int] = []
    codes: list[int] = []
    buckets: list[int] = []
    selected: list[Selected] = []
    examples: dict[str, str] = {}  # a URL for each reason that a broken URL gave

    def __iadd__(self, other: "Sifted") -> Self:
        self.rows += other.rows
        self.ids += other.ids
        self.retrieved += other.retrieved
        self.codes += other.codes
        self.buckets += other.buckets
        self.selected += other.selected
        return self


class Sieve:
    """The rules at work on one source, batch after batch."""

    def __init__(self, rules: Rules, scored: bool) -> None:
        self._rules = rules
        self._scored = scored
        self._domain = lru_cache(maxsize=1 << 16)(self._look_up)  # hosts repeat

    def sift(self, batch: Sequence[Post], rows: Numbers) -> Sifted:
        """What becomes of each post; `rows`: their numbers in the source."""
        codes = [SELECTED] * len(batch)
        buckets = [0] * len(batch)
        selected: list[Selected] = []
        examples: dict[str, str] = {}
        refusal = self._rules.refusal
        for at, (post, row) in enumerate(zip(batch, rows.tolist(), strict=True)):
            reason = refusal(post, self._scored)
            if reason is None:
                link = self._link(post, row)
                if type(link) is Selected:
                    buckets[at] = link.domain_hash >> 56
                    selected.append(link)
                    continue
                reason = str(link)
                if reason in ("bad_url", "scheme"):
                    examples.setdefault(reason, posts.storable(posts.url_field(post)[:_EXCERPT_CHARS]))
            codes[at] = CODES[reason]
        retrieved = [_retrieval_order(post) for post in batch]
        return Sifted([rows], [post.id for post in batch], retrieved, codes, buckets, selected, examples)

    def _link(self, post: Post, row: int) -> Selected | str:
        """The link that a submission is, or the reason why its URL makes it none."""
        posted = posts.url_field(post)
        if not posted:
            return "no_url"
        try:
            url, host = canonical_and_host(posted)
        except Rejected as rejected:
            return rejected.reason
        found = self._domain(host)
        if found is None:
            return "domain"
        if self._rules.blocks_file(url):
            return "extension"
        return Selected(row, post, posted, url, *found)

    def _look_up(self, host: str) -> tuple[str, int] | None:
        """A host's (registered domain, its hash), or None if it is blocked."""
        if self._rules.blocks_host(host):
            return None
        domain = domain_of(host)
        return domain, domain_hash(domain)


def to_rows(selected: Sequence[Selected], are_submissions: bool) -> pa.RecordBatch:
    """The selected submissions as ROWS."""
    found = [each.post for each in selected]
    urls = [each.url for each in selected]
    columns = {
        "row": [each.row for each in selected],
        "domain_hash": [each.domain_hash for each in selected],
        "url_hash": [url_hash(url) for url in urls],
        "url": urls,
        "url_as_posted": [posts.storable(each.posted.strip()) for each in selected],
        "domain": [each.domain for each in selected],
        "is_submission": [are_submissions] * len(selected),
        "id": [posts.name(post.id) for post in found],
        "subreddit": [posts.name(post.subreddit) for post in found],
        "score": [posts.integer(post.score) for post in found],
        "created_utc": [posts.seconds(post.created_utc) for post in found],
        "title": [posts.text(post.title, posts.MAX_TITLE_CHARS) for post in found],
        "num_comments": [posts.integer(post.num_comments) for post in found],
        "over_18": [posts.flag(post.over_18) for post in found],
        "retrieved_utc": [posts.retrieved(post) for post in found],
    }
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in ROWS], schema=ROWS)


def _retrieval_order(post: Post) -> int:
    """Seconds by which retrievals of one submission are ordered; one that does not say counts as made when
    the submission was."""
    time = post.retrieved_on
    if type(time) is int and 0 <= time < posts.MAX_SECONDS and post.retrieved_utc is post.meta is None:
        return time
    time = posts.retrieved(post)
    return time if time is not None else posts.seconds(post.created_utc) or 0
