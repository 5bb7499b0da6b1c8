import json
import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pytest

from webtext import files, parquet, schemas, stage
from webtext.corpus import Corpus
from webtext.engine import Report
from webtext.engine.local import LocalEngine
from webtext.errors import RunFailed, UserError
from webtext.manifest import Counts, Manifest, Part
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.stage import Plan, Work
from webtext.table import partition_name


@dataclass(frozen=True)
class Item:
    root: Path
    file: str
    key: str
    lost: int = 0


def write(items: Sequence[Item], report: Report) -> list[Part]:
    parts = []
    for item in items:
        table = Corpus(item.root).table("clusters/edges")
        row = {"a": [item.key], "b": ["b"], "similarity": [1.0], "rank_a": [0], "rank_b": [1]}
        written = parquet.write(
            table.folder / item.file, schemas.EDGES, [pa.table(row, schema=schemas.EDGES)]
        )
        (table.folder / f"{item.file}.runs").open("a").write("x")
        report(1, {})
        counts = Counts(into=1 + item.lost, out=1)
        parts.append(Part(item.file, item.key, written.rows, written.bytes, written.hash, counts))
    return parts


def plan_of(corpus: Corpus, keys: Sequence[str], recipe: str = "r") -> Plan:
    works = []
    for number, key in enumerate(keys):
        file = partition_name(number)
        works.append(Work(file, key, Item(corpus.root, file, key), rows=1))
    return Plan("clusters/edges", 1, recipe, "inputs", write, tuple(works))


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    corpus = Corpus(tmp_path / "corpus")
    corpus.freeze(Recipe())
    return corpus


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(2) as engine:
        yield engine


def runs(corpus: Corpus, number: int) -> int:
    return len((corpus.root / "clusters/edges" / f"{partition_name(number)}.runs").read_text())


QUIET = Progress(quiet=True)


def test_a_finished_stage_is_not_run_again(corpus: Corpus, engine: LocalEngine) -> None:
    plan = plan_of(corpus, ["a", "b"])
    first = stage.run(corpus, engine, plan, QUIET)
    assert stage.standing(corpus, plan).current
    assert stage.run(corpus, engine, plan, QUIET) == first
    assert runs(corpus, 0) == 1


def test_a_run_killed_before_its_last_act_leaves_no_journal(corpus: Corpus, engine: LocalEngine) -> None:
    plan = plan_of(corpus, ["a"])
    first = stage.run(corpus, engine, plan, QUIET)
    (corpus.table("clusters/edges").folder / "_journal.jsonl").touch()
    assert stage.run(corpus, engine, plan, QUIET) == first
    assert (runs(corpus, 0), corpus.table("clusters/edges").begun) == (1, False)


def test_only_partitions_whose_key_changed_are_redone(corpus: Corpus, engine: LocalEngine) -> None:
    stage.run(corpus, engine, plan_of(corpus, ["a", "b"]), QUIET)
    stage.run(corpus, engine, plan_of(corpus, ["a", "c"]), QUIET)
    assert (runs(corpus, 0), runs(corpus, 1)) == (1, 2)


def test_what_is_stale_and_why_is_told(corpus: Corpus, engine: LocalEngine) -> None:
    assert stage.standing(corpus, plan_of(corpus, ["a", "b"])).why == "2 of 2 partitions to do, never run"
    stage.run(corpus, engine, plan_of(corpus, ["a", "b"]), QUIET)
    stale = stage.standing(corpus, plan_of(corpus, ["a", "c"], recipe="changed"))
    assert stale.why == "1 of 2 partitions to do, recipe changed"


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"version": 2}, "code version"), ({"recipe": "x"}, "recipe"), ({"inputs": "x"}, "input")],
)
def test_a_table_of_another_version_recipe_or_input_is_stale_though_all_its_files_are_there(
    corpus: Corpus, engine: LocalEngine, changed: dict[str, Any], why: str
) -> None:
    plan = plan_of(corpus, ["a"])
    stage.run(corpus, engine, plan, QUIET)
    stale = stage.standing(corpus, replace(plan, **changed))
    assert (stale.current, stale.why) == (False, f"0 of 1 partitions to do, {why} changed")


