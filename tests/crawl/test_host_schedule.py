import itertools

from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.schedule import Schedule


def drain(schedule: Schedule[str], seconds: float = 0.1) -> list[tuple[float, str, str]]:
    """Runs a schedule on a simulated clock, each errand taking `seconds`: (start, host, errand)."""
    now = 0.0
    running: list[tuple[float, str]] = []
    log: list[tuple[float, str, str]] = []
    while True:
        for end, name in [turn for turn in running if turn[0] <= now]:
            running.remove((end, name))
            schedule.release(name, end, schedule.delay_s)
        while turn := schedule.take(now):
            log.append((now, *turn))
            running.append((now + seconds, turn[0]))
        times = [end for end, _ in running]
        due = schedule.next_due()
        times += [] if due is None else [due]
        if not times:
            return log
        now = max(now, min(times))


def test_a_host_rests_between_the_end_of_an_errand_and_the_next() -> None:
    log = drain(Schedule(1.0, 1, {"a": ["1", "2", "3"]}, 9))
    assert [round(start, 3) for start, _, _ in log] == [0.0, 1.1, 2.2]


def test_hosts_do_not_wait_for_each_other() -> None:
    log = drain(Schedule(1.0, 1, {"a": ["1"], "b": ["1"]}, 9))
    assert {start for start, _, _ in log} == {0.0}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.lists(st.text("xy", max_size=3), min_size=1), min_size=1),
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.05, 0.5]),
)
def test_every_errand_is_given_once_and_never_too_soon(
    queues: dict[str, list[str]], connections: int, window: int, delay_s: float
) -> None:
    log = drain(Schedule(delay_s, connections, queues, window))
    for name, errands in queues.items():
        starts = [start for start, host, _ in log if host == name]
        assert [errand for _, host, errand in log if host == name] == errands
        assert all(after - before >= delay_s - 1e-9 for before, after in itertools.pairwise(starts))
    assert len(log) == sum(map(len, queues.values()))


def test_parallel_connections_keep_their_distance_too() -> None:
    log = drain(Schedule(0.2, 2, {"a": ["1", "2", "3"]}, 9), seconds=10.0)
    assert [round(start, 3) for start, _, _ in log] == [0.0, 0.2, 10.4]


def test_the_host_with_the_most_links_comes_first() -> None:
    log = drain(Schedule(1.0, 1, {"a": ["1"], "b": ["1", "2"]}, window=1))
    assert [name for _, name, _ in log] == ["b", "b", "a"]


def test_a_longer_pause_is_kept() -> None:
    schedule = Schedule(1.0, 1, {"a": ["1", "2"]}, 9)
    assert schedule.take(0.0) == ("a", "1")
    schedule.release("a", 0.5, 30.0)
    assert schedule.take(30.4) is None
    assert schedule.next_due() == 30.5
    assert schedule.take(30.5) == ("a", "2")


def test_a_longer_pause_is_kept_whatever_a_parallel_connection_gets() -> None:
    schedule = Schedule(1.0, 2, {"a": ["1", "2", "3"]}, 9)
    schedule.take(0.0)
    schedule.take(1.0)
    schedule.release("a", 1.5, 30.0)
    schedule.release("a", 1.6, 1.0)
    assert schedule.take(31.4) is None
    assert schedule.take(31.5) == ("a", "3")


def test_an_errand_that_asked_nothing_costs_no_time() -> None:
    schedule = Schedule(1.0, 1, {"a": ["1", "2"]}, 9)
    schedule.take(5.0)
    schedule.cancel("a", 5.0)
    assert schedule.take(5.0) == ("a", "2")


def test_an_errand_for_a_new_host_or_for_the_front_is_taken_in() -> None:
    schedule: Schedule[str] = Schedule(1.0, 1, {"a": ["2"]}, 9)
    schedule.add("a", "1", first=True)
    schedule.add("b", "1")
    assert {schedule.take(0.0), schedule.take(0.0)} == {("a", "1"), ("b", "1")}
    assert schedule.take(0.0) is None


def test_a_host_that_is_done_is_forgotten_only_after_its_rest() -> None:
    schedule: Schedule[str] = Schedule(1.0, 1, {"a": ["1"]}, 9)
    schedule.take(0.0)
    schedule.release("a", 0.1, 1.0)
    schedule.add("a", "2")
    assert schedule.take(1.0) is None
    assert schedule.take(1.1) == ("a", "2")


def test_the_longest_hosts_are_known_whether_in_turn_or_later() -> None:
    queues = {"a": [1, 2, 3], "b": [4], "c": [5, 6]}
    schedule = Schedule(1.0, 1, queues, window=1)
    assert schedule.longest_s(2, lambda _: 1.0, 0.0) == {"a": 3.0, "c": 2.0}
    schedule.take(0.0)
    assert schedule.longest_s(2, lambda _: 1.0, 0.0) == {"a": 2.0, "c": 2.0}


def test_a_host_in_a_long_pause_is_among_the_longest_until_it_is_due() -> None:
    schedule = Schedule(1.0, 1, {"a": [1, 2, 3], "b": [4, 5]}, window=2)
    schedule.take(0.0)
    schedule.take(0.0)
    schedule.release("b", 0.0, pause_s=300.0)
    assert schedule.longest_s(1, lambda _: 1.0, 20.0) == {"b": 280.0}
