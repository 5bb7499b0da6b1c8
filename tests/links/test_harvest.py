"""The whole stage: sources in, the table of links out, exactly and repeatably."""

import gc
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines import explain, link_reading, link_steps, links
from tests.links.dumps import Row, harvest, made_up_rows, parts_of, post, write_dump
from webtext.corpus import Corpus
from webtext.engine import Report, Task
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.errors import UserError
from webtext.links import line_chunks, partition_of, partitions, recognition, slices, spill
from webtext.links import sources as link_sources
from webtext.links.canonical import canonicalise, link_id
from webtext.links.selection import Rules
from webtext.progress import Progress
from webtext.recipe import Recipe, override

A, B = "http://a.example/", "http://b.example/"
QUIET = Progress(quiet=True)


def naive(
    sources: list[list[Row | bytes]], min_karma: int, summed: bool
) -> tuple[Counter[str], dict[str, list[str]]]:
    """(counts by fate, submission ids by URL), from dictionaries, as one would explain it."""
    fates: Counter[str] = Counter()
    best: dict[str, tuple[tuple[int, int], Row]] = {}
    for order, row in enumerate(row for source in sources for row in source):
        if isinstance(row, bytes):
            fates["malformed"] += 1
            continue
        rank = (row["retrieved_on"], order)
        fates["superseded"] += row["id"] in best
        if row["id"] not in best or best[row["id"]][0] < rank:
            best[row["id"]] = (rank, row)
    found: dict[str, list[Row]] = {}
    for _, row in best.values():
        low = row["score"] < min_karma and not summed
        reason = "self_post" if row["is_self"] else "karma" if low else "over_18" if row["over_18"] else ""
        fates[reason] += 1
        if not reason:
            found.setdefault(canonicalise(row["url"]), []).append(row)
    for url, rows in list(found.items()):
        if summed and sum(row["score"] for row in rows) < min_karma:
            fates["karma"] += len(found.pop(url))
    urls = {
        url: [row["id"] for row in sorted(rows, key=lambda row: (row["created_utc"], row["id"]))]
        for url, rows in found.items()
    }
    del fates[""]
    return +fates, urls


@pytest.mark.parametrize("rule", ["any-post", "sum"])
def test_it_agrees_with_dictionaries_row_for_row(rule: str, tmp_path: Path) -> None:
    sources = [made_up_rows(3000, seed) for seed in (1, 2, 3)]
    manifest, table = harvest(tmp_path / "c", sources, f'karma_rule="{rule}"', "min_karma=6")
    fates, urls = naive(sources, 6, rule == "sum")
    assert manifest.counts.dropped == fates
    assert {link["url"]: [each["id"] for each in link["submissions"]] for link in table} == urls
    assert manifest.counts.into == 9000
    assert manifest.counts.merged == sum(map(len, urls.values())) - len(urls)


def test_a_later_retrieval_counts_even_if_it_fails_a_rule(tmp_path: Path) -> None:
    earlier = [
        post("1", A, 50, retrieved_on=1),
        post("2", A, 1, retrieved_on=1),
        post("3", B, 9, retrieved_on=1),
    ]
    later = [
        post("1", A, 1, retrieved_on=2),
        post("2", B, 50, retrieved_on=2),
        post("3", None, retrieved_on=2),
    ]
    for name, sources in (("one", [earlier, later]), ("other", [later, earlier])):
        manifest, (link,) = harvest(tmp_path / name, sources)
        assert (link["url"], link["karma"]) == (B, 50)
        assert manifest.counts.dropped == {"superseded": 3, "karma": 1, "no_url": 1}


def test_a_crosspost_is_a_submission_of_its_own_of_its_parents_url(tmp_path: Path) -> None:
    parent = post("1", A, 5, subreddit="one")
    shared = post("2", A, 4, subreddit="two", crosspost_parent="t3_1", crosspost_parent_list=[parent])
    of_text = post("3", "/r/one/comments/0/a/", 9, crosspost_parent_list=[post("0", A, is_self=True)])
    manifest, (link,) = harvest(tmp_path / "c", [[parent, shared, of_text]])
    assert [each["id"] for each in link["submissions"]] == ["1", "2"]
    assert (link["karma"], link["karma_sum"]) == (5, 9)
    assert manifest.counts.dropped == {"bad_url": 1}


