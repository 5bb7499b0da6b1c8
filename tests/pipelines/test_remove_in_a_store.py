"""`webtext remove` of a corpus in an object store leaves nothing there, nor on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import audit, crawl
from tests.object_store import BUCKET, ObjectStore, serving
from tests.pipelines.chains import url_list
from tests.pipelines.removals import QUIET, Built, Here, page
from tests.shards.corpora import prose
from webtext import files, store
from webtext.corpus import Corpus
from webtext.crawl.journal import Journal

pytestmark = pytest.mark.slow

TEXT = " ".join(prose("alone", 60).split(" ")[:12])


@pytest.fixture(scope="module")
def site() -> Iterator[ObjectStore]:
    with serving() as site:
        yield site


@pytest.fixture
def stored(site: ObjectStore, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    """The same corpus in a store; this machine has nothing of it."""
    assert not site.denied
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = store.folder_of(f"s3://{BUCKET}/{tmp_path.name}")
    for path in built.root.rglob("*"):
        place = store.of(root / path.relative_to(built.root))
        if place and path.is_file() and path.name != ".lock":
            place.write(path.read_bytes())
    return Built(root, built.one, built.two)


def in_the_store(site: ObjectStore, stored: Built, folder: Path) -> Built:
    return Built(site.downloaded(stored.root.name, folder), stored.one, stored.two)


def test_nothing_stays_in_the_store_nor_in_copies_that_this_machine_has_of_other_times(
    site: ObjectStore, stored: Built, tmp_path: Path
) -> None:
    archive, shard = "pages/warc/part-00001-0000.warc.gz", "shards/train-00000-of-00001.parquet"
    for name in (archive, shard, "documents/part-00001.parquet"):
        files.here(stored.root / name)
    for name, left in {
        shard: "shards/train-00000-of-00002.parquet",  # which another machine has replaced
        "documents/part-00001.parquet": "documents/pieces/measured-000000000-000000004.parquet",  # not put
        archive: "pages/warc/.part-00001-0000.warc.gz.77.tmp",  # half fetched
    }.items():
        (stored.root / left).parent.mkdir(exist_ok=True)
        (stored.root / left).write_bytes((stored.root / name).read_bytes())
    stored.remove(stored.one.url("/alone"))
    assert stored.holds(TEXT) == in_the_store(site, stored, tmp_path / "there").holds(TEXT) == []
    assert not (stored.root / "pages/warc/.part-00001-0000.warc.gz.77.tmp").exists()


def test_a_machine_that_has_nothing_of_a_corpus_plans_a_removal_and_tells_its_address(stored: Built) -> None:
    planned = stored.remove(stored.one.url("/alone"), dry_run=True)
    assert planned["links"] == 1
    assert planned["corpus"] == f"s3://{BUCKET}/{stored.root.name}"


def test_a_machine_that_has_nothing_of_a_corpus_audits_it(stored: Built, tmp_path: Path) -> None:
    found = audit.run(Corpus.open(stored.root), tmp_path / "out", QUIET)
    assert found["summary"][0]["count"] > 0


def test_what_an_unfinished_crawl_has_on_this_machine_alone_stays(
    stored: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.one.pages["/new"] = page("new")
    urls = [stored.one.url(path) for path in ("/alone", "/same", "/new")]
    links = str(url_list(tmp_path / "links.txt", urls))
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(Journal, "finish", lambda _: 1 / 0)
        crawl.run(Here(stored.root), [links], QUIET)
    stored.remove(stored.one.url("/alone"))
    crawl.run(Here(stored.root), [links], QUIET)
    assert stored.one.paths().count("/new") == 1
    assert stored.ledger()[stored.one.url("/new")] == ("pending", "pending")
