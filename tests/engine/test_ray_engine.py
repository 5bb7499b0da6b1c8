"""Ray behaves as local processes do: results, reports, exceptions, deaths."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.test_local_engine import die, die_once, refuse, square
from webtext.errors import RunFailed, UserError

pytest.importorskip("ray", reason="needs the extra: pip install 'webtext[ray]'")

from webtext.engine import ray
from webtext.engine.ray import RayEngine

pytestmark = pytest.mark.slow

TOKEN = "tokenofthetests"
OTHER_VERSION = "import os; os.environ['RAY_AUTH_MODE'] = 'token'; import ray; ray.__version__ = '1.0.0'"


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


def test_a_lost_node_of_the_command_itself_ends_it_in_a_line(
    engine: RayEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = pytest.importorskip("ray")
    gone = library.remote(num_cpus=0)(ray._Mailbox).remote()
    library.kill(gone)
    monkeypatch.setattr(engine, "_mailbox", gone)
    with pytest.raises(RunFailed, match=r"^Ray lost this command's node, or its actor there"):
        list(engine.map(square, [1], lambda *_: None))


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


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A head of one core that wants a token, as Ray's do where one of its own clusters ran before."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the paths of sockets are short
        options = [f"--port={port}", "--num-cpus=1", "--include-dashboard=false", f"--temp-dir={folder}"]
        head = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *options],
            env=os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while subprocess.run(joining(f"127.0.0.1:{port}"), env=known(TOKEN), capture_output=True).returncode:
            assert head.poll() is None
        yield f"127.0.0.1:{port}"
        os.killpg(head.pid, signal.SIGKILL)
        head.wait()


def joining(address: str, before: str = "") -> list[str]:
    """A command that joins a cluster, and says why it cannot."""
    code = f"""{before}
from webtext.engine.ray import RayEngine, UserError
try:
    RayEngine(1, "{address}").close()
except UserError as error:
    raise SystemExit(str(error))"""
    return [sys.executable, "-c", code]


def known(token: str) -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if name != "RAY_AUTH_MODE"} | {
        "RAY_AUTH_TOKEN": token
    }


@pytest.mark.parametrize(
    ("token", "before", "said"),
    [
        (TOKEN, "", ""),
        ("anothertoken", "", "the cluster wants its token, which this machine does not have; copy its"),
        (TOKEN, OTHER_VERSION, "Ray cannot join it (Version mismatch"),
    ],
)
def test_a_cluster_is_joined_with_its_token_and_by_its_version(
    address: str, token: str, before: str, said: str
) -> None:
    asked = subprocess.run(joining(address, before), env=known(token), capture_output=True, text=True)
    assert asked.stderr.startswith(f"--ray-address {address}: {said}" if said else "")
    assert len(asked.stderr.splitlines()) == (1 if said else 0)


def test_an_address_of_the_environment_is_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(UserError, match="RAY_ADDRESS=auto: not HOST:PORT"):
        RayEngine(1)


def test_a_server_that_is_not_ray_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "ANSWER_S", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(UserError, match="gives no answer"):
        RayEngine(1, f"127.0.0.1:{server.getsockname()[1]}")
