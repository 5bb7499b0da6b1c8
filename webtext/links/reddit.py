"""Links from Reddit's API: a sample of a subreddit, since its listings end near 1,000 submissions.

What the API says today it will not say tomorrow, so what was read is kept as a dump, from which the links are
then made as from any other.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, Literal

import msgspec
import praw
import prawcore
from praw.exceptions import MissingRequiredAttributeException

from webtext import files
from webtext.errors import RunFailed, UserError
from webtext.links.listing import Listing

_FIELDS = (
    "id",
    "url",
    "url_overridden_by_dest",
    "score",
    "created_utc",
    "is_self",
    "over_18",
    "promoted",
    "title",
    "num_comments",
)


class _Child(msgspec.Struct):
    data: dict[str, Any]


class _Page(msgspec.Struct):
    children: list[_Child]


class _Answer(msgspec.Struct):
    kind: Literal["Listing"]
    data: _Page


class _Requestor(prawcore.Requestor):
    """Lets nothing pass for a listing that is none: PRAW takes an empty answer for the end of one."""

    def request(self, *args: Any, **options: Any) -> Any:
        response = super().request(*args, **options)
        if response.request.method == "GET" and response.status_code // 100 == 2:
            try:
                msgspec.convert(response.json(), _Answer)
            except (ValueError, RecursionError, msgspec.ValidationError):
                raise ValueError(f"an answer ({response.status_code}) that is no listing") from None
        return response


def save(listing: Listing, path: Path, user_agent: str) -> int:
    """Writes a listing as NDJSON, whole or not at all; how many submissions it had.

    Credentials are read from REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET, else from praw.ini. Raises UserError
    for wrong ones and for a subreddit that cannot be read or lists nothing, RunFailed where trying again
    later may help.
    """
    with _client(user_agent) as client:
        try:
            rows = [_row(each) for each in _submissions(client, listing)]
        except (prawcore.PrawcoreException, ValueError, RecursionError) as error:
            raise _explained(error, listing) from None
    if not rows:
        raise UserError(f"{listing}: lists no submission now; run again later, or name another listing")
    with files.whole(path) as temporary:
        # ASCII, as dumps are: a title may have what UTF-8 cannot hold
        temporary.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows), "ascii")
    return len(rows)


def _client(user_agent: str) -> praw.Reddit:
    given = {
        "client_id": os.environ.get("REDDIT_CLIENT_ID"),
        "client_secret": os.environ.get("REDDIT_CLIENT_SECRET"),
        "reddit_url": (server := os.environ.get("WEBTEXT_REDDIT_URL")),
        "oauth_url": server,
    }
    settings: dict[str, Any] = {key: value for key, value in given.items() if value}
    try:
        return praw.Reddit(
            user_agent=user_agent, check_for_updates=False, requestor_class=_Requestor, **settings
        )
    except MissingRequiredAttributeException:
        raise UserError(
            "Reddit's API wants credentials: set REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET, or write praw.ini"
        ) from None


def _submissions(client: praw.Reddit, listing: Listing) -> Any:
    subreddit = client.subreddit(listing.subreddit)
    return getattr(subreddit, listing.order)(limit=listing.limit)


def _row(submission: Any) -> dict[str, Any]:
    """What the listing said; an attribute that it did not have would be fetched page by page."""
    facts = vars(submission)
    row = {field: facts[field] for field in _FIELDS if field in facts}
    return row | {"subreddit": str(facts.get("subreddit") or ""), "retrieved_utc": int(time.time())}


def _explained(error: Exception, listing: Listing) -> UserError | RunFailed:
    if isinstance(error, prawcore.OAuthException | prawcore.InvalidToken):
        return UserError(
            f"{listing}: Reddit refuses the credentials in REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET: {error}"
        )
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return UserError(f"{listing}: Reddit refuses REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET (401)")
    if status in (403, 451):
        return UserError(f"{listing}: the subreddit is private, quarantined or banned ({status})")
    if status == 404 or isinstance(error, prawcore.Redirect):
        return UserError(f"{listing}: there is no such subreddit")
    if isinstance(error, prawcore.TooManyRequests):
        wait = f"; it asks to wait {error.retry_after} s" if error.retry_after else ""
        return RunFailed(f"{listing}: Reddit allows no more requests now (429){wait}: run again later")
    return RunFailed(f"{listing}: Reddit's API failed: {error}: run again later")
