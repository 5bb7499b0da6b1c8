import time
from pathlib import Path
from threading import Event, Thread

import pytest

from pipelines import crawl_checks
from pipelines.request import Request
from webtext import store
from webtext.crawl.archives.pace import Pace, Stopped
from webtext.engine import EngineName
from webtext.errors import UserError
from webtext.recipe import Recipe
from webtext.sections import Crawl


def test_turns_are_shared_by_all_who_name_the_same_file(tmp_path: Path) -> None:
    times: list[float] = []

    def ask() -> None:
        Pace(tmp_path / "x.pace", 0.05, Event()).wait()
        times.append(time.monotonic())

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(times) - min(times) > 5 * 0.045


def test_a_hold_keeps_everybody_waiting(tmp_path: Path) -> None:
    started = time.monotonic()
    Pace(tmp_path / "x.pace", 0.0, Event()).hold(0.2)
    Pace(tmp_path / "x.pace", 0.0, Event()).wait()
    assert time.monotonic() - started > 0.19


def test_who_waits_is_stopped_at_once(tmp_path: Path) -> None:
    stop = Event()
    turn = Pace(tmp_path / "x.pace", 0.0, stop)
    turn.hold(60.0)
    stop.set()
    with pytest.raises(Stopped):
        turn.wait()


@pytest.mark.parametrize("text", ["", "garbage", "nan", "inf", "-1", "9999999999999"])
def test_a_broken_file_holds_nobody(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.pace"
    file.write_text(text)
    Pace(file, 0.0, Event()).wait()


def test_a_cluster_without_a_shared_disk_is_not_let_at_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    stored = store.folder_of("s3://bucket/corpus")
    assert Request(stored, engine=EngineName.RAY, ray_address="head:6379").shares_nothing
    assert not Request(stored, engine=EngineName.RAY).shares_nothing
    assert not Request(Path("corpus"), engine=EngineName.RAY, ray_address="head:6379").shares_nothing
    sources = Crawl(sources=["live", "warc:archives", "wayback"])
    with pytest.raises(UserError, match=r"crawl\.sources: wayback is asked at a pace"):
        crawl_checks.one_pace(Recipe(crawl=sources))
    crawl_checks.one_pace(Recipe(crawl=Crawl(sources=["live", "warc:archives"])))
