"""How hosts are treated, as they see it themselves."""

import itertools
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import xxhash

from pipelines import pages
from tests.crawl.loopback import Crawled, Page, Web
from webtext import schemas
from webtext.crawl import host_history
from webtext.crawl.crawler import Crawler
from webtext.crawl.errands import Asks, Errand, Outcome
from webtext.crawl.host_history import GIVE_UP_AFTER
from webtext.crawl.journal import Journal
from webtext.crawl.page import Verdict
from webtext.crawl.retry_after import MAX_WAIT_S, asked_wait_s, back_off_s
from webtext.crawl.robots import FRESH_S, Rules
from webtext.crawl.tdmrep import Reservations
from webtext.crawl.tombstones import Tombstones
from webtext.sections import Crawl

DELAY_S = 0.15


def test_between_requests_lies_the_delay_whatever_they_are_for(web: Web, crawled: Crawled) -> None:
    sites = [web.site(a=Page(), b=Page(b"", 302, (("Location", "/a"),)), c=Page(b"", 404)) for _ in range(3)]
    urls = [site.url(path) for site in sites for path in ("/a", "/b", "/c", "/d")]
    crawled.crawl(urls, per_host_delay_s=DELAY_S)
    for site in sites:
        assert len(site.hits) == 7  # robots.txt, tdmrep.json, four links, one redirect's target
        assert min(site.gaps_s()) >= DELAY_S - 0.01


def test_many_hosts_at_once_each_see_the_delay(web: Web, crawled: Crawled) -> None:
    sites = [web.site(**{f"p{n}": Page() for n in range(3)}) for _ in range(40)]
    urls = [site.url(f"/p{n}") for site in sites for n in range(3)]
    rows = crawled.crawl(urls, per_host_delay_s=DELAY_S, threads=32)
    assert {row["state"] for row in rows.values()} == {"fetched"}
    assert {len(site.hits) for site in sites} == {5}
    assert min(gap for site in sites for gap in site.gaps_s()) >= DELAY_S - 0.01


def test_more_connections_to_a_host_keep_the_delay_too(web: Web, crawled: Crawled) -> None:
    site = web.site(**{f"p{n}": Page(delay_s=0.4) for n in range(4)})
    crawled.crawl(
        [site.url(f"/p{n}") for n in range(4)],
        per_host_connections=2,
        per_host_delay_s=DELAY_S,
        robots=False,
        opt_outs=False,
    )
    starts = sorted(hit.started for hit in site.hits)
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    assert min(gaps) >= DELAY_S / 2  # threads start a little early or late
    assert min(gaps) < 0.4  # they do overlap


def test_redirects_wait_for_their_target_hosts_turn(web: Web, crawled: Crawled) -> None:
    target = web.site(**{f"p{n}": Page() for n in range(4)})
    others = [web.site(page=Page(b"", 302, (("Location", target.url(f"/p{n}")),))) for n in range(4)]
    rows = crawled.crawl([other.url("/page") for other in others], per_host_delay_s=DELAY_S)
    assert {row["state"] for row in rows.values()} == {"fetched"}
    assert min(target.gaps_s()) >= DELAY_S - 0.01


def test_a_crawl_delay_is_kept(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page())
    site.pages["/robots.txt"] = Page(b"user-agent: *\ncrawl-delay: 0.4")
    crawled.crawl([site.url("/a"), site.url("/b")])
    assert min(site.gaps_s()) >= 0.39


def test_retry_after_is_kept(web: Web, crawled: Crawled) -> None:
    site = web.site()
    site.pages["/page"] = [Page(b"", 429, (("Retry-After", "2"),)), Page()]
    row = crawled.crawl([site.url("/page")], retries=1, robots=False, opt_outs=False)[site.url("/page")]
    assert (row["state"], row["attempts"]) == ("fetched", 2)
    assert site.gaps_s()[0] >= 1.99


def test_a_failing_host_is_asked_ever_more_rarely(web: Web, crawled: Crawled) -> None:
    site = web.site()
    site.pages["/page"] = [Page(b"", 503), Page(b"", 503), Page()]
    crawled.crawl([site.url("/page")], retries=2, robots=False, opt_outs=False)
    assert [round(gap) for gap in site.gaps_s()] == [1, 2]


