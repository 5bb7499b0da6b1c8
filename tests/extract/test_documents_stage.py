"""Pages → documents, with a real archive, a real child process and real Parquet."""

import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import documents, measuring
from tests.extract.web import CAPTURED, Web, crawled, english
from webtext import parquet, stage
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.errors import UserError
from webtext.extract import libraries
from webtext.manifest import Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe, override
from webtext.sections import Extract
from webtext.table import partition_name

GERMAN = (
    "Der Leuchtturmwärter schrieb jeden Abend einen kurzen Brief, bevor er die Treppe zum Licht hinaufstieg. "
)
PAGES = (
    Web("http://a.example.org/letter", english(), charset="utf-8"),
    Web("http://b.example.org/short", english(paragraphs=1)),
    Web("http://c.example.org/german", f"<p>{GERMAN * 20}</p><p>Ende</p>".encode()),
    Web("http://d.example.org/empty", b"<html><body></body></html>"),
    Web("http://e.example.org/pdf", b"%PDF-1.7 and so on"),
    Web("http://f.example.org/plain", english().replace(b"<", b" ").replace(b">", b" "), "text/plain"),
    Web("https://en.wikipedia.org/wiki/Lighthouse", english(title="Lighthouse")),
    Web("http://g.example.org/gone", b"", state="not_found"),
)
VERDICTS = {
    "http://a.example.org/letter": "keep",
    "http://b.example.org/short": "too_short",
    "http://c.example.org/german": "language",
    "http://d.example.org/empty": "no_text",
    "http://e.example.org/pdf": "undecodable",
    "http://f.example.org/plain": "keep",
    "https://en.wikipedia.org/wiki/Lighthouse": "wikipedia",
}


def build(corpus: Corpus, *settings: str, workers: int = 0) -> Manifest:
    """Runs the stage; in this process unless workers are asked for."""
    plan = documents.plan(corpus, override(Recipe(), settings))
    if workers:
        with LocalEngine(workers) as engine:
            return stage.run(corpus, engine, plan, Progress(quiet=True))
    return stage.run(corpus, InlineEngine(), plan, Progress(quiet=True))


def rows(corpus: Corpus, number: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = corpus.table("documents").read(partition_name(number)).to_pylist()
    return found


def test_every_fetched_page_becomes_a_row_with_its_verdict(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    assert {row["url"]: row["verdict"] for row in rows(corpus)} == VERDICTS


def test_rows_are_sorted_by_id(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    ids = [row["id"] for row in rows(corpus)]
    assert ids == sorted(ids)


def test_counts_balance_and_name_each_verdict(tmp_path: Path) -> None:
    counts = build(crawled(tmp_path, PAGES[:4], PAGES[4:])).counts
    assert (counts.into, counts.out, counts.merged) == (7, 2, 0)
    dropped = dict.fromkeys(("too_short", "language", "no_text", "undecodable", "wikipedia"), 1)
    assert counts.dropped == dropped


def test_details_name_the_value_and_the_threshold(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[1:2])
    build(corpus)
    (row,) = rows(corpus)
    assert row["detail"] == f"pretokens {row['pretokens']} < 128"


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    one = crawled(tmp_path / "one", PAGES[:3], PAGES[3:])
    two = crawled(tmp_path / "two", PAGES[:3], PAGES[3:])
    build(one)
    build(two, workers=2)
    for number in (0, 1):
        first, second = (corpus.table("documents").path(number).read_bytes() for corpus in (one, two))
        assert first == second


@pytest.mark.parametrize("version", ["EXTRACTOR_VERSION", "MEASURES_VERSION", "RULES_VERSION"])
def test_another_version_of_the_extractor_makes_documents_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    corpus = crawled(tmp_path, PAGES[:1])
    build(corpus)
    monkeypatch.setattr(documents, version, getattr(documents, version) + 1)
    standing = stage.standing(corpus, documents.plan(corpus, Recipe()))
    assert standing.why == "1 of 1 partitions to do, code version changed"


def test_a_new_threshold_is_applied_to_the_columns_without_the_archive(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    shutil.rmtree(tmp_path / "pages" / "warc")
    build(corpus, "filter.min_tokens=10", 'filter.languages=["en","de"]')
    kept = [row["url"] for row in rows(corpus) if row["verdict"] == "keep"]
    assert len(kept) == 4


def test_a_new_threshold_gives_the_bytes_of_a_full_extraction(tmp_path: Path) -> None:
    again, full = crawled(tmp_path / "again", PAGES), crawled(tmp_path / "full", PAGES)
    build(again)
    build(again, "filter.min_tokens=100000")
    build(full, "filter.min_tokens=100000")
    assert again.table("documents").path(0).read_bytes() == full.table("documents").path(0).read_bytes()


def test_a_killed_change_of_thresholds_goes_on_without_the_archive(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    (tmp_path / "documents" / "_manifest.json").unlink()  # as a killed run leaves the folder
    (tmp_path / "documents" / "_journal.jsonl").touch()
    shutil.rmtree(tmp_path / "pages" / "warc")
    assert build(corpus, "filter.min_tokens=10").counts.out == 3


def test_documents_do_not_depend_on_what_shards_mask(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    masking = documents.plan(corpus, override(Recipe(), ["filter.mask_pii=true"]))
    assert stage.standing(corpus, masking).current


def named(corpus: Corpus) -> set[tuple[str, ...]]:
    """The versions of lxml that partitions of documents name: in the manifest, as in their files."""
    table = corpus.table("documents")
    manifest = table.manifest()
    assert manifest
    for part in manifest.partitions:
        assert part.extra["libraries"] == libraries.of_files([table.folder / part.file])
    return {tuple(part.extra["libraries"]["lxml"]) for part in manifest.partitions}


def test_a_partition_names_the_libraries_that_made_it(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[:1])
    build(corpus)
    assert named(corpus) == {(version("lxml"),)}


def test_texts_that_stand_keep_the_libraries_that_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["1.0"]})
    corpus = crawled(tmp_path, PAGES[:2])
    build(corpus)
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["2.0"]})
    build(corpus, "filter.min_words=1")
    assert named(corpus) == {("1.0",)}
    build(corpus, "extract.favor=recall")
    assert named(corpus) == {("2.0",)}


def test_records_that_are_read_later_name_the_libraries_of_then_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["1.0"]})
    corpus = crawled(tmp_path, PAGES[:2])
    (tmp_path / "pages" / "warc").rename(tmp_path / "elsewhere")
    build(corpus)
    (tmp_path / "elsewhere").rename(tmp_path / "pages" / "warc")
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["2.0"]})
    build(corpus)
    assert named(corpus) == {("1.0", "2.0")}


