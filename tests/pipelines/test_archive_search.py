"""The archives of a corpus are searched by all workers for what was removed."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from pipelines import archive_search, crawl
from pipelines.archive_search import Item, Place, Records, look, look_through
from tests.crawl.loopback import Page, Web
from tests.pipelines.chains import url_list
from tests.pipelines.removals import QUICK, QUIET, Here
from webtext.corpus import Corpus
from webtext.crawl import tombstones
from webtext.crawl.tombstones import Tombstone
from webtext.crawl.warc_exchanges import exchanges
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine

FILE = "warc/part-00000-0000.warc.gz"


@pytest.fixture
def corpus(web: Web, tmp_path: Path) -> Corpus:
    """Three addresses on a host, of which one is named; the archive is there under three names."""
    site = web.site()
    site.pages |= {f"/{name}": Page(name.encode() * 900) for name in ("a", "b", "c")}
    links = url_list(tmp_path / "links.txt", [site.url(path) for path in site.pages])
    crawl.run(Here(tmp_path / "corpus", None, QUICK), [str(links)], QUIET)
    found = Corpus(tmp_path / "corpus")
    (archive,) = (found.root / "pages/warc").iterdir()
    for number in range(3):
        archive.with_name(f"part-00000-000{number}.warc.gz").write_bytes(archive.read_bytes())
    if archive.name != Path(FILE).name:
        archive.unlink()
    tombstones.add(found.root, [Tombstone("url", site.url("/b"), "2026-01-01", "asked for")])
    return found


def sizes(corpus: Corpus) -> dict[str, int]:
    return {f"warc/{path.name}": path.stat().st_size for path in (corpus.root / "pages/warc").iterdir()}


def test_what_is_named_is_found_in_each_archive_by_any_number_of_workers(corpus: Corpus) -> None:
    alone = look(corpus, InlineEngine(), sizes(corpus), [], set(), QUIET)
    assert sorted(file for file, _ in alone) == sorted(sizes(corpus))
    with LocalEngine(2) as two:
        assert look(corpus, two, sizes(corpus), [], set(), QUIET) == alone


def search(corpus: Corpus, links: Iterable[str] = (), places: Iterable[Place] = ()) -> Records:
    return look_through(Item(corpus.root, (FILE,), frozenset(links), frozenset(places)), lambda *_: None)


def test_what_goes_is_found_with_all_its_records(corpus: Corpus) -> None:
    stored = sorted(exchanges(corpus.root / "pages", FILE), key=lambda each: each.url)
    a, b, c = [((FILE, each.records[0].offset), each) for each in stored if each.link_id]
    assert search(corpus) == {b[0]: b[1].records}  # it is named
    assert search(corpus, links=[str(a[1].link_id)]).keys() == {a[0], b[0]}
    assert search(corpus, places=[c[0]]) == {b[0]: b[1].records, c[0]: c[1].records}
    assert len(c[1].records) == 3  # response, request, metadata


def test_the_bytes_that_were_read_are_told_as_they_are_read(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_search, "TELL_BYTES", 100)
    told: list[int] = []
    look_through(Item(corpus.root, (FILE,), frozenset(), frozenset()), lambda rows, *_: told.append(rows))
    assert len(told) > 2 and sum(told) == sizes(corpus)[FILE]
