"""`webtext remove` leaves nothing of a page in what killed and half-done commands left behind."""

from pathlib import Path

import pytest

from pipelines import build_shards, crawl, documents, own_archives, pages, removal, remove
from tests.crawl.loopback import Page
from tests.pipelines.chains import url_list
from tests.pipelines.removals import QUIET, Built, Here, Killed, page
from tests.shards.corpora import prose
from webtext.errors import UserError

BOTH = ("127.0.0.2", "127.0.0.3")  # domains of the corpus


def rebuild(built: Built, *settings: str) -> None:
    build_shards.run(Here(built.root, None, settings), QUIET)


def recrawl(built: Built, links: Path, *more: str) -> None:
    """Crawls the links of before and others."""
    urls = [row["url"] for row in built.rows("links", "url")]
    crawl.run(Here(built.root), [str(url_list(links, [*urls, *map(built.one.url, more)]))], QUIET)


def begin_of(word: str) -> str:
    return " ".join(prose(word, 60).split(" ")[:12])


def test_a_build_that_was_killed_before_its_first_partition_leaves_nothing_of_the_one_before(
    built: Built, killed: Killed
) -> None:
    killed(documents, "write_parts", lambda: rebuild(built, "extract.favor=recall"))
    built.remove(built.one.url("/alone"))
    assert built.holds(begin_of("alone")) == []
    assert "shards/train-00000-of-00001.parquet" in built.holds(begin_of("other"))


@pytest.mark.parametrize("lost", ["documents", "shards"])
def test_what_is_left_of_tables_that_the_user_deleted_goes_too(built: Built, lost: str) -> None:
    (built.root / lost / "_manifest.json").unlink()
    built.remove(built.one.url("/alone"))
    assert built.holds(begin_of("alone")) == []


def test_a_removal_that_leaves_no_more_than_examples_of_test_sets_leaves_no_shard(
    built: Built, tmp_path: Path
) -> None:
    tests = tmp_path / "tests.txt"
    tests.write_text(f"{prose('first', 60)}\n\n{prose('other', 60)}")
    rebuild(built, f'shards.decontaminate=["{tests}"]', "shards.decontaminate_threshold=0.1")
    result = built.remove(domains=("127.0.0.2",), copies=False)
    assert (result["after"]["documents"], result["after"]["tokens"]) == (0, 0)
    assert built.holds(begin_of("alone")) == []
    assert built.ledger()[built.two.url("/other")] == ("filtered", "contaminated")


@pytest.mark.parametrize("step", [(removal, "apply"), (remove, "_rebuild")])
def test_a_build_that_ends_the_removal_of_all_pages_leaves_no_shard(
    built: Built, killed: Killed, step: tuple[object, str]
) -> None:
    killed(*step, lambda: built.remove(domains=BOTH))
    for _ in range(2):
        with pytest.raises(UserError, match="no page was fetched: 9 links, 9 removed"):
            rebuild(built)
        assert list(built.root.glob("shards/*.parquet")) == list(built.root.glob("tokens/*.bin")) == []


def test_what_a_killed_audit_left_goes_too(built: Built) -> None:
    left = built.root / "audit" / ".report.html.77.tmp"
    left.parent.mkdir()
    left.write_text("of a page that goes")
    built.remove(built.one.url("/alone"))
    assert not left.exists()


def test_a_report_of_shards_from_before_a_removal_goes_with_them(built: Built, killed: Killed) -> None:
    killed(remove, "_rebuild", lambda: built.remove(built.one.url("/alone")))
    report = built.root / "audit" / "report.html"
    report.parent.mkdir()
    report.write_text("of the shards that are still there")
    rebuild(built)
    assert not report.exists()
    report.write_text("of those without the page")
    rebuild(built)
    assert report.exists()


def test_documents_amid_an_unfinished_crawl_lose_the_page_at_once(
    built: Built, tmp_path: Path, killed: Killed
) -> None:
    built.one.pages |= {"/new": page("new"), "/newer": page("newer")}
    recrawl(built, tmp_path / "some.txt", "/new")
    killed(pages, "_write", lambda: recrawl(built, tmp_path / "more.txt", "/new", "/newer"))
    assert built.remove(built.one.url("/alone"))["crawl_unfinished"]
    assert built.holds(begin_of("alone")) == ["shards/train-00000-of-00001.parquet"]
    assert "documents/part-00001.parquet" in built.holds(begin_of("same"))
    recrawl(built, tmp_path / "more.txt", "/new", "/newer")
    rebuild(built)
    assert built.holds(begin_of("alone")) == []


def test_tries_for_a_link_that_is_none_any_more_go_from_the_archive(built: Built, tmp_path: Path) -> None:
    built.one.pages["/bad"] = Page(page("bad").body, 500)
    recrawl(built, tmp_path / "with.txt", "/bad")
    crawl.run(Here(built.root), [str(url_list(tmp_path / "without.txt", [built.one.url("/alone")]))], QUIET)
    assert built.holds(begin_of("bad"))
    result = built.remove(built.one.url("/bad"))
    assert (result["not_found"], result["archive"]["records"]) == ([built.one.url("/bad")], 3)
    assert built.holds(begin_of("bad")) == []


@pytest.mark.parametrize("asked", [{"domains": ("127.0.0.2",)}, {}])
def test_a_page_that_an_unfinished_crawl_has_fetched_goes_at_once_from_the_archive_and_stays_out(
    built: Built, tmp_path: Path, killed: Killed, asked: dict[str, tuple[str, ...]]
) -> None:
    built.one.pages |= {"/new": page("new"), "/newer": page("newer")}
    killed(pages, "_write", lambda: recrawl(built, tmp_path / "more.txt", "/new", "/newer"))
    built.remove(*([] if asked else [built.one.url("/new")]), **asked)
    assert built.holds(begin_of("new")) == []
    recrawl(built, tmp_path / "more.txt", "/new", "/newer")
    assert built.ledger()[built.one.url("/new")] == ("removed", "removed")
    assert built.holds(begin_of("new")) == []
    assert built.one.paths().count("/new") == 1


def test_what_was_fetched_before_a_killed_crawl_that_tries_failures_again_goes_too(
    built: Built, tmp_path: Path, killed: Killed
) -> None:
    built.one.pages["/bad"] = Page(page("bad").body, 500)
    recrawl(built, tmp_path / "with.txt", "/bad")
    rebuild(built)
    again = Here(built.root)
    killed(own_archives, "make_listings", lambda: crawl.run(again, [], QUIET, retry_failed=True))
    assert built.remove(built.one.url("/alone"))["crawl_unfinished"]
    assert built.holds(begin_of("alone")) == ["shards/train-00000-of-00001.parquet"]
    crawl.run(again, [], QUIET)
    rebuild(built)
    assert built.holds(begin_of("alone")) == []


def test_a_recipe_that_refuses_all_documents_costs_no_shard_where_nothing_was_removed(built: Built) -> None:
    with pytest.raises(UserError, match="no document is left"):
        rebuild(built, "filter.min_tokens=100000")
    assert "shards/train-00000-of-00001.parquet" in built.holds(begin_of("alone"))
