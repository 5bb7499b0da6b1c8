"""Links through PRAW, from a local server that speaks Reddit's API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines import crawl
from pipelines.request import Request
from tests.links.dumps import harvest, post
from webtext.corpus import Corpus
from webtext.errors import RunFailed, UserError
from webtext.links.listing import Listing
from webtext.links.reddit import save
from webtext.progress import Progress
from webtext.recipe import Recipe


class Reddit(ThreadingHTTPServer):
    """Read-only OAuth and listings in pages of at most 100, as documented at reddit.com/dev/api."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts = [post(f"p{n}", f"http://site{n}.example/", n) for n in range(250)]
        self.asked: list[str] = []
        self.says: bytes | None = None  # instead of a listing

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Reddit
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != "Basic aWQ6c2VjcmV0":  # id:secret
            return self.answer(401, {"message": "Unauthorized", "error": 401})
        return self.answer(
            200, {"access_token": "t", "token_type": "bearer", "expires_in": 86400, "scope": "*"}
        )

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.says is not None:
            return self.send(200, self.server.says, {})
        url = urlsplit(self.path)
        _, _, subreddit, order = url.path.split("/")
        status = {"private": 403, "busy": 429, "broken": 500}.get(subreddit, 200)
        if subreddit == "nowhere":
            return self.answer(302, {}, {"Location": f"{self.server.url}/subreddits/search?q=nowhere"})
        if status != 200:
            return self.answer(status, {"error": status}, {"Retry-After": "7"})
        query = parse_qs(url.query)
        assert order in ("new", "top", "hot") and query["raw_json"] == ["1"]
        names = [f"t3_{row['id']}" for row in self.server.posts]
        begin = names.index(query["after"][0]) + 1 if "after" in query else 0
        page = self.server.posts[begin : begin + min(int(query["limit"][0]), 100)]
        after = f"t3_{page[-1]['id']}" if begin + len(page) < len(names) else None
        children = [{"kind": "t3", "data": row | {"name": f"t3_{row['id']}"}} for row in page]
        return self.answer(200, {"kind": "Listing", "data": {"after": after, "children": children}})

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.send(status, json.dumps(body).encode(), headers or {})

    def send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def reddit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reddit]:
    monkeypatch.setattr("time.sleep", lambda _: None)  # PRAW waits between its attempts
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Reddit() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("WEBTEXT_REDDIT_URL", server.url)
        monkeypatch.setenv("REDDIT_CLIENT_ID", "id")
        monkeypatch.setenv("REDDIT_CLIENT_SECRET", "secret")
        yield server
        server.shutdown()


def test_a_listing_is_read_page_after_page_up_to_its_limit(reddit: Reddit, tmp_path: Path) -> None:
    assert save(Listing.parse("reddit:r/python/top?limit=120"), tmp_path / "x", "tests") == 120
    rows = [json.loads(line) for line in (tmp_path / "x").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"p{n}" for n in range(120)]
    assert rows[7]["url"] == "http://site7.example/" and rows[7]["score"] == 7
    assert rows[7]["subreddit"] == "programming" and rows[7]["retrieved_utc"] > 1_700_000_000
    assert [urlsplit(path).path for path in reddit.asked] == ["/r/python/top"] * 2


def test_links_are_made_of_a_listing_as_of_a_dump_and_it_is_asked_for_once(
    reddit: Reddit, tmp_path: Path
) -> None:
    for _ in range(2):
        manifest, links = harvest(tmp_path / "corpus", ["reddit:r/python/new?limit=50"])
    assert manifest.counts.as_json() == {"in": 50, "out": 47, "merged": 0, "dropped": {"karma": 3}}
    assert manifest.extra["sources"][0]["source"] == "reddit:r/python/new?limit=50"
    assert links[0]["submissions"][0]["subreddit"] == "programming"
    assert len(reddit.asked) == 1


