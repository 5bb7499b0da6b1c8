"""What a retry of failed links makes stale: only what reads something that it changed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import build_shards, crawl, status
from tests.crawl.loopback import Page, Web
from tests.pipelines.chains import url_list
from tests.pipelines.removals import QUICK, QUIET, Built, Here, page
from webtext.corpus import Corpus
from webtext.progress import Progress

OUTAGE = Page(b"later", 503)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    web, folder = Web(), tmp_path_factory.mktemp("retried")
    one, two = web.site(first=page("first"), second=page("second")), web.site(down=OUTAGE)
    listed = url_list(folder / "ours.txt", [one.url("/first"), one.url("/second"), two.url("/down")])
    crawl.run(Here(folder / "corpus", None, QUICK), [str(listed)], QUIET)
    build_shards.run(Here(folder / "corpus"), QUIET)
    yield Built(folder / "corpus", one, two)
    web.close()


@pytest.fixture
def built(original: Built, tmp_path: Path) -> Iterator[Built]:
    shutil.copytree(original.root, tmp_path / "corpus")
    yield Built(tmp_path / "corpus", original.one, original.two)
    original.two.pages["/down"] = OUTAGE


def retry(built: Built) -> list[str]:
    """Asks again for what failed; the tables that this makes stale."""
    crawl.run(Here(built.root), [], QUIET, retry_failed=True)
    corpus = Corpus(built.root)
    return [row["stage"] for row in status.stages(corpus, corpus.recipe()) if row["state"] != "current"]


def files_of(built: Built, *tables: str) -> dict[Path, tuple[int, int]]:
    paths = [path for table in tables for path in (built.root / table).rglob("*.*")]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def test_a_retry_that_recovers_nothing_makes_nothing_stale(built: Built) -> None:
    before, asked = built.ledger(), len(built.two.hits)
    assert retry(built) == []
    assert len(built.two.hits) > asked
    assert built.ledger() == before


def test_a_retry_where_nothing_failed_finds_the_pages_up_to_date(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    built.two.pages["/down"] = page("third")
    retry(built)
    capsys.readouterr()
    crawl.run(Here(built.root), [], Progress(), retry_failed=True)
    told = capsys.readouterr().err
    assert "pages: 0 links will be asked for again\npages: up to date\n" in told


def test_a_retry_says_that_the_pages_are_not_finished(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    crawl.run(Here(built.root), [], Progress(), retry_failed=True)
    told = capsys.readouterr().err
    assert "pages: 1 link will be asked for again (server_error 1)\n" in told
    assert "partitions to do, begun and not finished\n" in told


def test_another_failure_than_before_changes_no_shard_but_the_card(built: Built) -> None:
    built.two.pages["/down"] = Page(b"", 404)
    before = files_of(built, "shards", "tokens")
    assert "shards" in retry(built)
    build_shards.run(Here(built.root), QUIET)
    changed = [
        path.name for path, found in files_of(built, "shards", "tokens").items() if before[path] != found
    ]
    assert sorted(changed) == ["README.md", "_manifest.json"]
    card = (built.root / "shards" / "README.md").read_text()
    assert "server_error" not in card
    assert "not_found" in card


def test_a_page_that_a_retry_recovers_is_in_the_shards(built: Built) -> None:
    built.two.pages["/down"] = page("third")
    assert "shards" in retry(built)
    assert build_shards.run(Here(built.root), QUIET)["shards"]["out"] == 3
