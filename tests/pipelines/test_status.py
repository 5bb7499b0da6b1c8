"""What `webtext status` tells of a crawl, while it runs and later."""

import json
import re
import time
from pathlib import Path

import pytest

from pipelines import ledger, links, status
from tests.crawl.archive_site import warc_record
from tests.crawl.loopback import Crawled, Page, Web
from webtext import progress, show, stage
from webtext.engine.inline import InlineEngine
from webtext.progress import Progress
from webtext.recipe import override
from webtext.tally import Tally


@pytest.fixture
def crawled(tmp_path: Path) -> Crawled:
    crawled = Crawled(tmp_path / "corpus")
    crawled.corpus.freeze(crawled.recipe(per_host_delay_s=0.3))
    return crawled


def test_a_finished_crawl_names_the_hosts_that_it_waited_for(
    web: Web, crawled: Crawled, capsys: pytest.CaptureFixture[str]
) -> None:
    slow, quick = web.site(), web.site(p0=Page())
    slow.pages |= {f"/p{n}": Page() for n in range(6)}
    crawled.crawl([*(slow.url(f"/p{n}") for n in range(7)), quick.url("/p0")], per_host_delay_s=0.3)
    told = status.run(crawled.corpus.root)
    (row,) = [row for row in told["stages"] if row["stage"] == "pages"]
    assert next(iter(row["last_run"]["slowest_s"])) == "127.0.0.2"
    assert 1.0 < row["last_run"]["slowest_s"]["127.0.0.2"] <= row["last_run"]["seconds"]
    assert row["counts"]["dropped"] == {"not_found": 1}
    assert row["now"] is None
    show.status(told)
    assert "pages: the last run waited longest for 127.0.0.2" in capsys.readouterr().out


def test_a_run_that_has_not_ended_tells_how_far_it_is(
    crawled: Crawled, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "KEEP_EVERY_S", -1.0)
    listed = tmp_path / "urls.txt"
    listed.write_text("".join(f"http://127.0.0.2/{n}\n" for n in range(100)))
    corpus, quiet = crawled.corpus, Progress(quiet=True)
    links.harvest(corpus, InlineEngine(), corpus.recipe(), [str(listed)], quiet)
    with quiet.bar("pages", 100, corpus.root / "progress.json") as bar:
        bar(40, {"dns": 3}, {"slow.example": 7230.0})
    with corpus.table("pages").journal([]):
        told = status.run(corpus.root)
    (row,) = [row for row in told["stages"] if row["stage"] == "pages"]
    assert (row["state"], row["now"]["rows"], row["now"]["dropped"]) == ("unfinished", 40, {"dns": 3})
    show.status(told)
    line = capsys.readouterr().out.splitlines()[-1]
    told_line = r"pages: \d+ s ago 40 of 100, \S+/s, 2 h left \(dns 3\); slowest: slow.example 2 h"
    assert re.fullmatch(told_line, line)


def test_a_finished_run_leaves_no_progress_behind(web: Web, crawled: Crawled) -> None:
    crawled.crawl([web.site(p=Page()).url("/p")])
    assert not (crawled.corpus.root / "progress.json").exists()


@pytest.mark.parametrize("line", [b'{"sta\xe7e": 1}', b"5", b'{"stage": "links"}', b"[" * 100_000])
def test_a_damaged_line_of_the_history_costs_what_it_told_alone(crawled: Crawled, line: bytes) -> None:
    whole = b'{"stage": "pages", "rows": 9, "seconds": 1.5}'
    (crawled.corpus.root / "history.jsonl").write_bytes(line + b"\n" + whole + b"\n")
    (crawled.corpus.root / "progress.json").write_bytes(b"5")
    told = status.run(crawled.corpus.root)
    show.status(told)
    runs = {row["stage"]: row["last_run"] for row in told["stages"]}
    assert (runs["links"], runs["pages"]) == (None, {"rows": 9, "seconds": 1.5})


def test_all_that_comes_of_links_waits_for_them(crawled: Crawled, tmp_path: Path) -> None:
    corpus, recipe, listed = crawled.corpus, crawled.corpus.recipe(), tmp_path / "urls.txt"
    listed.write_text("http://127.0.0.2/p\n")
    links.harvest(corpus, InlineEngine(), recipe, [str(listed)], Progress(quiet=True))
    other = override(recipe, ["links.extensions_blocked=[]"])
    told = {row["stage"]: (row["state"], row["why"]) for row in status.stages(corpus, other)}
    assert told["links"] == ("stale", "recipe changed")
    assert told["pages"] == told["ledger"] == ("waits", "for links")


def test_the_last_run_of_a_stage_that_can_be_believed_is_told(crawled: Crawled) -> None:
    runs: list[dict[str, float]] = [
        {"rows": 1, "seconds": 1.0},
        {"rows": 0, "seconds": 0.0},
        {"rows": 3, "seconds": -1.0},
        {"rows": -1},
    ]
    lines = [json.dumps({"stage": "pages", **run}) for run in runs]
    (crawled.corpus.root / "history.jsonl").write_text("\n".join(lines))
    (row,) = [row for row in status.run(crawled.corpus.root)["stages"] if row["stage"] == "pages"]
    assert row["last_run"] == runs[1]


def test_a_corpus_is_told_by_its_name_and_its_recipes(crawled: Crawled) -> None:
    told = status.run(crawled.corpus.root)
    assert (told["corpus"], told["recipe"]) == ("corpus", crawled.recipe().name)
    assert {(row["state"], row["last_run"]) for row in told["stages"]} == {("missing", None), ("waits", None)}


def test_what_is_told_is_json() -> None:
    tally = Tally("pages", 10)
    tally.add(0, {}, {"a.example": 4.0})
    assert json.loads(json.dumps(tally.facts()))["seconds_left"] is None
    time.sleep(0.01)
    tally.add(10, {}, {"a.example": 0.0})
    assert tally.slowest_left_s() == {}
    assert list(tally.slowest_s()) == ["a.example"]


def test_archives_that_are_gone_are_told_of_and_the_rest_too(crawled: Crawled, tmp_path: Path) -> None:
    archive, listed = tmp_path / "old.warc.gz", tmp_path / "urls.txt"
    archive.write_bytes(warc_record("http://127.0.0.2/p", b"<p>x", "2014-02-19T00:00:00Z"))
    listed.write_text("http://127.0.0.2/p\n")
    corpus, recipe = crawled.corpus, crawled.recipe(sources=[f"warc:{archive}"])
    corpus.freeze(recipe)
    links.harvest(corpus, InlineEngine(), recipe, [str(listed)], Progress(quiet=True))
    crawled.crawl(sources=[f"warc:{archive}"])
    stage.run(corpus, InlineEngine(), ledger.plan(corpus, ["pages"]), Progress(quiet=True))
    archive.unlink()
    told = {row["stage"]: row for row in status.stages(corpus, recipe)}
    assert (told["pages"]["state"], told["pages"]["counts"]["out"]) == ("stale", 1)
    assert f"no file matches '{archive}'" in told["pages"]["why"]
    assert [told[name]["why"] for name in ("documents", "clusters")] == ["for pages", "for documents"]
    assert told["ledger"]["state"] == "stale"  # it tells of those pages
    given = {row["stage"]: row["state"] for row in status.stages(corpus, recipe, ("links", "pages"))}
    assert (given["documents"], given["ledger"]) == ("missing", "current")  # what a build would make