def test_a_dry_run_asks_nobody_and_plans_with_the_listing_that_was_read(
    reddit: Reddit, tmp_path: Path
) -> None:
    listing, corpus = "reddit:r/python/new?limit=50", Request(tmp_path / "corpus")
    with pytest.raises(UserError, match="was not read yet, and a dry run asks nobody"):
        crawl.dry_run(corpus, [listing], Progress(quiet=True))
    assert reddit.asked == []
    harvest(tmp_path / "corpus", [listing])
    Corpus(tmp_path / "corpus").freeze(Recipe())
    asked = len(reddit.asked)
    assert crawl.dry_run(corpus, [listing], Progress(quiet=True))["links"] == 47
    assert len(reddit.asked) == asked


@pytest.mark.usefixtures("reddit")
@pytest.mark.parametrize(
    ("subreddit", "error", "says"),
    [
        ("private", UserError, "private, quarantined or banned"),
        ("nowhere", UserError, "no such subreddit"),
        ("busy", RunFailed, r"429\); it asks to wait 7 s"),
        ("broken", RunFailed, "run again later"),
    ],
)
def test_what_reddit_refuses_is_said(
    tmp_path: Path, subreddit: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        save(Listing.parse(f"reddit:r/{subreddit}/new"), tmp_path / "x", "tests")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"<html>",
        b"[" * 100_000,
        b'{"kind": "Listing", "data": {"after": null}}',
        b'{"kind": "Listing", "data": {"children": null}}',
        b'{"kind": "Listing", "data": {"children": [{}]}}',
        b'{"kind": "Listing", "data": {"children": [{"kind": "t3", "data": {}}]}}',
    ],
)
def test_an_answer_that_is_no_listing_is_not_kept(reddit: Reddit, tmp_path: Path, answer: bytes) -> None:
    reddit.says = answer
    with pytest.raises(RunFailed, match="run again later"):
        save(Listing.parse("reddit:r/python/new"), tmp_path / "x", "tests")
    assert not (tmp_path / "x").exists()


def test_an_empty_listing_is_not_kept(reddit: Reddit, tmp_path: Path) -> None:
    reddit.says = b'{"kind": "Listing", "data": {"after": null, "children": []}}'
    with pytest.raises(UserError, match="lists no submission now"):
        save(Listing.parse("reddit:r/python/rising"), tmp_path / "x", "tests")
    assert not (tmp_path / "x").exists()


def test_a_title_that_utf_8_cannot_hold_costs_its_character(reddit: Reddit, tmp_path: Path) -> None:
    reddit.posts = [post("a1", "http://a.example/", 9) | {"title": "half a \ud83d face"}]
    _, links = harvest(tmp_path / "corpus", ["reddit:r/python/new"])
    assert links[0]["submissions"][0]["title"] == "half a \ufffd face"


def test_wrong_credentials_are_said_to_be_wrong(
    reddit: Reddit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDDIT_CLIENT_SECRET", "wrong")
    with pytest.raises(UserError, match="REDDIT_CLIENT_SECRET"):
        save(Listing.parse("reddit:r/python"), tmp_path / "x", "tests")
    assert reddit.asked == []


def test_missing_credentials_are_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDDIT_CLIENT_ID", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="set REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET"):
        save(Listing.parse("reddit:r/python"), tmp_path / "x", "tests")


@pytest.mark.usefixtures("reddit")
def test_no_server_is_a_failure_to_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBTEXT_REDDIT_URL", "http://127.0.0.1:9")
    with pytest.raises(RunFailed, match="run again later"):
        save(Listing.parse("reddit:r/python"), tmp_path / "x", "tests")


@pytest.mark.parametrize(
    "wrong", ["reddit:python", "reddit:r/", "reddit:r/python/best", "reddit:r/python?limit=0"]
)
def test_a_listing_is_written_in_one_way(wrong: str) -> None:
    with pytest.raises(UserError, match="reddit:r/NAME"):
        Listing.parse(wrong)