def test_a_host_that_keeps_failing_is_given_up(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webtext.crawl.crawler.back_off_s", lambda _: 0.01)
    site = web.site()
    site.default = Page(b"", 500)
    urls = [site.url(f"/{n}") for n in range(20)]
    rows = crawled.crawl(urls, retries=0, robots=False, opt_outs=False)
    states = sorted(row["state"] for row in rows.values())
    assert states == ["host_gave_up"] * 12 + ["server_error"] * 8
    assert len(site.hits) == 8


def test_a_host_whose_name_nobody_resolves_for_now_is_given_up_too(
    crawled: Crawled, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def busy(name: str) -> list[str]:
        asked.append(name)
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr("webtext.crawl.dialer.system_lookup", busy)
    rows = crawled.crawl([f"http://busy.example/{n}" for n in range(20)], robots=False, opt_outs=False)
    assert len(asked) == GIVE_UP_AFTER
    assert sorted(row["state"] for row in rows.values()) == ["dns"] * 8 + ["host_gave_up"] * 12


def test_a_host_whose_name_nobody_has_is_not_called_one_that_was_given_up(
    crawled: Crawled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobodys(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr("webtext.crawl.dialer.system_lookup", nobodys)
    rows = crawled.crawl([f"http://gone.example/{n}" for n in range(20)], robots=False, opt_outs=False)
    assert {row["state"] for row in rows.values()} == {"dns"}


def test_a_crawl_that_goes_on_remembers_the_failures_before(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webtext.crawl.crawler.back_off_s", lambda _: 0.01)
    site = web.site()
    site.default = Page(b"", 500)
    urls = [site.url(f"/{n}") for n in range(20)]
    row = {
        "id": xxhash.xxh3_64_hexdigest(urls[0].encode()),
        "url": urls[0],
        "final_url": urls[0],
        "state": "server_error",
        "attempts": 6,
    }
    crawled.link(urls)
    [work] = pages.plan(crawled.corpus, crawled.recipe(robots=False, opt_outs=False, retries=0)).works
    with Journal(crawled.folder, "part-00000", work.key) as journal:
        journal.add(dict.fromkeys(schemas.PAGES.names) | row)
    rows = crawled.crawl(retries=0, robots=False, opt_outs=False)
    assert len(site.hits) == 2
    assert sum(row["state"] == "host_gave_up" for row in rows.values()) == 17


@pytest.mark.parametrize(("state", "attempts", "pause_s"), [("fetched", 1, 1.0), ("server_error", 2, 2.0)])
def test_a_crawl_that_goes_on_keeps_the_distance_to_what_it_asked_before(
    tmp_path: Path, state: str, attempts: int, pause_s: float
) -> None:
    url, at = "http://a.example/page", datetime.now(UTC)
    row = {"final_url": url, "state": state, "attempts": attempts, "fetched_at": at}
    with Journal(tmp_path, "part-00000", "key") as journal:
        journal.add(dict.fromkeys(schemas.PAGES.names) | row)
        errand, now = Errand(0, "id", url, url), time.monotonic()
        crawler = Crawler(Crawl(per_host_delay_s=1.0), [errand], {0: journal}, Tombstones())
        assert crawler.next_turn(now + pause_s - 0.5) is None
        assert crawler.next_turn(now + pause_s + 0.1)


FAILED: dict[str, Any] = {"state": "server_error", "attempts": 3}


@pytest.mark.parametrize(
    ("rows", "failures"),
    [
        ([FAILED, FAILED], 6),
        ([FAILED, {"state": "fetched", "attempts": 1}, FAILED], 3),
        ([FAILED, {"state": "robots", "attempts": 0}], 3),  # the host was not asked
        ([{"state": "host_gave_up", "attempts": 0}], GIVE_UP_AFTER),
        ([FAILED, {"state": "fetched", "attempts": 1, "asked": 2}], 3),  # an archive was
    ],
)
def test_failures_in_a_row_are_counted_over_an_interruption(
    tmp_path: Path, rows: list[dict[str, Any]], failures: int
) -> None:
    with Journal(tmp_path, "part-00000", "key") as journal:
        for row in rows:
            journal.add(dict.fromkeys(schemas.PAGES.names) | {"final_url": "http://a.example/"} | row)
        assert host_history.of({0: journal}).failures["a.example"] == failures


def test_a_clock_that_was_put_back_keeps_no_host_waiting_longer_than_its_pause() -> None:
    history = host_history.HostHistory(asked={"a.example": datetime.now(UTC) + timedelta(days=1)})
    assert history.due(delay_s=2.0)["a.example"] <= time.monotonic() + 2.0


def test_one_success_makes_up_for_the_failures_before(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webtext.crawl.crawler.back_off_s", lambda _: 0.01)
    site = web.site()
    site.default = ([Page(b"", 500)] * 7 + [Page()]) * 2
    rows = crawled.crawl([site.url(f"/{n}") for n in range(16)], robots=False, opt_outs=False)
    assert sorted(row["state"] for row in rows.values()) == ["fetched"] * 2 + ["server_error"] * 14


def asked(crawler: Crawler, now: float) -> list[Asks]:
    """What a host is asked for until it has answered for one more page."""
    found: list[Asks] = []
    while Asks.PAGE not in found:
        now += 60.0  # no pause is longer
        turn = crawler.next_turn(now)
        assert turn is not None
        found.append(turn[1].asks)
        rules, reservations = Rules(until=now + FRESH_S), Reservations()
        crawler.end_turn(turn, Outcome(Verdict("not_found"), "", 0, rules, reservations), now)
    return found


def test_what_a_site_allows_and_reserves_is_asked_again_after_a_day(tmp_path: Path) -> None:
    pages = [Errand(0, str(n), f"http://a.example/{n}", f"http://a.example/{n}") for n in range(3)]
    with Journal(tmp_path, "part-00000", "key") as journal:
        crawler, now = Crawler(Crawl(), pages, {0: journal}, Tombstones()), time.monotonic()
        everything = [Asks.ROBOTS, Asks.TDMREP, Asks.PAGE]
        assert asked(crawler, now) == everything
        assert asked(crawler, now + 23 * 3600) == [Asks.PAGE]
        assert asked(crawler, now + 25 * 3600) == everything


def test_a_failing_host_is_not_asked_sooner_than_its_crawl_delay(tmp_path: Path) -> None:
    page, now = Errand(0, "id", "http://a.example/", "http://a.example/"), time.monotonic()
    with Journal(tmp_path, "part-00000", "key") as journal:
        crawler = Crawler(Crawl(opt_outs=False), [page], {0: journal}, Tombstones())
        for outcome in (
            Outcome(Verdict("read"), "", rules=Rules(delay_s=20.0)),
            Outcome(Verdict("server_error", again=True), ""),
        ):
            turn = crawler.next_turn(now)
            assert turn is not None
            crawler.end_turn(turn, outcome, now)
            assert crawler.next_turn(now + 19.0) is None
            now += 20.0
        assert crawler.next_turn(now)


def test_the_user_agent_names_whom_to_write_to(web: Web, crawled: Crawled) -> None:
    site = web.site(page=Page())
    crawled.crawl([site.url("/page")], contact="me@example.org", user_agent="webtext/9")
    assert {hit.headers["User-Agent"] for hit in site.hits} == {"webtext/9 (+me@example.org)"}
    assert {hit.headers["Accept-Encoding"] for hit in site.hits} == {"gzip, deflate"}


def test_a_connection_is_kept_from_turn_to_turn(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = web.site(**{f"p{n}": Page() for n in range(9)})
    accepted = []
    take = site.server.get_request

    def counted() -> Any:
        accepted.append(take())
        return accepted[-1]

    monkeypatch.setattr(site.server, "get_request", counted)
    crawled.crawl([site.url(f"/p{n}") for n in range(9)])
    assert len(site.hits) == 11
    assert len(accepted) == 1


def test_no_cookie_is_sent_back(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(headers=(("Content-Type", "text/html"), ("Set-Cookie", "id=1"))), b=Page())
    crawled.crawl([site.url("/a"), site.url("/b")])
    assert not any("Cookie" in hit.headers for hit in site.hits)


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [(None, 0), ("0", 0), ("7", 7), (" 12 ", 12), ("999999999999999999", MAX_WAIT_S), ("-3", 0), ("soon", 0)],
)
def test_retry_after_is_seconds(value: str | None, wait_s: float) -> None:
    assert asked_wait_s(value) == wait_s


def test_retry_after_is_a_date() -> None:
    assert asked_wait_s(formatdate(time.time() + 100, usegmt=True)) == pytest.approx(100, abs=2)
    assert asked_wait_s(formatdate(time.time() - 100, usegmt=True)) == 0
    assert asked_wait_s("Fri, 31 Dec 9999 23:59:59 GMT") == MAX_WAIT_S
    assert asked_wait_s("Fri, 99 Dec 99999 23:59:59 GMT") == 0


def test_the_back_off_doubles_up_to_a_cap() -> None:
    assert [back_off_s(failures) for failures in (1, 2, 3, 7, 99)] == [1, 2, 4, 60, 60]
