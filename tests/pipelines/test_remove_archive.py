"""`webtext remove` leaves nothing of a page in the archive: not in redirects, nor in tries that failed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from warcio.checker import Checker

from pipelines import archive_search, crawl
from pipelines import pages as partitioned
from tests.crawl.archive_site import warc_record
from tests.crawl.loopback import Page, Web
from tests.pipelines.chains import url_list
from tests.pipelines.removals import QUICK, QUIET, Built, Here, Killed, page
from tests.shards.corpora import prose
from webtext.crawl import crawler, recovery, scrub
from webtext.crawl import page as pages
from webtext.crawl.journal import Journal
from webtext.links import partitions

GONE = page("gone")
TEXT = " ".join(prose("gone", 60).split(" ")[:12])
RETRY = "crawl.retries=1"


@pytest.fixture
def corpus(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    monkeypatch.setattr(partitions, "MIN_PARTITIONS", 2)
    one, two = web.site(), web.site()
    one.pages["/stays"] = two.pages["/stays"] = page("stays")
    return Built(tmp_path / "corpus", one, two)


@pytest.fixture
def crawled(corpus: Built, tmp_path: Path) -> Callable[..., None]:
    def run(*paths: str, settings: tuple[str, ...] = (), **options: bool) -> None:
        urls = [corpus.one.url(path) for path in ("/stays", *paths)]
        links = url_list(tmp_path / "links.txt", [*urls, corpus.two.url("/stays")])
        crawl.run(Here(corpus.root, None, (*QUICK, *settings)), [str(links)], QUIET, **options)

    return run


def archived(corpus: Built, text: str = TEXT) -> list[str]:
    """The WARC files that have a text; all pass `warcio check`."""
    found = sorted((corpus.root / "pages" / "warc").iterdir())
    checker = Checker(type("Options", (), {"inputs": list(map(str, found)), "verbose": False})())
    checker.process_all()
    assert not checker.exit_value
    return [name for name in corpus.holds(text) if name.endswith(".warc.gz")]


def test_a_try_that_failed_with_the_text_in_its_body_goes_too(
    corpus: Built, crawled: Callable[..., None]
) -> None:
    corpus.one.pages["/gone"] = [Page(GONE.body, 500), GONE]
    crawled("/gone", settings=(RETRY,))
    result = corpus.remove(corpus.one.url("/gone"))
    assert result["archive"]["records"] == 6
    assert archived(corpus) == []
    assert archived(corpus, "stays")


def test_a_failure_that_a_later_crawl_replaced_goes_too(corpus: Built, crawled: Callable[..., None]) -> None:
    corpus.one.pages["/gone"] = [Page(GONE.body, 500), page("better")]
    crawled("/gone")
    crawled("/gone", retry_failed=True)
    assert archived(corpus)
    corpus.remove(corpus.one.url("/gone"))
    assert archived(corpus) == []


def test_what_an_earlier_number_of_partitions_archived_goes_too(
    corpus: Built, crawled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.one.pages["/gone"] = [Page(GONE.body, 500), page("better")]
    monkeypatch.setattr(partitions, "MIN_PARTITIONS", 8)
    crawled("/gone")
    monkeypatch.setattr(partitions, "MIN_PARTITIONS", 2)
    crawled("/gone", "/other")
    assert len(list((corpus.root / "pages").glob("part-*.parquet"))) == 2
    assert archived(corpus)
    corpus.remove(corpus.one.url("/gone"))
    assert archived(corpus) == []


def test_the_body_of_a_redirect_in_an_older_archive_goes_too(
    corpus: Built, crawled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "head_alone", lambda exchange: exchange)
    corpus.one.pages["/moved"] = Page(GONE.body, 302, (("Location", "/new"),))
    corpus.one.pages["/new"] = page("new")
    crawled("/moved")
    assert archived(corpus)
    corpus.remove(corpus.one.url("/moved"))
    assert archived(corpus) == []


def test_what_an_older_removal_left_goes_with_the_same_command(
    corpus: Built, crawled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.one.pages["/gone"] = [Page(b"", 302, (("Location", "/elsewhere"),)), GONE]
    corpus.one.pages["/elsewhere"] = Page(GONE.body, 500)
    crawled("/gone", settings=(RETRY,))
    with monkeypatch.context() as patch:
        patch.setattr(archive_search, "look", lambda *_: {})
        corpus.remove(corpus.one.url("/gone"))
    assert archived(corpus)
    assert corpus.remove(corpus.one.url("/gone"))["tombstones"] == 0  # it was set then
    assert archived(corpus) == []


def test_a_removal_that_is_killed_amid_a_record_is_finished(
    corpus: Built, crawled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.one.pages["/gone"] = [Page(GONE.body, 500), GONE]
    crawled("/gone", settings=(RETRY,))
    halves = iter([b"half of a record"])  # after which no reader finds what lies behind
    with monkeypatch.context() as patch, pytest.raises(StopIteration):
        patch.setattr(scrub, "empty_record", lambda *_: next(halves))
        corpus.remove(corpus.one.url("/gone"))
    corpus.remove(corpus.one.url("/gone"))
    assert archived(corpus) == []


@pytest.mark.parametrize("resumed", [True, False])
def test_a_journal_whose_table_was_written_when_its_crawl_was_killed_holds_no_record_back(
    corpus: Built, crawled: Callable[..., None], monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    corpus.one.pages["/gone"] = GONE
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(Journal, "remove", lambda _: 1 / 0)
        crawled("/gone")
    if resumed:
        crawled("/gone")
        assert not list((corpus.root / "pages").glob("*.journal.jsonl"))
    result = corpus.remove(corpus.one.url("/gone"))
    assert (result["archive"]["records"], result["archive"]["shared"]) == (3, 0)
    assert archived(corpus) == []


def test_what_another_link_met_at_the_address_goes_too(corpus: Built, crawled: Callable[..., None]) -> None:
    corpus.one.pages["/moves"] = [Page(b"", 302, (("Location", "/gone"),)), page("found")]
    corpus.one.pages["/gone"] = [Page(GONE.body, 500), page("gone", "later")]
    crawled("/moves", settings=(RETRY,))
    crawled("/moves", "/gone", settings=(RETRY,))
    corpus.remove(corpus.one.url("/gone"), copies=False)
    assert archived(corpus) == []
    assert corpus.ledger()[corpus.one.url("/moves")] == ("pending", "pending")


def test_what_a_link_of_a_domain_met_at_another_goes_with_the_domain(
    corpus: Built, crawled: Callable[..., None]
) -> None:
    corpus.one.pages["/gone"] = [Page(b"", 302, (("Location", corpus.two.url("/elsewhere")),)), page("found")]
    corpus.two.pages["/elsewhere"] = Page(GONE.body, 500)
    crawled("/gone", settings=(RETRY,))
    assert archived(corpus)
    corpus.remove(domains=("127.0.0.2",), copies=False)
    assert archived(corpus) == []


def test_a_try_before_a_crawl_was_killed_goes_with_a_removal_meanwhile(
    corpus: Built, crawled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.one.pages["/gone"] = [Page(GONE.body, 500), GONE]
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(crawler.Crawler, "end_turn", _killed_in_the_second_try(crawler.Crawler.end_turn))
        crawled("/gone", settings=(RETRY,))
    assert archived(corpus)
    corpus.remove(corpus.one.url("/gone"))
    crawled("/gone", settings=(RETRY,))
    assert archived(corpus) == []


def _killed_in_the_second_try(end_turn: Callable[..., None]) -> Callable[..., None]:
    def killed(self: crawler.Crawler, turn: crawler.Turn, *rest: object) -> None:
        if turn[1].attempts > 1:
            raise ZeroDivisionError
        end_turn(self, turn, *rest)

    return killed


def test_an_archive_that_is_gone_is_told_and_hinders_no_command(
    corpus: Built, crawled: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    corpus.one.pages["/gone"] = GONE
    crawled("/gone")
    (warc,) = (corpus.root / "pages" / "warc").glob("part-00001-*")
    kept = warc.rename(corpus.root.with_name("kept.warc.gz"))
    result = corpus.remove(corpus.one.url("/gone"))
    assert (result["archive"]["links"], result["archive"]["records"]) == (1, 0)
    assert f"{warc}: not there; should it be put back, give the same command again" in capsys.readouterr().err
    kept.rename(warc)
    corpus.remove(corpus.one.url("/gone"))
    assert archived(corpus) == []


def test_a_removal_that_was_killed_is_finished_though_an_archive_is_gone_since(
    corpus: Built, crawled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.one.pages["/gone"] = GONE
    crawled("/gone")
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(scrub, "empty_record", lambda *_: 1 / 0)
        corpus.remove(corpus.one.url("/gone"))
    shutil.rmtree(corpus.root / "pages" / "warc")
    corpus.remove(corpus.one.url("/gone"))
    assert corpus.ledger()[corpus.one.url("/gone")] == ("removed", "removed")


def test_what_an_archive_gave_to_a_killed_crawl_goes_when_that_ends(
    corpus: Built, crawled: Callable[..., None], tmp_path: Path, killed: Killed
) -> None:
    at = "2014-02-19T00:00:00Z"
    leads_on = (("Location", corpus.two.url("/elsewhere")),)
    moved = warc_record(corpus.one.url("/gone"), b"", at, status=302, headers=leads_on)
    (tmp_path / "a.warc.gz").write_bytes(moved + warc_record(corpus.two.url("/elsewhere"), GONE.body, at))
    source = f'crawl.sources=["warc:{tmp_path}/a.warc.gz", "live"]'
    killed(partitioned, "_write", lambda: crawled("/gone", settings=(source,)))
    assert archived(corpus)
    corpus.remove(corpus.one.url("/gone"))
    crawled("/gone", settings=(source,))
    assert archived(corpus) == []
    assert corpus.ledger()[corpus.one.url("/gone")] == ("removed", "removed")


def test_a_removed_link_is_not_looked_up_in_archives_when_a_killed_crawl_goes_on(
    corpus: Built, crawled: Callable[..., None], tmp_path: Path, killed: Killed
) -> None:
    corpus.one.pages["/gone"] = Page(b"", 500)
    record = warc_record(corpus.one.url("/gone"), GONE.body, "2014-02-19T00:00:00Z")
    (tmp_path / "a.warc.gz").write_bytes(record)
    source = f'crawl.sources=["live", "warc:{tmp_path}/a.warc.gz"]'
    killed(recovery, "recover", lambda: crawled("/gone", settings=(source,)))
    corpus.remove(corpus.one.url("/gone"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "look_up", lambda *_: 1 / 0)
        crawled("/gone", settings=(source,))
    assert corpus.ledger()[corpus.one.url("/gone")] == ("removed", "removed")
