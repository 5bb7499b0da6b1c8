from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import crawl_checks, page_groups, pages
from tests.crawl.loopback import Crawled
from webtext.errors import UserError
from webtext.sections import Crawl
from webtext.stage import Work


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sources": ["live", "waybak"]}, "crawl.sources: 'waybak' is unknown"),
        ({"sources": []}, "crawl.sources is empty"),
        ({"proxy": "127.0.0.1:80"}, "crawl.proxy"),
        ({"proxy": "https://127.0.0.1:80"}, "crawl.proxy"),
        ({"proxy": "socks5://127.0.0.1:80"}, "crawl.proxy"),
        ({"user_agent": "evil\r\nX: y"}, "crawl.user_agent"),
        ({"user_agent": ""}, "crawl.user_agent"),
        ({"contact": "mé"}, "crawl.contact"),
        ({"threads": 100_000_000}, "crawl.threads = 100000000 needs"),
    ],
)
def test_settings_that_cannot_work_are_named(
    crawled: Crawled, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        crawl_checks.settings(crawled.recipe(**settings))


@pytest.mark.parametrize("url", ["http://example.com/", "https://8.8.8.8/", "http://x.internal.org/"])
def test_a_public_host_is_not_asked_without_a_contact(crawled: Crawled, url: str) -> None:
    urls = ["http://127.0.0.1/", url]
    with pytest.raises(UserError, match=r"--set crawl\.contact=you@example\.org"):
        crawl_checks.contact(crawled.recipe(), urls)
    crawl_checks.contact(crawled.recipe(contact="me@example.org"), urls)


def test_no_contact_is_needed_for_this_machine_and_for_names_that_cannot_exist(crawled: Crawled) -> None:
    urls = ["http://127.0.0.5:8000/", "http://localhost/", "http://a.test/", "http://b.example/"]
    crawl_checks.contact(crawled.recipe(), urls)


def test_partitions_are_crawled_in_one_group_per_worker_of_about_the_same_size(crawled: Crawled) -> None:
    crawled.link([f"http://{n}.test/" for n in range(40)], partitions=8)
    plan = pages.plan(crawled.corpus, crawled.recipe())
    groups = plan.group(plan.works, 3)
    assert len(groups) == 3
    assert sorted(work.file for group in groups for work in group) == [work.file for work in plan.works]
    sizes = [sum(work.rows for work in group) for group in groups]
    assert max(sizes) - min(sizes) <= max(work.rows for work in plan.works)


def works_of(rows: int, count: int) -> list[Work]:
    item = pages.Item(Path(), 0, count, "", Crawl())
    return [Work(f"part-{n}", "", item, rows) for n in range(count)]


def test_groups_stay_small_enough_for_memory() -> None:
    works = works_of(400_000, 4)
    assert [len(group) for group in page_groups.plan_groups(works, 1)] == [1, 1, 1, 1]


def test_groups_stay_small_enough_for_the_limit_of_open_files() -> None:
    works = works_of(1, 4000)
    groups = page_groups.plan_groups(works, 2)
    assert max(map(len, groups)) <= page_groups.MAX_GROUP_PARTITIONS
    assert sum(map(len, groups)) == 4000


def test_as_many_threads_as_open_files_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, threads in ((10_000, 64), (256, 17), (50, 1)):
        monkeypatch.setattr(page_groups, "allow_open_files", lambda _, limit=limit: limit)
        assert page_groups.most_threads(Crawl()) == threads
    monkeypatch.setattr(page_groups, "allow_open_files", lambda _: 256)
    page_groups.check(Crawl(threads=17))
    with pytest.raises(UserError, match="threads = 18 needs"):
        page_groups.check(Crawl(threads=18))


def test_a_plan_depends_on_what_decides_and_not_on_manners(crawled: Crawled) -> None:
    crawled.link(["http://a.test/"])
    recipe = crawled.recipe()
    plan = pages.plan(crawled.corpus, recipe)
    same = pages.plan(crawled.corpus, crawled.recipe(threads=2, proxy="http://127.0.0.1:9", contact="x"))
    other = pages.plan(crawled.corpus, crawled.recipe(max_bytes=1))
    assert [work.key for work in same.works] == [work.key for work in plan.works]
    assert replace(same, works=()) == replace(plan, works=())
    assert [work.key for work in other.works] != [work.key for work in plan.works]