def test_links_lie_in_the_partition_of_their_domain_in_the_order_of_their_ids(tmp_path: Path) -> None:
    manifest, _ = harvest(tmp_path / "c", [made_up_rows(3000, 1)])
    for number, part in enumerate(manifest.partitions):
        rows = pq.read_table(tmp_path / "c" / "links" / part.file).to_pylist()
        assert len(rows) == part.rows
        assert all(partition_of(row["domain"], len(manifest.partitions)) == number for row in rows)
        assert [row["id"] for row in rows] == sorted(link_id(row["url"]) for row in rows)


@pytest.mark.slow
def test_more_partitions_than_buckets_hold_the_same_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [made_up_rows(3000, seed) for seed in (1, 2)]
    few, one = harvest(tmp_path / "few", sources)
    monkeypatch.setattr(partitions, "ROWS", 4)
    monkeypatch.setattr(link_reading, "KEYS_AT_ONCE", 500)
    monkeypatch.setattr(spill, "CHUNK_ROWS", 300)
    monkeypatch.setattr(spill, "CHUNK_KEYS", 300)
    monkeypatch.setattr(spill, "PENDING_ROWS", 100)
    many, other = harvest(tmp_path / "many", sources)
    assert (len(few.partitions), len(many.partitions)) == (16, 512)
    assert sorted(one, key=lambda row: row["id"]) == sorted(other, key=lambda row: row["id"])
    assert few.counts == many.counts


@pytest.mark.slow
def test_the_number_of_workers_does_not_change_a_byte(tmp_path: Path) -> None:
    sources = [write_dump(tmp_path / f"{n}.zst", made_up_rows(2000, n)) for n in range(3)]
    results = []
    for workers in (1, 3):
        with LocalEngine(workers) as engine:
            harvest(tmp_path / str(workers), sources, engine=engine)
        results.append(parts_of(tmp_path / str(workers)))
    assert results[0] == results[1]


class ThreeWorkers(InlineEngine):
    """Counts how many items each task was mapped over."""

    workers = 3

    def __init__(self) -> None:
        self.mapped: Counter[str] = Counter()

    def map(self, task: Task, items: Sequence[Any], report: Report) -> Iterator[Any]:
        self.mapped[task.__name__] += len(items)
        return super().map(task, items, report)


def test_a_dump_that_workers_share_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = write_dump(tmp_path / "RS.zst", [*made_up_rows(3000, 8), b"{broken at the end"])
    alone, _ = harvest(tmp_path / "alone", [dump])
    monkeypatch.setattr(slices, "BLOCK_BYTES", 10_000)
    monkeypatch.setattr(link_sources, "MIN_SHARED_BYTES", 0)
    engine = ThreeWorkers()
    shared, _ = harvest(tmp_path / "shared", [dump], engine=engine)
    assert engine.mapped["spill_source"] == 3
    assert parts_of(tmp_path / "alone") == parts_of(tmp_path / "shared")
    assert alone == shared
    assert alone.extra["sources"][0]["examples"]["malformed"] == "{broken"


def test_a_line_beyond_all_measure_is_counted_once_by_workers_that_share_its_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("CHUNK_BYTES", "MAX_LINE_BYTES"):
        monkeypatch.setattr(line_chunks, limit, 1 << 16)
    dump = write_dump(tmp_path / "RS.zst", [post("1", A), b"x" * 200_000, *made_up_rows(1000, 8)])
    alone, _ = harvest(tmp_path / "alone", [dump])
    monkeypatch.setattr(slices, "BLOCK_BYTES", 10_000)
    monkeypatch.setattr(link_sources, "MIN_SHARED_BYTES", 0)
    shared, _ = harvest(tmp_path / "shared", [dump], engine=ThreeWorkers())
    assert alone == shared


def test_where_a_dump_lies_and_what_it_is_called_does_not_change_a_byte(tmp_path: Path) -> None:
    one = write_dump(tmp_path / "RS_2011-01.zst", made_up_rows(500, 1))
    (tmp_path / "elsewhere").mkdir()
    harvest(tmp_path / "a", [one])
    harvest(tmp_path / "b", [one.rename(tmp_path / "elsewhere" / "dump")])
    assert parts_of(tmp_path / "a") == parts_of(tmp_path / "b")


