import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from pipelines import crawl_checks
from pipelines.request import Request
from tests.crawl.loopback import Crawled, Page, Web
from webtext import store
from webtext.crawl.archives import service
from webtext.crawl.archives.captures import Pointer, Unavailable, capture_time, nearest
from webtext.crawl.archives.pace import Pace, Stopped
from webtext.crawl.network import Network
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


@pytest.mark.parametrize("wait_s", [0.0, 1e9])
def test_a_hold_is_not_ended_by_another(tmp_path: Path, wait_s: float) -> None:
    stop = Event()
    turn = Pace(tmp_path / "x.pace", 0.0, stop)
    turn.hold(60.0)
    turn.hold(wait_s)
    stop.set()
    with pytest.raises(Stopped):
        turn.wait()


@pytest.fixture
def asked(web: Web, crawled: Crawled) -> Iterator[Callable[..., int]]:
    """The status that a service gives of pages; with `stop`, it ends where it would wait."""
    network, stop = Network(crawled.recipe().crawl), Event()
    one = service.Service(network, crawled.folder, "one", 0.0, stop)

    def ask(*pages: Page, stopped: bool = False) -> int:
        stop.set() if stopped else stop.clear()
        return one.get(web.site(a=list(pages)).url("/a"), lambda *_: 1000).status

    yield ask
    network.close()


@pytest.mark.usefixtures("archive")
def test_what_was_captured_is_an_answer_whatever_its_status(asked: Callable[..., int]) -> None:
    assert asked(Page(b"", 503, (("Memento-Datetime", "Tue, 18 Feb 2014 12:00:00 GMT"),))) == 503


@pytest.mark.usefixtures("archive")
def test_only_requests_in_a_row_without_an_answer_are_given_up(
    asked: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TRIES", 1)
    monkeypatch.setattr(service, "GIVE_UP_AFTER", 2)
    for _ in range(3):
        with pytest.raises(Unavailable, match="status 500"):
            asked(Page(b"", 500))
        assert asked(Page()) == 200


def test_a_service_that_names_a_time_is_left_alone_until_then(
    asked: Callable[..., int], crawled: Crawled
) -> None:
    with pytest.raises(Stopped):
        asked(Page(b"", 503, (("Retry-After", "200"),)), stopped=True)
    assert float((crawled.folder / "one.pace").read_text()) - time.time() == pytest.approx(200, abs=5)


def test_a_service_that_cannot_be_reached_is_left_alone_for_a_moment(crawled: Crawled) -> None:
    network, stop = Network(crawled.recipe().crawl), Event()
    stop.set()  # whoever would wait ends
    with pytest.raises(Stopped):
        service.Service(network, crawled.folder, "one", 0.0, stop).get("http://127.255.0.1:9/", lambda *_: 9)


def test_of_two_captures_as_near_the_earlier_is_tried_first() -> None:
    day = datetime(2014, 2, 18, tzinfo=UTC)
    found = [Pointer(day + timedelta(days=days), "http://a.test/") for days in (1, -3, -1, 2)]
    assert [(pointer.at - day).days for pointer in nearest(found, day)] == [-1, 1, 2]


@pytest.mark.parametrize(
    "text", ["2014030208000", "201403020800000", "2014-03-02T080", "20141302080000", "", None]
)
def test_what_is_no_time_of_an_index_is_none(text: str | None) -> None:
    assert capture_time(text) is None


def test_mirrors_of_archives_may_be_named_with_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBTEXT_WAYBACK_URL", "http://mirror.test/wayback/")
    assert service.addresses().wayback == "http://mirror.test/wayback"


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
