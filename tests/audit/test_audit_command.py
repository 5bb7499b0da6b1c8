"""`webtext audit`: whatever stages there are, the same bytes each time, one clear line for bad input."""

import json
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from pipelines import audit
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.manifest import Counts, Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_result_is_what_report_json_holds_and_where_the_page_is(planted: Corpus, quiet: Progress) -> None:
    result = audit.run(planted, None, quiet)
    page = Path(result.pop("report"))
    assert page == planted.root / "audit" / "report.html"
    assert json.loads((page.parent / "report.json").read_text("utf-8")) == json.loads(json.dumps(result))


def test_every_chart_is_a_file_too(planted: Corpus, tmp_path: Path, quiet: Progress) -> None:
    audit.run(planted, tmp_path, quiet)
    assert sorted(_files(tmp_path)) == [
        "attrition.svg",
        "bytes.svg",
        "clusters.svg",
        "domains.svg",
        "karma.svg",
        "lengths-tokens.svg",
        "lengths-words.svg",
        "months.svg",
        "report.html",
        "report.json",
        "similarity.svg",
    ]


def test_two_corpora_of_the_same_rows_give_the_same_bytes(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    one, two = (plant.corpus(tmp_path / place / "same", plant.links(), karma=3) for place in ("a", "b"))
    audit.run(one, tmp_path / "x", quiet)
    audit.run(two, tmp_path / "y" / "deeper", quiet)
    assert _files(tmp_path / "x") == _files(tmp_path / "y" / "deeper")


def test_after_the_crawl_alone_links_and_pages_are_reported_and_the_rest_named_missing(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    corpus = plant.corpus(tmp_path / "crawled", plant.links(), until="pages", karma=3)
    numbers = audit.run(corpus, None, quiet)
    assert [row["table"] for row in numbers["missing"]] == ["documents", "clusters", "shards", "tokens"]
    assert {"attrition", "domains", "posting", "fetching"} <= numbers.keys()
    assert not {"languages", "lengths", "duplicates", "tokens", "samples"} & numbers.keys()
    assert numbers["attrition"]["states"] == {"pending": 22, "unfetched": 4}
    assert "No text has been extracted yet" in Path(numbers["report"]).read_text("utf-8")


def test_a_crawl_that_did_not_come_to_its_ledger_is_reported_without_the_fate_of_its_links(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    corpus = plant.corpus(tmp_path / "interrupted", plant.links(), until="pages")
    (corpus.table("ledger").folder / "_manifest.json").unlink()
    numbers = audit.run(corpus, None, quiet)
    assert numbers["missing"][0]["table"] == "ledger"
    assert numbers["attrition"]["states"] == {}
    assert "Fetched" not in Path(numbers["report"]).read_text("utf-8")


@pytest.mark.parametrize("until", ["links", "documents", "clusters", "shards"])
def test_a_report_can_be_made_after_any_stage(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress, until: str
) -> None:
    numbers = audit.run(plant.corpus(tmp_path / "part", plant.links(), until=until), None, quiet)
    assert numbers["attrition"]["stages"][-1]["table"] == until
    assert numbers["attrition"]["broken"] == []


@pytest.mark.parametrize(
    ("until", "bars"),
    [
        ("clusters", ["Submissions", "Links", "Pages fetched", "Texts passed", "Unique texts"]),
        ("shards", ["Submissions", "Links", "Pages fetched", "Texts passed", "Unique texts", "Published"]),
    ],
)
def test_the_attritions_bars_are_named_up_to_the_last_table(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress, until: str, bars: list[str]
) -> None:
    audit.run(plant.corpus(tmp_path / "part", plant.links(), until=until), tmp_path, quiet)
    svg = ElementTree.fromstring((tmp_path / "attrition.svg").read_text("utf-8"))
    said = svg.findtext("{http://www.w3.org/2000/svg}desc", "")
    assert re.findall(r"(?:^|\. )([A-Z][a-z ]+): \d", said) == bars


def test_a_corpus_in_which_no_link_qualified_has_a_report(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    numbers = audit.run(plant.corpus(tmp_path / "empty", [], karma=7), None, quiet)
    assert [(row["name"], row["count"]) for row in numbers["summary"]][:2] == [
        ("submissions", 7),
        ("links", 0),
    ]


def test_charts_of_an_earlier_report_do_not_stay_beside_a_later_one(
    plant: SimpleNamespace, planted: Corpus, tmp_path: Path, quiet: Progress
) -> None:
    (tmp_path / "mine.svg").write_text("not of the report")
    audit.run(planted, tmp_path, quiet)
    audit.run(plant.corpus(tmp_path / "crawled", plant.links(), until="pages"), tmp_path, quiet)
    charts = {path.name for path in tmp_path.glob("*.svg")}
    assert charts == {"mine.svg", "attrition.svg", "bytes.svg", "domains.svg", "karma.svg", "months.svg"}


@pytest.mark.parametrize("name", ["report.html", "compare.json", "attrition.svg"])
@pytest.mark.parametrize("own", [True, False], ids=["in the corpus", "in a folder of the user's"])
def test_what_a_killed_audit_left_half_written_goes_with_the_next_one(
    own: bool, name: str, planted: Corpus, quiet: Progress, tmp_path: Path
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = planted.root / "audit" if own else tmp_path
    folder.mkdir(exist_ok=True)
    left, of_another_at_work = (folder / f".{name}.{process}.tmp" for process in (ended.pid, os.getppid()))
    left.touch()
    of_another_at_work.touch()
    audit.run(planted, None if own else tmp_path, quiet)
    assert (left.exists(), of_another_at_work.exists()) == (False, True)
    of_another_at_work.unlink()


def test_a_stage_that_was_made_from_other_rows_is_said_to_be_stale(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    corpus = plant.corpus(tmp_path / "stale", plant.links())
    corpus.table("shards").publish(Manifest("shards", 1, "recipe", "inputs", (), Counts(9, 9)))
    broken = audit.run(corpus, None, quiet)["attrition"]["broken"]
    assert broken == [
        "shards was made from 9 rows, but clusters now gives 12: shards is stale, run its stage again."
    ]


def test_a_dry_run_says_what_would_be_read_and_writes_nothing(plant: SimpleNamespace, tmp_path: Path) -> None:
    corpus = plant.corpus(tmp_path / "planted", plant.links(), until="documents")
    test = tmp_path / "test.txt"
    test.write_text("a test")
    plan = audit.plan([corpus], None)
    assert [row["what"] for row in plan["reads"]] == [
        f"{corpus.root}/{name}" for name in ("links", "pages", "ledger", "documents")
    ]
    assert plan["reads"][0]["rows"] == 26
    assert plan["out"] == str(corpus.root / "audit")
    with pytest.raises(UserError, match="no shards yet"):
        audit.plan([corpus], None, audit.Against((str(test),)))
    assert not (corpus.root / "audit").exists()


def test_a_dry_run_of_a_comparison_reads_both(
    plant: SimpleNamespace, planted: Corpus, tmp_path: Path
) -> None:
    other = plant.corpus(tmp_path / "other", plant.links(), until="links")
    plan = audit.plan([planted, other], tmp_path / "out")
    assert plan["reads"][-2]["what"] == f"{other.root}/links"
    assert plan["writes"] == ["compare.html", "compare.json"]


def test_a_corpus_without_links_is_a_user_error(tmp_path: Path, quiet: Progress) -> None:
    Corpus(tmp_path).freeze(Recipe())
    with pytest.raises(UserError, match="no links yet; `webtext crawl"):
        audit.run(Corpus.open(tmp_path), None, quiet)


def test_a_damaged_partition_is_a_user_error_that_names_it(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    corpus = plant.corpus(tmp_path / "damaged", plant.links())
    path = corpus.table("pages").path(1)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"pages/part-00001.parquet: cannot be read .*_manifest.json"):
        audit.run(corpus, None, quiet)


def test_a_partition_that_may_not_be_read_is_not_called_damaged(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    corpus = plant.corpus(tmp_path / "closed", plant.links())
    path = corpus.table("pages").path(1)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(PermissionError, match=r"part-00001.parquet"):
        audit.run(corpus, None, quiet)


def test_a_partition_of_another_program_is_a_user_error_that_says_what_it_lacks(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    corpus = plant.corpus(tmp_path / "foreign", plant.links())
    path = corpus.table("pages").path(1)
    pq.write_table(pq.read_table(path).drop_columns(["http_status"]), path)
    with pytest.raises(
        UserError, match=r"part-00001.parquet: cannot be read .it has no http_status.*_manifest.json"
    ):
        audit.run(corpus, None, quiet)


def test_an_output_that_is_a_file_is_a_user_error(planted: Corpus, tmp_path: Path, quiet: Progress) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match=r"taken: not a directory to write to .*name another"):
        audit.run(planted, tmp_path / "taken", quiet)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder that even root cannot write to")
def test_a_folder_that_cannot_be_written_to_is_a_user_error_before_anything_is_measured(
    planted: Corpus, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("webtext.audit.report.measure")
    monkeypatch.delattr("webtext.audit.compare.compare")
    with pytest.raises(UserError, match=r"/proc/self: cannot be written to .*give another --out"):
        audit.run(planted, Path("/proc/self"), quiet)
    with pytest.raises(UserError, match=r"/proc/self: cannot be written to .*give another --out"):
        audit.compare(planted, planted, Path("/proc/self"), quiet)


def test_a_corpus_that_is_being_written_to_is_not_audited(planted: Corpus, quiet: Progress) -> None:
    with planted.lock(), pytest.raises(UserError, match="is writing to this corpus"):
        audit.run(planted, None, quiet)


def test_neither_contact_nor_proxy_nor_folders_of_the_recipe_are_in_the_report(
    plant: SimpleNamespace, tmp_path: Path, quiet: Progress
) -> None:
    corpus = plant.corpus(tmp_path / "private", plant.links())
    settings: dict[str, Any] = {"contact": "me@home.example", "proxy": "http://user:secret@proxy.example"}
    recipe = corpus.recipe()
    crawl = recipe.crawl.model_copy(update=settings | {"sources": ["live", "warc:/home/me/old.warc.gz"]})
    corpus.freeze(recipe.model_copy(update={"crawl": crawl}))
    folder = Path(audit.run(corpus, None, quiet)["report"]).parent
    for text in ((folder / name).read_text("utf-8") for name in ("report.html", "report.json")):
        assert "warc:old.warc.gz" in text
        assert not [private for private in ("me@home", "secret", "/home/me") if private in text]
