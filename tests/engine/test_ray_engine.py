"""Ray behaves as local processes do: results, reports, exceptions, deaths."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.test_local_engine import die, die_once, refuse, square
from webtext.errors import RunFailed, UserError

pytest.importorskip("ray", reason="needs the extra: pip install 'webtext[ray]'")

from webtext.engine import ray
from webtext.engine.ray import RayEngine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine() -> Iterator[RayEngine]:
    with RayEngine(2) as engine:
        yield engine


def test_ray_itself_says_nothing_on_stderr() -> None:
    code = "from webtext.engine.ray import RayEngine; RayEngine(1).close()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_every_item_gives_one_result_and_all_reports_arrive(engine: RayEngine) -> None:
    reported: list[tuple[int, dict[str, int]]] = []
    results = list(engine.map(square, range(50), lambda *told: reported.append(told)))
    assert sorted(results) == [number * number for number in range(50)]
    assert sum(rows for rows, _ in reported) == 50


def test_a_task_whose_process_dies_is_tried_again(engine: RayEngine, tmp_path: Path) -> None:
    assert list(engine.map(die_once, [tmp_path / "marker"], lambda *_: None)) == ["second attempt"]


def test_a_task_that_always_kills_its_process_is_named(engine: RayEngine) -> None:
    with pytest.raises(RunFailed, match="die of 7: its process died, 4 times"):
        list(engine.map(die, [7], lambda *_: None))


def test_an_exception_keeps_its_type_and_its_words(engine: RayEngine) -> None:
    with pytest.raises(UserError) as refused:
        list(engine.map(refuse, [1], lambda *_: None))
    assert str(refused.value) == "this is wrong: do that"
    assert list(engine.map(square, [3], lambda *_: None)) == [9]


def test_a_map_that_failed_leaves_no_task_to_the_next_one(engine: RayEngine) -> None:
    with pytest.raises(UserError):
        list(engine.map(refuse, [1, 2, 3, 4], lambda *_: None))
    assert list(engine.map(square, [3], lambda *_: None)) == [9]


def test_ray_takes_the_cluster_file_of_the_handbook() -> None:
    import yaml
    from ray.autoscaler._private.util import prepare_config, validate_config

    text = (Path(__file__).parents[2] / "docs" / "ray-cluster.yaml").read_text("utf-8")
    validate_config(prepare_config(yaml.safe_load(text)))


@pytest.mark.parametrize(
    ("address", "said"), [("127.0.0.1:9", "no Ray cluster there"), ("nohost", "not HOST:PORT")]
)
def test_no_cluster_at_an_address_is_one_line(address: str, said: str) -> None:
    with pytest.raises(UserError, match=f"--ray-address {address}: {said}"):
        RayEngine(1, address)


def test_an_address_of_the_environment_is_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(UserError, match="RAY_ADDRESS=auto: not HOST:PORT"):
        RayEngine(1)


def test_a_server_that_is_not_ray_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "ANSWER_S", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(UserError, match="gives no answer"):
        RayEngine(1, f"127.0.0.1:{server.getsockname()[1]}")
