"""A batch of posts, sifted: which are links, and what each row leaves for the steps after it."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from webtext.links import posts
from webtext.links.canonical import Rejected, url_hash
from webtext.links.hosts import domain_of
from webtext.links.merging import ROWS
from webtext.links.partitions import domain_hash
from webtext.links.posts import Post
from webtext.links.selection import Rules
from webtext.links.superseding import SELECTED, Numbers, make_keys
from webtext.reasons import LINKS

REASONS = tuple(LINKS)  # a reason's code is its place here; SELECTED stands for none
_CODES = {reason: code for code, reason in enumerate(REASONS)}
_EXCERPT_CHARS = 120


class Selected(msgspec.Struct, gc=False):
    """A submission that is a link, and the row of its source in which it stands."""

    row: int
    post: Post
    url: str
    domain: str
    domain_hash: int


@dataclass(frozen=True)
class Sifted:
    keys: Numbers  # of the rows that have an id
    selected: list[Selected]
    dropped: dict[str, int]
    examples: dict[str, str]  # a URL for each reason that a broken URL gave


def sift(batch: Sequence[Post], first_row: int, rules: Rules, scored: bool) -> Sifted:
    """Applies the rules to posts that stand in their source from `first_row` on."""
    codes = np.full(len(batch), SELECTED)
    buckets = np.zeros(len(batch), dtype=np.int64)
    selected: list[Selected] = []
    examples: dict[str, str] = {}
    for at, post in enumerate(batch):
        reason = rules.refusal(post, scored)
        if reason is None:
            try:
                url, host = rules.link(post)
            except Rejected as rejected:
                reason = rejected.reason
                if reason in ("bad_url", "scheme"):
                    examples.setdefault(reason, posts.storable(posts.url_field(post)[:_EXCERPT_CHARS]))
            else:
                domain = domain_of(host)
                link = Selected(first_row + at, post, url, domain, domain_hash(domain))
                buckets[at] = link.domain_hash >> 56
                selected.append(link)
                continue
        codes[at] = _CODES[reason]
    retrieved = [_retrieval_order(post) for post in batch]
    keys = make_keys([post.id for post in batch], retrieved, first_row, codes, buckets)
    return Sifted(keys, selected, count_reasons(codes), examples)


def count_reasons(codes: Numbers) -> dict[str, int]:
    """How often each reason's code stands there."""
    counts = np.bincount(codes, minlength=SELECTED + 1)
    return {reason: int(count) for reason, count in zip(REASONS, counts, strict=False) if count}


def to_rows(selected: Sequence[Selected], are_submissions: bool) -> pa.RecordBatch:
    """The selected submissions as ROWS."""
    found = [each.post for each in selected]
    urls = [each.url for each in selected]
    columns = {
        "row": [each.row for each in selected],
        "domain_hash": [each.domain_hash for each in selected],
        "url_hash": [url_hash(url) for url in urls],
        "url": urls,
        "url_as_posted": [posts.storable(posts.url_field(post).strip()) for post in found],
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