def test_what_was_counted_before_the_partitions_is_counted_in_the_manifest(
    corpus: Corpus, engine: LocalEngine
) -> None:
    plan = replace(plan_of(corpus, ["a"]), counts=Counts(into=3, dropped={"karma": 3}))
    assert stage.run(corpus, engine, plan, QUIET).counts == Counts(4, 1, dropped={"karma": 3})


def test_what_a_plan_does_around_its_partitions_is_done_while_the_manifest_is_the_old_one_or_none(
    corpus: Corpus, engine: LocalEngine
) -> None:
    table, seen = corpus.table("clusters/edges"), list[object]()

    def manifest_there(*_: object) -> None:
        seen.append(table.manifest())

    first = stage.run(corpus, engine, plan_of(corpus, ["a"]), QUIET)
    plan = replace(plan_of(corpus, ["b"]), before=manifest_there, finish=manifest_there)
    stage.run(corpus, engine, plan, QUIET)
    assert seen == [first, None]


def test_a_run_leaves_no_litter_of_its_own_or_of_workers_that_died(
    corpus: Corpus, engine: LocalEngine
) -> None:
    folder = corpus.table("clusters/edges").folder

    def of_which_one_dies(works: Sequence[Work], _: int) -> list[list[Work]]:
        assert not (folder / ".part-00000.parquet.1.tmp").exists()
        (folder / ".part-00000.parquet.2.tmp").touch()
        return [[work] for work in works]

    folder.mkdir(parents=True)
    (folder / ".part-00000.parquet.1.tmp").touch()
    plan = replace(plan_of(corpus, ["a"]), group=of_which_one_dies)
    stage.run(corpus, engine, plan, QUIET)
    assert {path.name for path in folder.iterdir()} == {
        *("_manifest.json", "part-00000.parquet", "part-00000.parquet.runs")
    }
    assert not (corpus.root / stage.PROGRESS).exists()


def test_the_history_tells_how_many_rows_a_run_made_not_how_many_there_are(
    corpus: Corpus, engine: LocalEngine
) -> None:
    for keys in (["a", "b"], ["a", "c"]):
        stage.run(corpus, engine, plan_of(corpus, keys), QUIET)
    lines = (corpus.root / "history.jsonl").read_text().splitlines()
    assert [(json.loads(line)["stage"], json.loads(line)["rows"]) for line in lines] == [
        ("clusters/edges", 2),
        ("clusters/edges", 1),
    ]


