"""`webtext explain --view` of pages of which there is nothing to show: a line each, and no file."""

import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import view
from tests.extract.web import Web, crawled, english
from webtext import parquet, schemas
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.links.canonical import link_id, registered_domain
from webtext.manifest import Counts, Manifest, Part
from webtext.recipe import Recipe, override

HERE, DEAD, UNASKED = (f"http://a.example/{name}" for name in ("here", "dead", "unasked"))


def corpus_of(root: Path, *settings: str) -> Corpus:
    """With a page that was fetched, one that was not, and a link that no crawl has come to."""
    corpus = crawled(root, [Web(HERE, english()), Web(DEAD, b"", state="not_found")])
    corpus.freeze(override(Recipe(), settings))
    table = corpus.table("links")
    rows = [
        {"id": link_id(url), "url": url, "domain": registered_domain(url)} for url in (HERE, DEAD, UNASKED)
    ]
    made = parquet.write(table.path(0), schemas.LINKS, [pa.Table.from_pylist(rows, schema=schemas.LINKS)])
    part = Part(table.path(0).name, "", made.rows, made.bytes, made.hash)
    table.publish(Manifest("links", 1, "", "", (part,), Counts(3, 3)))
    return corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return corpus_of(tmp_path / "corpus")


@pytest.mark.parametrize("url", [DEAD, UNASKED])
def test_a_link_that_was_not_fetched_has_no_page_to_show(corpus: Corpus, tmp_path: Path, url: str) -> None:
    with pytest.raises(UserError, match=f"{url}: was not fetched"):
        view.write(corpus.root, url, tmp_path / "view.html")
    assert not (tmp_path / "view.html").exists()


def test_a_page_whose_record_is_lost_wants_its_archive_back(corpus: Corpus, tmp_path: Path) -> None:
    (archive,) = (corpus.root / "pages" / "warc").iterdir()
    archive.write_bytes(b"")
    with pytest.raises(UserError, match=f"{HERE}: .*; put .*part-00000-0000.warc.gz back from a backup"):
        view.write(corpus.root, HERE, tmp_path / "view.html")


def breaks(*_: object) -> None:
    os._exit(3)


def fails(*_: object) -> None:
    raise ZeroDivisionError


def hangs(*_: object) -> None:
    time.sleep(100)


@pytest.mark.parametrize(
    ("extractor", "told"), [(breaks, "Broken"), (fails, "Raised"), (hangs, "TimeoutError")]
)
def test_a_page_that_breaks_the_extractor_is_told(
    corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    extractor: Callable[..., None],
    told: str,
) -> None:
    others = set(multiprocessing.active_children())  # of tests before
    monkeypatch.setattr(view, "side_by_side", extractor)
    monkeypatch.setattr(view, "TIMEOUT_S", 1.0 if extractor is hangs else view.TIMEOUT_S)
    with pytest.raises(UserError, match=rf"{HERE}: the page breaks the extractor \({told}\)"):
        view.write(corpus.root, HERE, tmp_path / "view.html")
    assert set(multiprocessing.active_children()) <= others


def test_a_page_in_no_encoding_is_told(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_shown", lambda *_: None)
    with pytest.raises(UserError, match=f"{HERE}: its bytes are no text in any encoding"):
        view.write(corpus.root, HERE, tmp_path / "view.html")


def test_a_page_is_shown_as_the_recipe_of_its_corpus_extracts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = corpus_of(tmp_path / "corpus", "extract.favor=recall")
    monkeypatch.setattr(view, "_shown", lambda page, section: f"{page.url} by {section.favor}")
    view.write(corpus.root, HERE, tmp_path / "view.html")
    assert (tmp_path / "view.html").read_text() == f"{HERE} by recall"


def test_a_view_that_cannot_be_written_names_its_file(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_shown", lambda *_: "a page")
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "view.html"
    with pytest.raises(UserError, match=f"{out}: cannot be written .*; name another file"):
        view.write(corpus.root, HERE, out)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_no_reason_to_name_another_file(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_shown", lambda *_: "a page")
    (tmp_path / "view.html").symlink_to("/dev/full")
    with pytest.raises(OSError, match=rf"No space left on device: '{tmp_path}/view.html'"):
        view.write(corpus.root, HERE, tmp_path / "view.html")


def test_what_a_killed_command_left_of_a_view_goes_with_the_next(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_shown", lambda *_: "a page")
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = tmp_path / f".view.html.{ended.pid}.tmp"
    left.touch()
    view.write(corpus.root, HERE, tmp_path / "view.html")
    assert not left.exists()


@pytest.mark.parametrize("out", ["", ".", "/"])
def test_a_view_is_no_directory(tmp_path: Path, out: str) -> None:
    with pytest.raises(UserError, match="a directory; name a file of it"):
        view.write(tmp_path, HERE, Path(out))


def test_a_view_goes_into_a_pipe_or_device_and_not_in_its_place(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_shown", lambda *_: "a page")
    reading, writing = os.pipe()
    (tmp_path / "stdout").symlink_to(f"/proc/self/fd/{writing}")
    view.write(corpus.root, HERE, tmp_path / "stdout")
    assert os.read(reading, 100) == b"a page"
    assert (tmp_path / "stdout").is_symlink()
    os.close(reading)
    os.close(writing)
