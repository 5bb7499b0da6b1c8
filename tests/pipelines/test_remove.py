"""`webtext remove`: documents out for good, from the archive to the tokens, and nothing else changed."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import asked, build_shards, crawl, explain, measuring, pages, pieces, removal, remove
from tests.crawl.loopback import Page
from tests.pipelines.chains import refused, url_list
from tests.pipelines.removals import QUIET, Built, Here, page
from tests.shards.corpora import prose
from webtext import show_removal, stage
from webtext.corpus import Corpus
from webtext.crawl.tombstones import load
from webtext.crawl.warc_exchanges import exchanges
from webtext.errors import UserError
from webtext.links import partitions


@pytest.fixture(scope="module")
def calm(original: Built) -> Built:
    """One page and its copy removed, without an interruption."""
    root = original.root.with_name("calm")
    shutil.copytree(original.root, root)
    removed = Built(root, original.one, original.two)
    removed.remove(original.one.url("/first"))
    return removed


def test_a_removed_page_is_in_no_file_any_more_and_the_ledger_says_so(built: Built) -> None:
    url, words = built.one.url("/alone"), prose("alone", 60).split(" ")
    text = " ".join(words[:12])
    assert built.holds(text)
    folder = built.root / "pages"
    names = [f"warc/{path.name}" for path in (folder / "warc").iterdir()]
    (stored,) = [stored for name in names for stored in exchanges(folder, name) if stored.url == url]
    result = built.remove(url)
    assert built.holds(text) == []
    assert built.ledger()[url] == ("removed", "removed")
    assert result["archive"]["records"] == 3
    assert result["archive"]["bytes"] == sum(record.length for record in stored.records)
    assert result["after"]["documents"] == result["before"]["documents"] - 1
    assert result["after"]["removed"] == 1


def test_what_a_killed_build_had_measured_of_a_removed_page_goes_too(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbuilt(built.root)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(pieces, "PAGES", 1)
        patch.setattr(stage, "run", lambda *_: 1 / 0)
        build_shards.run(Here(built.root), QUIET)
    assert len(built.holds(prose("alone", 60))) == 2  # in the archive, and as measured
    (built.root / "documents" / "pieces" / "damaged.parquet").write_bytes(b"PAR1")
    built.remove(built.one.url("/alone"))
    assert not (built.root / "documents" / "pieces" / "damaged.parquet").exists()
    assert built.holds(prose("alone", 60)) == []
    assert [name for name in built.holds(prose("other", 60)) if name.startswith("documents/pieces/")]
    assert built.ledger()[built.one.url("/alone")] == ("removed", "removed")


@pytest.mark.parametrize("folder", ["pages", "pages/attic", "documents", "documents/pieces"])
def test_what_a_killed_writer_left_goes_too(built: Built, folder: str) -> None:
    unbuilt(built.root)
    left = built.root / folder / ".part-00000.parquet.77.tmp"
    left.parent.mkdir(exist_ok=True, parents=True)
    left.write_text("of a page that goes")
    built.remove(built.one.url("/alone"))
    assert not left.exists()


def unbuilt(root: Path) -> None:
    for table in ("documents", "clusters", "shards", "tokens"):
        shutil.rmtree(root / table)


def test_the_server_is_not_asked_for_anything(built: Built) -> None:
    built.remove(built.one.url("/alone"))
    assert built.one.hits == built.two.hits == []


def test_the_other_documents_of_the_site_are_not_extracted_anew(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "_document", lambda *_: 1 / 0)
    before = {row["url"]: row["text"] for row in built.rows("documents", "url", "text")}
    built.remove(built.one.url("/alone"))
    after = {row["url"]: row["text"] for row in built.rows("documents", "url", "text")}
    assert after == {url: text for url, text in before.items() if url != built.one.url("/alone")}


def test_copies_go_too_and_say_of_what(calm: Built) -> None:
    first, copy = calm.one.url("/first"), calm.two.url("/copy")
    assert {stone.value: stone.why for stone in load(calm.root)} == {
        first: "asked for",
        copy: f"a copy of {first}",
    }
    assert calm.holds(" ".join(prose("first", 60).split(" ")[:12])) == []
    assert calm.ledger()[copy] == ("removed", "removed")


def test_copies_stay_where_the_user_says_so(built: Built) -> None:
    built.remove(built.one.url("/first"), copies=False)
    assert built.ledger()[built.two.url("/copy")] == ("kept", None)


def test_copies_among_pages_that_no_build_has_read_are_said_to_be_unknown(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    first, request = built.one.url("/first"), Here(built.root)
    assert remove.run(request, asked.selection([first], [], None, copies=True), QUIET, dry_run=True)[
        "copies_known"
    ]
    unbuilt(built.root)
    show_removal.removal(
        found := remove.run(request, asked.selection([first], [], None, copies=True), QUIET, dry_run=True)
    )
    assert (found["links"], found["copies_known"]) == (1, False)
    assert (
        "Copies among pages that no build has read are not known, and would stay" in capsys.readouterr().out
    )
    assert remove.run(request, asked.selection([first], [], None, copies=False), QUIET, dry_run=True)[
        "copies_known"
    ]
    assert built.remove(built.one.url("/never"), dry_run=True)["copies_known"]  # of nothing


def test_copies_among_pages_crawled_since_the_last_build_are_not_known(built: Built) -> None:
    first, pages = built.one.url("/first"), Corpus(built.root).table("pages")
    manifest = pages.manifest()
    assert manifest
    others = tuple(replace(part, hash="of more pages") for part in manifest.partitions)
    pages.publish(replace(manifest, partitions=others))
    assert not built.remove(first, dry_run=True)["copies_known"]
    pages.publish(manifest)
    assert built.remove(first, dry_run=True)["copies_known"]
    shutil.rmtree(built.root / "clusters")
    assert not built.remove(first, dry_run=True)["copies_known"]


@pytest.mark.parametrize(("goes", "stays"), [("/same", "/again"), ("/again", "/same")])
def test_a_record_that_a_page_which_stays_points_at_is_kept(built: Built, goes: str, stays: str) -> None:
    result = built.remove(built.one.url(goes), copies=False)
    assert (result["archive"]["links"], result["archive"]["shared"]) == (1, 1)
    assert [name for name in built.holds(prose("same", 60)) if name.endswith(".warc.gz")]
    assert built.ledger()[built.one.url(stays)] == ("kept", None)


def test_a_link_whose_page_came_from_a_removed_address_goes_with_it(built: Built) -> None:
    target, moved = built.two.url("/target"), built.one.url("/moved")
    result = built.remove(target)
    assert {row["url"]: row["why"] for row in result["removed"]} == {
        moved: f"its page came from {target}",
        built.one.url("/twin"): f"a copy of {moved}",
    }
    assert result["not_found"] == []
    assert built.ledger()[moved] == ("removed", "removed")


def test_a_whole_domain_goes(built: Built) -> None:
    domain = built.two.base.split("//")[1].split(":")[0]
    result = built.remove(domains=(domain,), copies=False)
    assert {row["url"] for row in result["removed"]} == {
        built.two.url("/copy"),
        built.two.url("/other"),
        built.one.url("/moved"),
    }
    assert result["not_found"] == []
    assert {row["domain"] for row in built.rows("shards", "domain")} == {"127.0.0.2"}


def test_the_result_counts_what_there_was_and_what_is_left(built: Built) -> None:
    before = _counted(built)
    result = built.remove(built.one.url("/first"), built.one.url("/none"))
    assert (result["before"], result["after"]) == (before, _counted(built))
    assert result["shard_files_changed"] == 1
    assert built.remove(built.one.url("/alone"), dry_run=True)["before"] == _counted(built)


def _counted(built: Built) -> dict[str, int]:
    states = [row["state"] for row in built.rows("pages")]
    shards = built.rows("shards")
    return {
        "pages": states.count("fetched"),
        "texts": [row["verdict"] for row in built.rows("documents")].count("keep"),
        "documents": len(shards),
        "duplicates": [row["kept"] for row in built.rows("clusters")].count(False),
        "tokens": sum(row["tokens"] + 1 for row in shards),  # and the end of each
        "removed": states.count("removed"),
    }


def test_every_manifest_still_balances_and_fits_the_one_before(built: Built) -> None:
    built.remove(built.one.url("/alone"), built.one.url("/none"))
    corpus = Corpus(built.root)
    manifests = [corpus.table(name).manifest() for name in ("links", "pages", "documents", "clusters")]
    counts = [manifest.counts for manifest in manifests if manifest]
    assert all(count.balanced for count in counts)
    assert [count.into for count in counts[1:]] == [count.out for count in counts[:-1]]
    assert counts[1].dropped == {"removed": 2}


def test_nothing_is_left_to_do_for_a_build_or_a_crawl_afterwards(built: Built) -> None:
    built.remove(built.one.url("/alone"))
    bytes_before = {path: path.read_bytes() for path in built.root.rglob("*.parquet")}
    build_shards.run(Here(built.root), QUIET)
    crawl.run(Here(built.root), (), QUIET)
    assert {path: path.read_bytes() for path in built.root.rglob("*.parquet")} == bytes_before
    assert built.one.hits == built.two.hits == []


def test_a_removed_page_is_never_fetched_again(built: Built, tmp_path: Path) -> None:
    gone, new = built.one.url("/alone"), built.one.url("/new")
    built.one.pages["/new"] = page("new")
    built.remove(gone)
    links = url_list(tmp_path / "more.txt", [gone, new])
    crawl.run(Here(built.root), [str(links)], QUIET)
    build_shards.run(Here(built.root), QUIET)
    assert "/new" in built.one.paths()
    assert "/alone" not in built.one.paths()
    assert built.ledger()[gone] == ("removed", "removed")
    assert built.ledger()[new] == ("kept", None)


def test_a_link_found_later_that_leads_to_a_removed_page_is_removed(built: Built, tmp_path: Path) -> None:
    links = redirected_to_what_is_removed(built, tmp_path)
    crawl.run(Here(built.root), [str(links)], QUIET)
    assert built.ledger()[built.one.url("/later")] == ("removed", "removed")
    assert built.holds(" ".join(prose("target", 60).split(" ")[:12])) == []
    assert not [name for name in built.holds("/later") if name.endswith(".warc.gz")]


def test_a_redirect_to_a_removed_page_is_not_followed(built: Built, tmp_path: Path) -> None:
    links = redirected_to_what_is_removed(built, tmp_path)
    crawl.run(Here(built.root), [str(links)], QUIET)
    assert "/later" in built.one.paths()
    assert built.two.hits == []


def test_a_killed_crawl_goes_on_after_a_redirect_to_a_removed_page(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = redirected_to_what_is_removed(built, tmp_path)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(pages, "_write", lambda *_: 1 / 0)
        crawl.run(Here(built.root), [str(links)], QUIET)
    asked = built.one.paths()
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(removal, "apply", lambda *_: 1 / 0)
        crawl.run(Here(built.root), [str(links)], QUIET)
    crawl.run(Here(built.root), [str(links)], QUIET)
    assert built.one.paths() == asked
    [row] = [row for row in built.rows("pages") if row["url"] == built.one.url("/later")]
    assert {name for name, value in row.items() if value is not None} == {"id", "url", "state", "detail"}
    assert built.ledger()[row["url"]] == ("removed", "removed")


def redirected_to_what_is_removed(built: Built, folder: Path) -> Path:
    """Links of a later crawl."""
    built.one.pages["/later"] = Page(b"", 302, (("Location", built.two.url("/target")),))
    built.one.pages["/new"] = page("new")
    built.remove(built.two.url("/target"))
    return url_list(folder / "more.txt", [built.one.url("/later"), built.one.url("/new")])


def test_a_url_that_is_not_there_is_said_and_kept_out_of_later_crawls(built: Built, tmp_path: Path) -> None:
    unknown = built.two.url("/target")
    later = built.one.url("/later")
    built.one.pages["/later"] = page("later")
    result = built.remove(later)
    assert (result["links"], result["not_found"]) == (0, [later])
    crawl.run(Here(built.root), [str(url_list(tmp_path / "l.txt", [later, unknown]))], QUIET)
    assert "/later" not in built.one.paths()
    assert built.ledger()[later] == ("removed", "removed")


def test_a_page_whose_partition_is_gone_is_removed_too(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "MIN_PARTITIONS", 1)
    links = url_list(tmp_path / "fewer.txt", [built.one.url("/first")])
    crawl.run(Here(built.root), [str(links)], QUIET)
    assert not (built.root / "pages" / "part-00001.parquet").exists()
    result = built.remove(built.one.url("/alone"))
    assert (result["links"], result["not_found"], result["archive"]["records"]) == (1, [], 3)
    assert built.holds(" ".join(prose("alone", 60).split(" ")[:12])) == []


def links_remade(root: Path) -> None:
    """The state in which a crawl with another rule for links is killed in its first moments."""
    (root / "links" / "_manifest.json").unlink()
    (root / "links" / "_journal.jsonl").touch()


def test_nothing_is_removed_nor_built_while_the_links_are_being_remade(built: Built) -> None:
    url = built.one.url("/alone")
    links_remade(built.root)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: built.remove(url),
        lambda: build_shards.run(Here(built.root), QUIET),
    )
    for attempt in attempts:
        with pytest.raises(UserError, match="its links are being remade; run `webtext crawl"):
            attempt()
    assert not load(built.root).on(url)
    crawl.run(Here(built.root), [], QUIET)  # which remembers the sources
    assert built.remove(url)["tombstones"] == 1
    assert built.ledger()[url][0] == "removed"


@pytest.mark.parametrize("gone", ["links/_manifest.json", "pages"])
def test_nothing_is_removed_where_no_links_are_known(built: Built, gone: str) -> None:
    if gone == "pages":  # the state in which the first crawl is killed while it reads its sources
        links_remade(built.root)
        shutil.rmtree(built.root / gone)
    else:
        (built.root / gone).unlink()
    url = built.one.url("/alone")
    with pytest.raises(UserError, match="run `webtext crawl"):
        built.remove(url)
    assert not load(built.root).on(url)


def test_pages_whose_addresses_another_program_left_out_are_no_pages_to_look_among(built: Built) -> None:
    path = built.root / "pages" / "part-00000.parquet"
    table = pq.read_table(path, partitioning=None)
    number = table.column_names.index("final_url")
    pq.write_table(table.set_column(number, "final_url", pa.nulls(table.num_rows)), path)
    with pytest.raises(UserError, match=r"part-00000\.parquet.*final_url"):
        built.remove(domains=("127.0.0.3",))


def test_a_dry_run_tells_the_same_and_writes_nothing(built: Built) -> None:
    def files() -> dict[Path, tuple[bytes, int]]:
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in built.root.rglob("*.*")}

    before = files()
    told = built.remove(built.one.url("/first"), dry_run=True)
    assert files() == before
    assert told["removed"] == built.remove(built.one.url("/first"))["removed"]


def test_a_dry_run_needs_no_place_to_write_to(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    (built.root / ".lock").unlink()
    (built.root / ".lock").mkdir()  # no lock can be had here, as on a read-only disk
    monkeypatch.setattr(os, "access", lambda *_: False)
    url = built.one.url("/alone")
    assert built.remove(url, dry_run=True)["removed"] == [{"url": url, "why": "asked for"}]
    with pytest.raises(UserError, match="cannot be written to"):
        built.remove(url)
    assert not load(built.root).on(url)


@pytest.mark.parametrize(
    "step", ["scrub.finish", "documents.forget", "carry.rewrite", "pages.part", "build_shards.build"]
)
def test_a_removal_that_was_interrupted_anywhere_is_finished_by_the_same_command(
    built: Built, calm: Built, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    url = built.one.url("/first")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    module = remove if step == "build_shards.build" else removal
    monkeypatch.setattr(getattr(module, step.split(".")[0]), step.split(".")[1], killed)
    with pytest.raises(KeyboardInterrupt):
        built.remove(url)
    monkeypatch.undo()
    built.remove(url)
    for table in ("pages", "documents", "clusters", "shards", "ledger"):
        assert built.rows(table) == calm.rows(table), table
        manifests = [Corpus(root).table(table).manifest() for root in (built.root, calm.root)]
        assert manifests[0] == manifests[1], table
    assert (built.root / "removed.jsonl").read_bytes() == (calm.root / "removed.jsonl").read_bytes()
    archive = next((built.root / "pages" / "warc").iterdir())
    assert archive.read_bytes() == (calm.root / "pages" / "warc" / archive.name).read_bytes()


def test_a_build_takes_out_what_an_interrupted_removal_left(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = built.one.url("/alone")
    monkeypatch.setattr(removal, "apply", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        built.remove(url)
    monkeypatch.undo()
    build_shards.run(Here(built.root), QUIET)
    assert built.ledger()[url] == ("removed", "removed")


def test_when_nothing_is_left_no_shard_is(built: Built) -> None:
    domains = tuple(site.base.split("//")[1].split(":")[0] for site in (built.one, built.two))
    result = built.remove(domains=domains)
    assert result["after"]["documents"] == result["after"]["tokens"] == 0
    assert list(built.root.glob("shards/*.parquet")) == list(built.root.glob("tokens/*.bin")) == []


def test_explain_tells_in_which_row_of_a_shard_a_document_is(calm: Built) -> None:
    for url in (calm.one.url("/alone"), calm.two.url("/other")):
        story = explain.run(calm.root, url)
        row = (
            Corpus(calm.root).table("shards").read(story["shard"]["file"]).to_pylist()[story["shard"]["row"]]
        )
        assert (row["url"], row["tokens"]) == (url, story["shard"]["tokens"])


def test_explain_tells_who_was_taken_out_and_when(calm: Built) -> None:
    story = explain.run(calm.root, calm.two.url("/copy"))
    stone = load(calm.root).on(calm.two.url("/copy"))
    assert stone is not None
    assert story["ledger"]["detail"] == stone.sentence
    assert story["sentence"] == "the document was taken out by `webtext remove`"
    with pytest.raises(UserError, match="not among the 9 links"):
        explain.run(calm.root, calm.one.url("/never"))


def test_no_report_that_quotes_texts_or_ranks_domains_stays(built: Built) -> None:
    folder = built.root / "audit"
    folder.mkdir()
    for name in ("report.html", "report.json", "compare.html", "compare.json", "notes.txt"):
        (folder / name).write_text("old")
    built.remove(built.one.url("/alone"))
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_reports_that_go_are_named_and_so_is_what_comes_next(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    (built.root / "audit").mkdir()
    (built.root / "audit" / "report.html").write_text("old")
    show_removal.removal(built.remove(built.one.url("/alone"), dry_run=True))
    assert "Would be deleted, for what they quote: audit/report.html\n" in capsys.readouterr().out
    show_removal.removal(built.remove(built.one.url("/alone")))
    said = capsys.readouterr().out
    assert "\nDeleted, for what they quote: audit/report.html\n" in said
    assert said.endswith(f"\nNext: webtext train {built.root} --out RUN, webtext audit {built.root}\n")


def test_no_report_stays_where_a_removal_is_interrupted_and_a_build_ends_it(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = built.root / "audit" / "report.html"
    report.parent.mkdir()
    report.write_text("old")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(removal, "apply", _interrupted)
        built.remove(built.one.url("/alone"))
    assert load(built.root)
    assert not report.exists()


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_file_names_pages_and_domains(built: Built, tmp_path: Path) -> None:
    listed = tmp_path / "out.txt"
    listed.write_text(f"\ufeff# a letter of today\n\n{built.one.url('/alone')}\nexample.org\n", "utf-8")
    result = built.remove(source=listed)
    assert (result["tombstones"], result["not_found"]) == (2, ["example.org"])
    lines = (built.root / "removed.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["url", "domain"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ftp://a.example/", r"out\.txt:2: ftp://a\.example/: .*not http or https"),
        ("a.example/page", r"out\.txt:2: a\.example/page: .*give an absolute http or https URL"),
        ("www.a.example", r"out\.txt:2: www\.a\.example: belongs to the registered domain a\.example"),
        ("b\xfccher.example", r"--from .*out\.txt: cannot be read .*give a text file"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    listed = tmp_path / "out.txt"
    listed.write_text(f"b.example\n{line}\n", "latin-1")
    with pytest.raises(UserError, match=said):
        asked.selection((), (), listed, copies=True)


def test_what_is_asked_for_stands_in_its_order_and_once(tmp_path: Path) -> None:
    listed, urls = tmp_path / "out.txt", [f"http://a.example/{n}" for n in (3, 1, 2)]
    listed.write_text(f"c.example\n{urls[1]}\n{urls[2]}\nb.example\n")
    wanted = asked.selection(urls[:2], ["d.example", "c.example"], listed, copies=False)
    assert wanted == asked.Selection(tuple(urls), ("d.example", "c.example", "b.example"), copies=False)


def test_a_comment_of_a_file_begins_after_white_space(tmp_path: Path) -> None:
    listed = tmp_path / "out.txt"
    listed.write_text("http://a.example/x#part # a letter\n  # all\nexample.org\t# his own\n#example.net\n")
    wanted = asked.selection((), (), listed, copies=True)
    assert (wanted.urls, wanted.domains) == (("http://a.example/x",), ("example.org",))


@pytest.mark.parametrize(
    ("written", "domain"),
    [("München.de", "xn--mnchen-3ya.de"), ("EXAMPLE.org.", "example.org"), ("[2606:0::1]", "2606::1")],
)
def test_a_domain_is_known_in_any_spelling(written: str, domain: str) -> None:
    assert asked.selection((), (written,), None, copies=True).domains == (domain,)


def test_a_list_may_name_as_many_domains_as_there_are(built: Built) -> None:
    site = built.two.base.split("//")[1].split(":")[0]
    many = (*(f"site-{number}.example" for number in range(100_000)), site)
    found = remove.run(Here(built.root), asked.Selection((), many), QUIET, dry_run=True)
    assert built.two.url("/other") in {row["url"] for row in found["removed"]}
    assert len(found["not_found"]) == 100_000


@pytest.mark.parametrize("line", ["http://a.example/, http://b.example/", "example.org example.net"])
def test_a_line_that_names_more_than_one_is_refused(tmp_path: Path, line: str) -> None:
    listed = tmp_path / "out.txt"
    listed.write_text(f"http://a.example/\n{line}\n")
    with pytest.raises(UserError, match=f"out.txt:2: {line}: more than one; name a URL or a domain a line"):
        asked.selection((), (), listed, copies=True)


def test_the_result_is_json_and_told_on_the_terminal(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    result = built.remove(built.one.url("/alone"), built.one.url("/never"))
    assert json.loads(json.dumps(result)) == result
    show_removal.removal(result)
    said = capsys.readouterr().out
    assert f"{built.one.url('/alone')}: asked for" in said
    assert "1 link of the corpus is gone\n" in said
    assert f"not in the corpus, and kept out from now on: {built.one.url('/never')}" in said


def test_a_link_that_is_spelled_nearly_as_what_was_asked_for_is_named_and_stays(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    url = built.one.url("/alone")
    result = built.remove(url.replace("http:", "https:") + "/")
    assert (result["links"], result["spelled_nearly"]) == (0, [url])
    show_removal.removal(result)
    assert f"spelled nearly as what was asked for, and stays: {url}\n" in capsys.readouterr().out


def test_an_address_that_a_page_came_from_is_named_where_it_is_spelled_nearly_so(built: Built) -> None:
    target = built.two.url("/target")  # no link itself: /moved of the other site leads there
    assert built.remove(f"{target}/", dry_run=True)["spelled_nearly"] == [target]
    assert built.remove(f"{target}/", built.one.url("/moved"), dry_run=True)["spelled_nearly"] == []
    assert built.remove(target)["spelled_nearly"] == []
    assert built.remove(f"{target}/")["spelled_nearly"] == []


def test_long_lists_are_cut_on_the_terminal(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    many = tuple(f"site-{number}.example" for number in range(1000))
    show_removal.removal(built.remove(domains=many, dry_run=True))
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "and 980 more (--json names all)"
    assert len(said) == 22


def test_what_goes_too_is_not_named_as_spelled_nearly(built: Built) -> None:
    url = built.one.url("/alone")
    assert built.remove(f"{url}/", url)["spelled_nearly"] == []
    of_a_copy = f"{built.two.url('/copy')}/"
    assert built.remove(of_a_copy, built.one.url("/first"), dry_run=True)["spelled_nearly"] == []
    assert built.remove(f"{url}/?")["spelled_nearly"] == []


def test_a_dry_run_says_that_it_keeps_nothing_out(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    url = built.one.url("/never")
    show_removal.removal(built.remove(url, dry_run=True))
    said = capsys.readouterr().out
    assert said.startswith(
        f"0 links of the corpus would go\nnot in the corpus, and would be kept out: {url}\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--url", "ftp://a.example/", "not http or https"),
        ("--domain", "www.bbc.co.uk", "registered domain bbc.co.uk"),
        ("--domain", "co.uk", "a public suffix, under which many have sites"),
        ("--domain", "COM", "such as example.com"),
        ("--domain", "joe@example.org", "no host is called so"),
        ("--domain", "http://ok.org", "a URL, not a domain"),
        ("--domain", "*.ok.org", "leave the star out"),
        ("--url", "http://www.ok.org/*", "or the whole domain, ok.org"),
        ("--from", "none.txt", "cannot be read"),
        ("--quiet", None, "nothing to remove"),
    ],
)
def test_a_mistake_is_one_clear_line(built: Built, option: str, value: str | None, said: str) -> None:
    words = [option] if value is None else [option, value]
    assert said in refused("remove", built.root, *words)
    assert not (built.root / "removed.jsonl").exists()
