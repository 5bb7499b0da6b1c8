"""`webtext crawl --dry-run`: what a crawl would take, of what there is to do."""

from pathlib import Path

import pytest

from pipelines import crawl
from pipelines.crawl_estimate import dry_run
from tests.crawl.loopback import Crawled, Page, Web
from tests.links.dumps import harvest, post
from tests.pipelines.removals import Here
from webtext import show_plan
from webtext.corpus import Corpus
from webtext.progress import Progress
from webtext.recipe import Recipe


def test_the_longest_host_is_told_with_its_time(crawled: Crawled) -> None:
    crawled.link([f"http://a.test/{n}" for n in range(9)] + ["http://b.test/"])
    told = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(per_host_delay_s=2.0))
    assert (told["links"], told["links_to_ask"], told["hosts"]) == (10, 10, 2)
    assert (told["longest_host"], told["longest_host_links"]) == ("a.test", 9)
    assert told["longest_host_seconds"] == 22  # robots.txt and tdmrep.json too


def test_a_plan_says_that_a_crawl_would_be_refused_for_want_of_a_contact(
    crawled: Crawled, capsys: pytest.CaptureFixture[str]
) -> None:
    crawled.link(["http://www.python.org/"])
    show_plan.crawl(dry_run(crawled.corpus, crawled.corpus, crawled.recipe()))
    told = "It would be refused: crawl.contact is not set, and www.python.org is a public host; "
    assert told in capsys.readouterr().out
    reachable = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(contact="me@example.org"))
    assert reachable["refused"] == ""


def test_without_links_nothing_is_estimated(crawled: Crawled) -> None:
    told = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(sources=["live", "wayback"]))
    assert (told["links"], told["estimated_seconds"], told["archives_share_at_most"]) == (0, 0, 0.0)


def test_what_was_fetched_is_not_planned_again(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page())
    crawled.crawl([site.url("/a"), site.url("/b"), site.url("/none")])
    again = dry_run(crawled.corpus, crawled.corpus, crawled.recipe())
    assert (again["links"], again["links_to_ask"]) == (3, 0)
    other = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(max_bytes=5_000_000))
    assert (other["links"], other["links_to_ask"], other["hosts"]) == (3, 1, 1)


def test_archives_after_the_live_web_may_take_the_dead_share_at_their_own_pace(crawled: Crawled) -> None:
    crawled.link([f"http://a.test/{n}" for n in range(1000)])
    told = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(sources=["live", "wayback"]))
    assert (told["archives_links_at_most"], told["archives_share_at_most"]) == (380, 0.38)
    assert told["archives_seconds_at_most"] == 380 * 2.5
    assert told["dead_share_source"].startswith("assumed")
    assert told["estimated_seconds"] == told["live_seconds"] + 950


def test_archives_before_the_live_web_are_asked_for_everything(crawled: Crawled) -> None:
    crawled.link([f"http://a.test/{n}" for n in range(100)])
    told = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(sources=["commoncrawl", "live"]))
    assert (told["archives_links_at_most"], told["archives_seconds_at_most"]) == (100, 300)


def test_the_dead_share_is_measured_where_the_web_was_asked(
    web: Web, crawled: Crawled, capsys: pytest.CaptureFixture[str]
) -> None:
    sites = [web.site(p0=Page(), p1=Page(), p2=Page()) for _ in range(30)]
    urls = [site.url(f"/p{n}") for site in sites for n in range(4)]
    crawled.crawl(urls, per_host_delay_s=0.0)
    crawled.corpus.freeze(crawled.recipe())
    told = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(sources=["live", "wayback"]))
    assert (told["links_to_ask"], told["dead_share"]) == (30, 0.25)
    assert told["dead_share_source"] == "measured on the 120 links of this corpus that were asked for"
    show_plan.crawl(told)
    assert "archives seconds at most" in capsys.readouterr().out


def test_a_retry_is_planned_of_what_failed_for_reasons_of_the_moment(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page(status=500))
    crawled.crawl([site.url("/a"), site.url("/b"), site.url("/none")], retries=0)
    again = dry_run(crawled.corpus, crawled.corpus, crawled.recipe(retries=0), retry_failed=True)
    assert (again["links"], again["links_to_ask"], again["hosts"]) == (3, 1, 1)


def test_other_rules_for_links_are_planned_with_the_sources_that_were_read(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    harvest(corpus, [[post("a", "http://a.test/", score=3), post("b", "http://b.test/", score=7)]])
    Corpus(corpus).freeze(Recipe())
    stricter = Here(corpus, settings=("links.min_karma=5",))
    assert crawl.dry_run(Here(corpus), [], Progress(quiet=True))["links"] == 2
    assert crawl.dry_run(stricter, [], Progress(quiet=True))["links"] == 1


def test_a_table_says_which_column_is_taken_for_which_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.csv").write_text("Link,date,likes,note\nhttp://a.test/,2014-09-01,7,x\n")
    source = f"{tmp_path}/x.csv?score=likes"
    told = crawl.dry_run(Here(tmp_path / "corpus"), [source], Progress(quiet=True))
    assert told["columns"] == {source: {"url": "Link", "score": "likes", "created_utc": "date"}}
    show_plan.crawl(told)
    taken = "takes url from `Link`, score from `likes`, created_utc from `date`"
    assert capsys.readouterr().out.startswith(f"{source}: {taken}\n")


def test_a_crawl_that_asks_no_archive_is_not_told_of_them(
    crawled: Crawled, capsys: pytest.CaptureFixture[str]
) -> None:
    crawled.link([f"http://a.test/{n}" for n in range(9)])
    show_plan.crawl(dry_run(crawled.corpus, crawled.corpus, crawled.recipe()))
    assert "archives" not in capsys.readouterr().out
    show_plan.crawl(dry_run(crawled.corpus, crawled.corpus, crawled.recipe(sources=["live", "wayback"])))
    assert "archives links at most" in capsys.readouterr().out
