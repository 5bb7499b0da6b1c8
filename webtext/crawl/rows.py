"""A link's row of `pages`."""

from datetime import UTC, datetime
from typing import Any

from webtext.crawl.errands import Errand, Outcome
from webtext.reasons import LIVE

# What an undisturbed crawl of the same web would repeat: all but times, tries and places in files.
FACTS = (
    *("id", "url", "state", "http_status", "final_url", "redirects", "source", "content_type", "charset"),
    *("bytes", "sha256", "detail"),
)


Row = dict[str, Any]  # by column of `pages`; in a journal also `asked`, see `recovery`


def row(errand: Errand, outcome: Outcome) -> Row:
    """The row of a link whose errand has ended."""
    verdict, position = outcome.verdict, outcome.position
    return {
        "id": errand.id,
        "url": errand.link,
        "state": verdict.state,
        "http_status": outcome.status,
        "final_url": outcome.url,
        "redirects": outcome.redirects,
        "source": LIVE,
        "captured_at": outcome.at,
        "fetched_at": datetime.now(UTC),
        "content_type": verdict.content_type,
        "charset": verdict.charset,
        "bytes": verdict.bytes,
        "sha256": verdict.sha256,
        "warc_file": position.file if position else None,
        "warc_offset": position.offset if position else None,
        "warc_length": position.length if position else None,
        "attempts": errand.attempts,
        "detail": verdict.detail,
    }