def test_a_second_harvest_has_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_dump(tmp_path / "x.zst", made_up_rows(500, 1))
    first, _ = harvest(tmp_path / "c", [source])
    monkeypatch.setattr(links, "spill", None)
    assert harvest(tmp_path / "c", [source])[0] == first
    assert harvest(tmp_path / "c", [])[0] == first  # the sources are remembered
    source.unlink()
    assert harvest(tmp_path / "c", [])[0] == first  # and not needed
    assert not (tmp_path / "c" / "links" / "spill").exists()


def test_sources_in_another_order_are_another_input(tmp_path: Path) -> None:
    one, other = (str(write_dump(tmp_path / url[7], [post("1", url, 9)])) for url in (A, B))
    assert [link["url"] for link in harvest(tmp_path / "c", [one, other])[1]] == [B]  # the later one wins
    assert not links.find(Corpus(tmp_path / "c"), Recipe(), [one, other], QUIET)
    assert links.find(Corpus(tmp_path / "c"), Recipe(), [other, one], QUIET)


def test_an_interrupted_harvest_is_said_to_have_been_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_steps, "merge", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        harvest(tmp_path / "c", [[post("1", A, 5)]])
    assert links.standing(Corpus(tmp_path / "c"), Recipe()).why == "the last run was interrupted"


def test_a_pass_over_a_source_reports_all_its_rows_and_leaves_the_interpreter_as_it_was(
    tmp_path: Path,
) -> None:
    rows = [*made_up_rows(500, 1), b"{broken", b"{broken"]
    dump = write_dump(tmp_path / "x.zst", rows)
    (source,) = recognition.resolve(link_sources.find(str(dump)))
    (tmp_path / "spill").mkdir()
    item = link_steps.SourceItem(tmp_path / "spill", "key", source, slices.WHOLE, Rules.of(Recipe().links))
    told, before = Counter[str](), sys.getswitchinterval()

    def report(rows: int, dropped: dict[str, int], _: dict[str, float] | None = None, /) -> None:
        told.update({"rows": rows} | dropped)

    with pytest.MonkeyPatch.context() as often:
        often.setattr(link_steps, "REPORT_EVERY_S", -1.0)
        link_steps.spill_source(item, report)
    summary = link_steps.spilled(tmp_path / "spill", "key").summary
    assert told == Counter({"rows": 502}) + Counter(summary.dropped)
    assert summary.dropped["malformed"] == sum(row == b"{broken" for row in rows)
    assert (sys.getswitchinterval(), gc.isenabled()) == (before, True)


def test_spills_of_other_rules_columns_and_shares_are_other_files(tmp_path: Path) -> None:
    def key(rules: Rules, written: str, share: slices.Slice) -> str:
        (source,) = recognition.resolve(link_sources.find(written))
        return link_reading._spill_key(rules, source, share)

    (tmp_path / "x").write_text("url,page\nhttp://a.example/,http://b.example/\n")
    rules, path = Rules.of(Recipe().links), str(tmp_path / "x")
    others = [
        key(rules, path, slices.WHOLE),
        key(Rules.of(override(Recipe(), ["links.min_karma=7"]).links), path, slices.WHOLE),
        key(rules, f"{path}?url=page", slices.WHOLE),
        key(rules, path, slices.Slice(0, 3)),
        key(rules, path, slices.Slice(1, 3)),
    ]
    assert len(set(others)) == 5


@pytest.mark.parametrize(
    ("workers", "sources", "shares"), [(1, 1, 1), (3, 1, 3), (3, 2, 2), (16, 1, 4), (8, 8, 1)]
)
def test_a_dump_is_shared_by_workers_that_would_be_idle_four_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, sources: int, shares: int
) -> None:
    monkeypatch.setattr(link_sources, "MIN_SHARED_BYTES", 0)
    monkeypatch.setattr(link_reading, "HAS_SCANNER", False)
    (source,) = recognition.resolve(link_sources.find(str(write_dump(tmp_path / "x.zst", [post("1")]))))
    found = link_reading._slices(source, workers, sources)
    assert found == [slices.Slice(n, shares) for n in range(shares)]
    monkeypatch.setattr(link_reading, "HAS_SCANNER", True)
    assert len(link_reading._slices(source, workers, sources)) == (1 if shares == 2 else shares)