def test_a_removal_keeps_the_libraries_that_made_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["1.0"]})
    corpus = crawled(tmp_path, PAGES[:2])
    corpus.freeze(Recipe())
    build(corpus)
    monkeypatch.setattr(libraries, "here", lambda: {"lxml": ["2.0"]})
    documents.forget(corpus, {rows(corpus)[0]["id"]})
    assert libraries.of_files([corpus.table("documents").path(0)]) == {"lxml": ["1.0"]}


def test_another_extraction_reads_the_archive_again(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    build(corpus, "extract.max_chars=400")
    letter = next(row for row in rows(corpus) if row["url"] == PAGES[0].url)
    assert 200 < letter["chars"] <= 400
    assert letter["detail"].startswith("pretokens")
    assert letter["cut_chars"] > 0


def test_other_content_of_a_page_is_measured_again(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, [Web("http://a.example.org/", english(title="Before"))])
    build(corpus)
    corpus = crawled(tmp_path, [Web("http://a.example.org/", english(title="After"))])
    build(corpus)
    assert [row["title"] for row in rows(corpus)] == ["After"]


@pytest.mark.parametrize(
    ("column", "value", "anew"),
    [
        ("url", "http://a.example.org/other", True),
        ("final_url", "https://en.wikipedia.org/wiki/Lighthouse", True),
        ("content_type", "text/plain", True),
        ("charset", "koi8-r", True),
        ("sha256", "0" * 64, True),
        ("captured_at", CAPTURED.replace(year=2021), True),
        ("captured_at", CAPTURED.replace(month=12), False),  # the same page, crawled another day
        ("warc_offset", 12_345, False),
    ],
)
def test_measures_depend_on_what_a_page_says_and_not_on_where_it_lies(
    tmp_path: Path, column: str, value: object, anew: bool
) -> None:
    pages = measuring.fetched(crawled(tmp_path, PAGES[:1]), partition_name(0))
    other = pa.Table.from_pylist([pages.to_pylist()[0] | {column: value}], schema=pages.schema)
    assert (measuring.measures(other, Extract()) != measuring.measures(pages, Extract())) is anew


def test_no_date_after_the_year_of_the_capture_is_believed(tmp_path: Path) -> None:
    head = b"<html><head><meta name=date content='%s'>"
    dated = [english().replace(b"<html><head>", head % day) for day in (b"2020-12-31", b"2021-01-01")]
    corpus = crawled(tmp_path, [Web(f"http://a.example.org/{n}", body) for n, body in enumerate(dated)])
    build(corpus)
    assert {row["url"][-1]: row["published"] for row in rows(corpus)} == {"0": "2020-12-31", "1": None}


def test_a_page_is_judged_by_the_address_that_it_came_from(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[:1])
    pages = measuring.fetched(corpus, partition_name(0))
    moved = pages.to_pylist()[0] | {"final_url": "https://en.wikipedia.org/2019/05/06/Lighthouse"}
    (made,) = measuring.measured_now(corpus, pa.Table.from_pylist([moved], schema=pages.schema), Extract())
    (row,) = made.to_pylist()
    assert (row["wikipedia_domain"], row["published"]) == (True, "2019-05-06")


def test_a_lost_record_costs_its_page_only(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[:1], PAGES[5:6])
    (tmp_path / "pages" / "warc" / "part-00000-0000.warc.gz").unlink()
    build(corpus)
    assert [rows(corpus, number)[0]["verdict"] for number in (0, 1)] == ["lost_record", "keep"]


def test_a_lost_record_whose_file_is_put_back_is_read_by_the_next_build(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES, PAGES[5:6])
    build(corpus)
    path, warc = corpus.table("documents").path(0), tmp_path / "pages" / "warc"
    whole = path.read_bytes()
    shutil.rmtree(tmp_path / "documents")
    warc.rename(tmp_path / "elsewhere")
    build(corpus)
    assert {row["verdict"] for row in rows(corpus)} == {"lost_record"}
    assert stage.standing(corpus, documents.plan(corpus, Recipe())).current
    (tmp_path / "elsewhere").rename(warc)
    standing = stage.standing(corpus, documents.plan(corpus, Recipe()))
    assert len(standing.todo) == 2
    build(corpus)
    assert path.read_bytes() == whole
    assert stage.standing(corpus, documents.plan(corpus, Recipe())).current


def test_texts_whose_archive_is_gone_are_not_given_up_for_another_extraction(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[:2])
    build(corpus)
    before = rows(corpus)
    shutil.rmtree(tmp_path / "pages" / "warc")
    with pytest.raises(UserError, match=r"part-00000-0000.warc.gz: not there, .* put the file back"):
        build(corpus, "extract.favor=recall")
    assert rows(corpus) == before
    shutil.rmtree(tmp_path / "documents")
    build(corpus, "extract.favor=recall")
    assert {row["verdict"] for row in rows(corpus)} == {"lost_record"}


def test_a_damaged_file_whose_archive_is_gone_is_the_users_to_give_up(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[:2])
    build(corpus)
    shutil.rmtree(tmp_path / "pages" / "warc")
    path = corpus.table("documents").path(0)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"\.warc\.gz: not there.* or delete .*documents to give them up"):
        build(corpus)
    shutil.rmtree(tmp_path / "documents")
    build(corpus)
    assert {row["verdict"] for row in rows(corpus)} == {"lost_record"}