def test_at_every_moment_of_a_run_a_journal_or_a_manifest_knows_what_is_done(
    corpus: Corpus, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = stage.run(corpus, engine, plan_of(corpus, ["a"]), QUIET)
    table, seen, remove = corpus.table("clusters/edges"), list[str](), files.remove

    def remove_what_another_file_replaced(path: Path) -> None:
        if path.parent == table.folder:
            seen.append(path.name)
            remove(path)
            assert table.finished() == list(manifest.partitions)

    monkeypatch.setattr(files, "remove", remove_what_another_file_replaced)
    with table.journal(manifest.partitions):
        pass
    table.publish(manifest)
    assert seen == ["_manifest.json", "_journal.jsonl"]


def test_a_partition_is_marked_once_the_disk_has_the_mark(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    table, part = corpus.table("clusters/edges"), Part("part-00000.parquet", "key", 1, 1, "hash")
    with table.journal([]) as journal:
        monkeypatch.setattr(os, "fsync", lambda _: synced.append(journal.path.read_bytes()))
        journal.mark(part)
        assert synced == [json.dumps(part.as_json()).encode() + b"\n"]


def test_files_between_two_maps_begin_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/left").touch()
    assert list(stage.scratch(tmp_path / "x").iterdir()) == []


def test_losses_are_told_the_most_frequent_first_and_equal_ones_by_name() -> None:
    assert Counts(8, dropped={"karma": 1, "dns": 1, "robots": 6}).losses() == "6 robots, 1 dns, 1 karma"


def test_what_later_stages_depend_on_follows_the_order_of_the_partitions() -> None:
    one, other = (Part(f"part-{name}", "key", 1, 1, name) for name in "ab")
    manifest = Manifest("links", 1, "", "", (one, other), Counts())
    assert manifest.hash != replace(manifest, partitions=(other, one)).hash
    assert manifest.hash == replace(manifest, version=2, inputs="x").hash


def test_an_interrupted_run_goes_on_from_its_journal(corpus: Corpus, engine: LocalEngine) -> None:
    plan = plan_of(corpus, ["a", "b"])
    manifest = stage.run(corpus, engine, plan, QUIET)
    table = corpus.table("clusters/edges")
    with table.journal(manifest.partitions[:1]):
        pass
    with (table.folder / "_journal.jsonl").open("a") as journal:
        journal.write('{"file": "part-00001.parq')  # the kill came in the middle of a line
    assert stage.standing(corpus, plan).why == "1 of 2 partitions to do, begun and not finished"
    assert stage.run(corpus, engine, plan, QUIET) == manifest
    assert (runs(corpus, 0), runs(corpus, 1)) == (1, 2)


def test_a_partition_that_was_deleted_is_made_again(corpus: Corpus, engine: LocalEngine) -> None:
    plan = plan_of(corpus, ["a", "b"])
    stage.run(corpus, engine, plan, QUIET)
    corpus.table("clusters/edges").path(1).unlink()
    stage.run(corpus, engine, plan, QUIET)
    assert (runs(corpus, 0), runs(corpus, 1)) == (1, 2)


def test_partitions_of_an_earlier_plan_are_removed(corpus: Corpus, engine: LocalEngine) -> None:
    stage.run(corpus, engine, plan_of(corpus, ["a", "b"]), QUIET)
    manifest = stage.run(corpus, engine, plan_of(corpus, ["a"]), QUIET)
    assert not corpus.table("clusters/edges").path(1).exists()
    assert corpus.table("clusters/edges").manifest() == manifest


def test_counts_that_do_not_balance_stop_the_run(corpus: Corpus, engine: LocalEngine) -> None:
    plan = plan_of(corpus, ["a"])
    work = plan.works[0]
    plan = replace(plan, works=(replace(work, item=replace(work.item, lost=1)),))
    with pytest.raises(RunFailed, match="do not balance"):
        stage.run(corpus, engine, plan, QUIET)


def test_a_second_writer_is_refused(corpus: Corpus) -> None:
    with (
        corpus.lock(),
        pytest.raises(UserError, match=r"process \d+ is writing to this corpus"),
        corpus.lock(),
    ):
        pass


def test_a_reader_is_not_named_as_the_writer_who_was_killed_before(corpus: Corpus) -> None:
    (corpus.root / ".lock").write_text("process 17")
    with (
        corpus.undisturbed(),
        pytest.raises(UserError, match="another process is reading this corpus"),
        corpus.lock(),
    ):
        pass


def test_a_lock_that_goes_with_the_directory_of_a_refused_writer_is_none(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = corpus._lock_file

    def too_late() -> IO[str]:
        file = opened()
        (corpus.root / ".lock").unlink()
        return file

    monkeypatch.setattr(corpus, "_lock_file", too_late)
    with pytest.raises(UserError, match="another process"), corpus.lock():
        pass


def test_a_writer_of_whom_nothing_came_leaves_no_directory(tmp_path: Path) -> None:
    with suppress(UserError), Corpus(tmp_path / "a/b").lock():
        raise UserError("refused")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("there", [".", "corpus", "corpus/links"])
def test_a_writer_of_whom_nothing_came_leaves_what_was_there(tmp_path: Path, there: str) -> None:
    (tmp_path / there).mkdir(parents=True, exist_ok=True)
    with suppress(UserError), Corpus(tmp_path / "corpus").lock():
        raise UserError("refused")
    assert (tmp_path / there).exists()


def test_a_writer_who_is_stopped_leaves_what_he_wrote(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), Corpus(tmp_path / "corpus").lock():
        (tmp_path / "corpus/links").mkdir()
        raise KeyboardInterrupt
    assert (tmp_path / "corpus/links").exists()


def test_what_a_killed_writer_left_half_written_goes_with_the_next_one(tmp_path: Path) -> None:
    (tmp_path / ".progress.json.7.tmp").touch()
    with Corpus(tmp_path).lock():
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_where_there_is_no_corpus_yet_the_way_to_one_is_told(tmp_path: Path) -> None:
    advice = "; `webtext crawl .* --links …` makes one"
    with pytest.raises(UserError, match=f"does not exist{advice}"):
        Corpus.open(tmp_path / "none")
    (tmp_path / ".lock").touch()  # as a crawl leaves it that was killed in its first moments
    (tmp_path / ".recipe.toml.7.tmp").touch()
    with pytest.raises(UserError, match=f"is not a corpus: it has no recipe.toml{advice}"):
        Corpus.open(tmp_path)


def test_a_command_in_an_error_can_be_pasted_where_the_path_has_spaces(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"; `webtext crawl '.*/not there' --links …` makes one"):
        Corpus.open(tmp_path / "not there")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notes.txt", "is not a corpus: it has no recipe.toml; name the directory of one"),
        ("config.toml", "a run of `webtext train`, not a corpus; name its corpus"),
    ],
)
def test_what_is_no_corpus_is_not_told_to_be_made_one(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=said):
        Corpus.open(tmp_path)
    with pytest.raises(UserError, match="name the directory of one"):
        Corpus.open(tmp_path / name)


def test_a_file_that_was_cut_short_is_made_again(corpus: Corpus, engine: LocalEngine) -> None:
    plan = plan_of(corpus, ["a", "b"])
    first = stage.run(corpus, engine, plan, QUIET)
    path = corpus.table("clusters/edges").path(0)
    path.write_bytes(path.read_bytes()[:100])
    assert stage.standing(corpus, plan).why == "1 of 2 partitions to do, files changed"
    assert stage.run(corpus, engine, plan, QUIET) == first
    assert (runs(corpus, 0), runs(corpus, 1)) == (2, 1)


def test_a_partition_of_which_the_journal_has_a_part_only_is_not_marked(
    corpus: Corpus, engine: LocalEngine
) -> None:
    manifest = stage.run(corpus, engine, plan_of(corpus, ["a", "b"]), QUIET)
    table = corpus.table("clusters/edges")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with table.journal(manifest.partitions[:1]) as journal:
        room = journal.path.stat().st_size + 10
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                journal.mark(manifest.partitions[1])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert table.finished() == list(manifest.partitions[:1])


def test_a_journal_that_is_none_is_named(corpus: Corpus) -> None:
    folder = corpus.table("clusters/edges").folder
    folder.mkdir(parents=True)
    (folder / "_journal.jsonl").write_text("nothing\n{}\n")
    with pytest.raises(UserError, match=r"_journal\.jsonl: not a journal .* delete it"):
        stage.standing(corpus, plan_of(corpus, ["a"]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"in": 1', '"in": null'),
        ('"dropped": {}', '"dropped": {"dns": "1"}'),
        ('"dropped": {}', '"dropped": 0'),
        ('"file": "part', '"file": null, "_": "part'),
        ('"rows": 1', '"rows": "1"'),
        ('"counts": {', '"counts": null, "_": {'),
        ('"partitions": [', '"partitions": [null, '),
        ('"partitions": [', '"partitions": ' + "[" * 100_000),
    ],
    ids=["null", "text", "number", "nofile", "textrows", "nocounts", "nopartition", "endless"],
)
def test_a_manifest_of_another_shape_is_named(
    corpus: Corpus, engine: LocalEngine, old: str, new: str
) -> None:
    stage.run(corpus, engine, plan_of(corpus, ["a"]), QUIET)
    path = corpus.table("clusters/edges").folder / "_manifest.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=r"_manifest\.json: not a manifest .* delete it"):
        corpus.table("clusters/edges").manifest()


@pytest.mark.parametrize("file", ["/etc/hostname", "../part-00000.parquet"])
def test_a_manifest_that_names_files_elsewhere_is_refused(corpus: Corpus, file: str) -> None:
    corpus.table("pages").publish(Manifest("pages", 1, "", "", (Part(file, "", 0, 0, ""),), Counts()))
    with pytest.raises(
        UserError, match=r"not a manifest .a partition's file outside its table: '.*delete it"
    ):
        corpus.table("pages").manifest()


def test_another_tables_manifest_is_not_taken_for_a_tables(corpus: Corpus) -> None:
    corpus.table("pages").publish(Manifest("links", 1, "", "", (), Counts()))
    with pytest.raises(
        UserError, match=r"pages/_manifest\.json: not a manifest .it is that of links.: delete"
    ):
        corpus.table("pages").manifest()
