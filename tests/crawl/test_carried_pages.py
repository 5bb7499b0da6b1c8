"""What was fetched once is not asked for again, whatever changes; what failed is, when it may matter."""

import pytest

from pipelines import pages
from tests.crawl.loopback import Crawled, Page, Web
from webtext import files, stage
from webtext.crawl import carry
from webtext.crawl.warc import read_response
from webtext.errors import UserError


def test_a_second_run_asks_for_nothing(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page())
    before = crawled.crawl([site.url("/a"), site.url("/none")])
    asked = len(site.hits)
    assert crawled.crawl() == before
    assert len(site.hits) == asked


def test_rows_stand_in_the_order_of_their_links_whenever_they_came(web: Web, crawled: Crawled) -> None:
    sites = [web.site(a=Page()) for _ in range(4)]
    crawled.link([site.url("/a") for site in sites])
    links = crawled.corpus.table("links").read("part-00000.parquet", ["url"])["url"].to_pylist()
    slow = next(site for site in sites if site.url("/a") == links[0])
    slow.pages["/a"] = Page(delay_s=0.5)
    assert list(crawled.crawl()) == links


def test_manners_may_change_without_another_request(web: Web, crawled: Crawled) -> None:
    site = web.site()
    crawled.crawl([site.url("/none")])
    asked = len(site.hits)
    crawled.crawl(threads=3, per_host_delay_s=0.5, contact="me@example.org", per_host_connections=2)
    assert len(site.hits) == asked


def test_another_rule_asks_again_only_for_what_failed(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(b"<p>first"), big=Page(b"x" * 5000))
    urls = [site.url("/a"), site.url("/big")]
    assert crawled.crawl(urls, max_bytes=1000)[urls[1]]["state"] == "too_large"
    site.pages["/a"] = Page(b"<p>second")
    rows = crawled.crawl(max_bytes=9000)
    assert [rows[url]["state"] for url in urls] == ["fetched", "fetched"]
    assert site.paths().count("/a") == 1
    first = rows[urls[0]]
    stored = read_response(crawled.folder, first["warc_file"], first["warc_offset"], 1000)
    assert stored.body == b"<p>first"


def test_new_links_leave_the_old_pages_alone(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page())
    crawled.crawl([site.url("/a")])
    rows = crawled.crawl([site.url("/a"), site.url("/b")])
    assert {row["state"] for row in rows.values()} == {"fetched"}
    assert site.paths().count("/a") == 1


def test_a_copy_of_a_table_beside_the_tables_is_none_of_them(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page())
    crawled.crawl([site.url("/a")])
    table = next(path for path in crawled.folder.glob("part-*.parquet"))
    (crawled.folder / "part-old.parquet").write_bytes(table.read_bytes())
    rows = crawled.crawl([site.url("/a"), site.url("/b")])
    assert {row["state"] for row in rows.values()} == {"fetched"}
    assert site.paths().count("/a") == 1


def test_a_link_that_comes_back_finds_its_page(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page())
    crawled.crawl([site.url("/a"), site.url("/b")])
    assert len(crawled.crawl([site.url("/b")])) == 1
    assert len(crawled.crawl([site.url("/a"), site.url("/b")])) == 2
    assert site.paths().count("/a") == 1


def test_a_page_whose_link_goes_twice_is_kept_once(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page(), b=Page())
    for _ in range(2):
        crawled.crawl([site.url("/a"), site.url("/b")])
        crawled.crawl([site.url("/b")])
    (attic,) = (crawled.folder / carry.ATTIC).iterdir()
    assert carry.read(attic, ["url"])["url"].to_pylist() == [site.url("/a")]


def test_pages_move_with_their_links_to_another_number_of_partitions(web: Web, crawled: Crawled) -> None:
    sites = [web.site(a=Page()) for _ in range(12)]
    urls = [site.url("/a") for site in sites]
    for partitions in (4, 8, 2, 4):
        crawled.link(urls, partitions)
        assert {row["state"] for row in crawled.crawl().values()} == {"fetched"}
    assert all(site.paths().count("/a") == 1 for site in sites)


def test_pages_outlive_the_partitions_that_fewer_links_do_without(web: Web, crawled: Crawled) -> None:
    sites = [web.site(a=Page()) for _ in range(12)]
    urls = [site.url("/a") for site in sites]
    for few, partitions in ((12, 8), (1, 2), (2, 1), (12, 4), (1, 1), (12, 8)):
        crawled.link(urls[:few], partitions)
        assert {row["state"] for row in crawled.crawl().values()} == {"fetched"}
    assert all(site.paths().count("/a") == 1 for site in sites)


def test_pages_outlive_a_kill_before_their_partition_is_dropped(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = [web.site(a=Page()) for _ in range(12)]
    urls = [site.url("/a") for site in sites]
    crawled.link(urls, 8)
    crawled.crawl()
    crawled.link(urls[:1], 1)
    for module, killed in ((carry, "_keep"), (stage, "_drop_strays"), (files, "remove")):
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr(module, killed, lambda *_: 1 / 0)
            crawled.crawl()
    crawled.crawl()
    crawled.link(urls, 8)
    assert len(crawled.crawl()) == 12
    assert all(site.paths().count("/a") == 1 for site in sites)


@pytest.mark.parametrize("partitions", [2, 4, 8])
def test_what_a_killed_crawl_fetched_is_kept_for_another_number_of_partitions(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    sites = [web.site(a=Page()) for _ in range(12)]
    urls = [site.url("/a") for site in sites]
    crawled.link(urls, 4)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(pages, "_write", lambda *_: 1 / 0)
        crawled.crawl()
    crawled.link(urls if partitions != 4 else urls[1:], partitions)
    crawled.crawl()
    crawled.link(urls, partitions)
    assert {row["state"] for row in crawled.crawl().values()} == {"fetched"}
    assert all(site.paths().count("/a") == 1 for site in sites)
    assert not list(crawled.folder.glob("*.journal.jsonl"))


def test_the_hash_of_a_partition_forgets_times_and_places(web: Web, crawled: Crawled) -> None:
    site = web.site(a=Page())
    crawled.crawl([site.url("/a")])
    table = crawled.corpus.table("pages")
    [first] = table.finished()
    (table.folder / "_manifest.json").unlink()
    (table.folder / "part-00000.parquet").unlink()
    crawled.crawl()
    [second] = table.finished()
    assert site.paths().count("/a") == 2
    assert first.hash == second.hash
    assert first.extra["file_hash"] != second.extra["file_hash"]
    assert first.extra[pages.CAPTURES] != second.extra[pages.CAPTURES]


@pytest.mark.parametrize("where", ["its end", "its middle"])
def test_a_damaged_table_is_named_and_not_asked_for_again_unbidden(
    web: Web, crawled: Crawled, where: str
) -> None:
    site = web.site(a=Page())
    crawled.crawl([site.url("/a")])
    asked = len(site.hits)
    for path in crawled.corpus.table("pages").folder.glob("part-*.parquet"):
        whole = path.read_bytes()
        path.write_bytes(whole[:100] if where == "its end" else whole[:4] + bytes(1000) + whole[1004:])
    (crawled.corpus.table("pages").folder / "_manifest.json").unlink()
    with pytest.raises(UserError, match="delete it to fetch its pages again"):
        crawled.crawl()
    assert len(site.hits) == asked