def test_of_a_partition_with_lost_records_no_other_is_read_again(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES)
    warc = tmp_path / "pages" / "warc" / "part-00000-0000.warc.gz"
    there, offset = (
        warc.read_bytes(),
        corpus.table("pages").read("part-00000.parquet")["warc_offset"][0].as_py(),
    )
    warc.write_bytes(there[:offset] + bytes(100) + there[offset + 100 :])
    build(corpus)
    assert [row["verdict"] for row in rows(corpus)].count("lost_record") == 1
    shutil.rmtree(warc.parent)
    build(corpus, "filter.min_tokens=10")
    assert [row["verdict"] for row in rows(corpus)].count("lost_record") == 1


def test_a_body_that_is_not_the_fetched_one_is_lost(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[:1])
    other = crawled(
        tmp_path / "other", [Web(PAGES[0].url, PAGES[0].body.replace(b"lighthouse", b"lightHouse"))]
    )
    warc = "pages/warc/part-00000-0000.warc.gz"
    (tmp_path / warc).write_bytes((other.root / warc).read_bytes())
    build(corpus)
    assert [row["verdict"] for row in rows(corpus)] == ["lost_record"]


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def overwritten_in_the_middle(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes(2000) + whole[2200:])


def without_its_last_row(path: Path) -> None:
    rows = pq.read_table(path)
    pq.write_table(rows.slice(0, len(rows) - 1), path)


@pytest.mark.parametrize("damage", [cut_short, overwritten_in_the_middle, without_its_last_row])
def test_a_damaged_documents_file_is_made_anew(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    path = corpus.table("documents").path(0)
    whole = path.read_bytes()
    damage(path)
    (tmp_path / "documents" / "_manifest.json").unlink()
    build(corpus)
    assert path.read_bytes() == whole


def test_a_documents_file_that_memory_does_not_hold_now_is_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(_: Path) -> None:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    corpus = crawled(tmp_path, PAGES)
    build(corpus)
    before = rows(corpus)
    monkeypatch.setattr(parquet, "open_file", out_of_memory)
    with pytest.raises(MemoryError):
        build(corpus, "filter.min_tokens=1000")
    assert rows(corpus) == before


def test_pages_without_a_single_fetched_one_give_an_empty_table(tmp_path: Path) -> None:
    corpus = crawled(tmp_path, PAGES[-1:])
    assert build(corpus).counts.into == 0
    assert rows(corpus) == []


def test_a_corpus_without_pages_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="webtext crawl"):
        documents.plan(Corpus(tmp_path), Recipe())