def test_sources_are_read_again_where_they_hold_something_else(tmp_path: Path) -> None:
    source, corpus = write_dump(tmp_path / "x.zst", made_up_rows(500, 1)), Corpus(tmp_path / "c")
    harvest(corpus.root, [source])
    assert not links.find(corpus, Recipe(), [str(source)], QUIET)
    write_dump(source, made_up_rows(500, 2))
    assert links.find(corpus, Recipe(), [str(source)], QUIET)


@pytest.mark.parametrize("large", [True, False])
def test_how_far_large_sources_are_looked_at_is_shown(
    large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_dump(tmp_path / "x.zst", made_up_rows(500, 1))
    size = source.stat().st_size
    monkeypatch.setattr("pipelines.link_sources.LARGE_BYTES", size if large else size + 1)
    links.find(Corpus(tmp_path / "c"), Recipe(), [str(source)], Progress())
    told = capsys.readouterr().err
    assert told.startswith(f"sources, bytes: {size:,} of {size:,}") if large else not told


def test_standing_says_what_is_stale_without_doing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_dump(tmp_path / "x.zst", made_up_rows(500, 1))
    corpus, recipe = Corpus(tmp_path / "c"), Recipe()
    assert links.standing(corpus, recipe).why == "never run"
    harvest(corpus.root, [source])
    assert links.standing(corpus, recipe).current
    assert links.standing(corpus, override(recipe, ["links.min_karma=7"])).why == "recipe changed"
    assert links.standing(corpus, override(recipe, ["crawl.threads=7"])).current
    with monkeypatch.context() as newer:
        newer.setattr(links, "VERSION", link_reading.VERSION + 1)
        assert links.standing(corpus, recipe).why == "code version changed"
    next((corpus.root / "links").glob("*.parquet")).unlink()
    assert links.standing(corpus, recipe).why == "files changed"


def test_another_rule_reads_the_remembered_sources_again(tmp_path: Path) -> None:
    source = write_dump(tmp_path / "x.zst", [post("1", A, 5), post("2", B, 9)])
    assert len(harvest(tmp_path / "c", [source])[1]) == 2
    assert [link["url"] for link in harvest(tmp_path / "c", [], "min_karma=6")[1]] == [B]
    source.unlink()
    with pytest.raises(UserError, match="no such file"):
        harvest(tmp_path / "c", [], "min_karma=7")


def test_without_any_source_ever_given_it_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--links SOURCE"):
        harvest(tmp_path / "c", [])


def test_the_manifest_tells_of_each_source(tmp_path: Path) -> None:
    dump = [post("1", A, 5), post("2", B, 1, retrieved_on=1), b'{"broken', post("3", "/r/x"), post("2", B, 1)]
    urls = tmp_path / "urls"
    urls.write_text(f"{A}\nmailto:me\n")
    manifest, _ = harvest(tmp_path / "c", [dump, urls])
    first, second = manifest.extra["sources"]
    assert first["source"].endswith("c-0.zst") and second["source"] == str(urls)
    assert first["in"] == 5 and first["dropped"] == {
        "bad_url": 1,
        "karma": 1,
        "malformed": 1,
        "superseded": 1,
    }
    assert first["examples"] == {"bad_url": "/r/x", "malformed": '{"broken'}
    assert second["in"] == 2 and second["dropped"] == {"scheme": 1}
    assert len(first["hash"]) == 32


def test_a_truncated_dump_is_used_up_to_its_break(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(1)
    rows = [post(f"{n:x}", f"http://site.example/{chance.random()}") for n in range(1, 20_001)]
    path = write_dump(tmp_path / "x.zst", rows)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    manifest, table = harvest(tmp_path / "c", [path])
    assert 10_000 < len(table) < 20_000
    assert manifest.counts.into == len(table)  # the row that was cut is none
    assert "cut short" in manifest.extra["sources"][0]["broken"]
    assert f"used up to there, {len(table):,} submissions" in capsys.readouterr().err  # quiet or not


def test_nothing_that_qualifies_is_an_error_with_the_counts_and_leaves_nothing(tmp_path: Path) -> None:
    rows = [post("1", A, 1), post("2", A, 2), post("3", B, 9, is_self=True)]
    for rule in ("any-post", "sum"):
        with pytest.raises(UserError, match="no link qualified: 3 submissions, 2 karma, 1 self_post"):
            harvest(tmp_path / "c", [rows], f'karma_rule="{rule}"', "min_karma=5")
        assert not list((tmp_path / "c").rglob("*.parquet")) and not list((tmp_path / "c").rglob("spill*"))


@pytest.mark.parametrize("rule", ["any-post", "sum"])
def test_links_that_are_there_survive_rules_that_let_nothing_through(tmp_path: Path, rule: str) -> None:
    harvest(tmp_path / "c", [[post("1", A, 5), post("2", A, 5)]])
    before = parts_of(tmp_path / "c")
    with pytest.raises(UserError, match="no link qualified: 2 submissions, 2 karma"):
        harvest(tmp_path / "c", [], "min_karma=100", f'karma_rule="{rule}"')
    assert parts_of(tmp_path / "c") == before
    assert links.standing(Corpus(tmp_path / "c"), Recipe()).current


HARVEST = """
import sys
from pathlib import Path
from tests.links.dumps import harvest
from webtext.engine import Report, Task
from webtext.engine.local import LocalEngine
if __name__ == "__main__":
    with LocalEngine(2) as engine:
        harvest(Path(sys.argv[1]), sys.argv[2:], engine=engine)
"""


@pytest.mark.parametrize(
    "sign",
    [
        "spill/*.rows",
        pytest.param("spill/*.json", marks=pytest.mark.slow),
        pytest.param("spill/*.superseded", marks=pytest.mark.slow),
        pytest.param("part-0000[1-3].parquet", marks=pytest.mark.slow),
    ],
)
def test_killed_in_any_of_its_steps_and_run_again_it_gives_the_same_bytes(sign: str, tmp_path: Path) -> None:
    sources = [str(write_dump(tmp_path / f"{n}.zst", made_up_rows(5000, n))) for n in range(3)]
    harvest(tmp_path / "undisturbed", sources)
    script = tmp_path / "run.py"
    script.write_text(HARVEST)
    command = [sys.executable, str(script), str(tmp_path / "killed"), *sources]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    while process.poll() is None and not list((tmp_path / "killed" / "links").glob(sign)):
        time.sleep(0.001)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    harvest(tmp_path / "killed", sources)
    assert parts_of(tmp_path / "killed") == parts_of(tmp_path / "undisturbed")


def test_a_source_that_was_read_whole_before_a_kill_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [made_up_rows(300, n) for n in range(2)]
    monkeypatch.setattr(links, "settle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        harvest(tmp_path / "c", sources)
    monkeypatch.undo()
    monkeypatch.setattr(link_steps, "Reading", None)
    assert harvest(tmp_path / "c", sources)[0].counts.into == 600


def test_a_true_dump_of_2005_counts_as_a_plain_loop_counts_it(shared: Path, tmp_path: Path) -> None:
    path = shared / "reddit" / "RS_2005-07.zst"
    with path.open("rb") as file:
        stream = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(file)
        rows: list[dict[str, Any]] = [json.loads(line) for line in io.TextIOWrapper(stream, "utf-8")]
    manifest, table = harvest(tmp_path / "c", [path])
    popular = [row for row in rows if row["score"] >= 3]
    pages = [
        row for row in popular if not row["url"].lower().endswith((".pdf", ".jpg", ".gif", ".png", ".mp3"))
    ]
    assert manifest.counts.into == len(rows) == 1079
    assert manifest.counts.dropped["karma"] == len(rows) - len(popular)
    assert len(table) + manifest.counts.merged == len(pages)


def test_a_url_without_a_link_is_told_what_was_left_out_and_of_how_many(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "c")
    harvest(corpus.root, [[post("1", A, 5), post("2", B, 1), post("3", B, 2), post("4", "nonsense", 9)]])
    corpus.freeze(Recipe())
    with pytest.raises(UserError, match="left out so far, of 4 submissions: 2 karma, 1 bad_url"):
        explain.run(corpus.root, B)
