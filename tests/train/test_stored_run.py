"""A run in an object store holds what a run on a disk holds, and goes on from there on any machine."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines import model, stored_run
from tests.object_store import BUCKET, ObjectStore, serving
from train import loop, rundir, sample
from train.progress import Progress
from train.settings import Settings
from webtext import files, lease, store
from webtext.errors import RunFailed, UserError

pytestmark = pytest.mark.slow

STATE = "state.json"  # says on which machine, and how fast

Machine = Callable[[str], Path]
Tiny = Callable[..., Settings]


@pytest.fixture(scope="module")
def site() -> Iterator[ObjectStore]:
    with serving() as served:
        yield served


@pytest.fixture
def on_machine(
    site: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Machine:
    """The folder in which a machine of that name works on the run."""
    assert site.address

    def run(name: str) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        return store.folder_of(f"s3://{BUCKET}/{request.node.name}")

    return run


def train(corpus: Path, run: Path, settings: Settings) -> None:
    with stored_run.written(run):
        loop.train(corpus, run, settings, stored_run.Putting(run, Progress()))


def objects(site: ObjectStore, run: Path) -> dict[str, bytes]:
    return {name: data for name, data in site.objects(run.name).items() if STATE not in name}


def on_disk(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.name != STATE
    }


def weights(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if name.startswith("checkpoints/")}


def test_the_store_has_the_files_of_a_run_on_a_disk(
    corpus: Path, tiny: Tiny, on_machine: Machine, site: ObjectStore, tmp_path: Path
) -> None:
    run = on_machine("one")
    train(corpus, run, tiny())
    loop.train(corpus, tmp_path / "run", tiny())
    there, here = objects(site, run), on_disk(tmp_path / "run")
    assert there.keys() == here.keys()
    assert weights(there) == weights(here)


def test_another_machine_goes_on_and_comes_to_the_same_bytes(
    corpus: Path, tiny: Tiny, on_machine: Machine, site: ObjectStore, tmp_path: Path
) -> None:
    settings = {"train__save_every": 10, "train__keep_last": 2, "train__keep_best": 0}
    train(corpus, on_machine("one"), tiny(train__steps=20, train__min_lr=0.01, **settings))
    train(corpus, run := on_machine("other"), tiny(train__min_lr=0.01, **settings))
    loop.train(corpus, tmp_path / "run", tiny(train__min_lr=0.01, **settings))
    there = objects(site, run)
    assert weights(there) == weights(on_disk(tmp_path / "run"))
    assert {name.split("/")[1] for name in weights(there)} == {"step-00000030", "step-00000040"}
    assert len(there["log.jsonl"].splitlines()) == 40 + 4


def test_what_the_store_has_not_whole_is_no_checkpoint(
    corpus: Path, tiny: Tiny, on_machine: Machine, site: ObjectStore
) -> None:
    train(corpus, on_machine("one"), tiny(train__steps=20))
    run = on_machine("other")
    files.write_text(run / "checkpoints" / "step-00000030" / "model.safetensors", "torn")
    (run / "checkpoints" / "step-00000099").mkdir()  # of this machine alone
    (run / "checkpoints" / "step-00000099" / "DONE").touch()
    train(corpus, run, tiny(train__steps=20))
    assert {name.split("/")[1] for name in weights(objects(site, run))} == {"step-00000020"}


def test_a_reader_fetches_the_newest_weights_alone(corpus: Path, tiny: Tiny, on_machine: Machine) -> None:
    train(corpus, on_machine("one"), tiny())
    stored_run.fetch(run := on_machine("other"))
    assert sample.generate(str(run), "The ", max_tokens=3)
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000040"]
    assert not list(run.rglob("optimizer-*"))


def test_the_commands_work_on_an_address(
    root: Path, tiny_arguments: list[str], on_machine: Machine, site: ObjectStore, tmp_path: Path
) -> None:
    sets = tuple(tiny_arguments[3::2])  # of --config demo --set … --set …
    address = f"s3://{BUCKET}/{on_machine('one').name}"
    assert model.train(root, on_machine("one"), "demo", sets, True)["run"] == address
    assert "checkpoints/step-00000040/DONE" in objects(site, on_machine("one"))
    on_machine("two")
    assert model.sample(address, "The ", model.Sampling(max_tokens=3))["texts"]
    assert model.export(on_machine("three"), tmp_path / "hf")["run"] == address
    (tmp_path / "ptb.test.txt").write_text(" the lamp was lit \n" * 50)
    run = on_machine("four")
    found = model.evaluate(address, "ptb", tmp_path, None, "", False, True)
    assert found["results"] == f"{address}/evals/{run.name}"
    assert json.loads(objects(site, run)[f"evals/{run.name}/ptb.json"])["source"] == address
    on_machine("five")
    again = model.evaluate(address, "ptb", tmp_path, None, "", False, True)
    assert again["reused"] == ["ptb"]


def test_results_of_a_run_with_a_dot_in_its_name_are_put_too(on_machine: Machine, site: ObjectStore) -> None:
    run = on_machine("one")
    files.write_text(run / "evals" / "gpt2-1.5b" / "ptb.json", "{}")
    stored_run.put_evals(run)
    assert "evals/gpt2-1.5b/ptb.json" in site.objects(run.name)


def test_a_run_that_only_this_machine_has_is_none(corpus: Path, tiny: Tiny, on_machine: Machine) -> None:
    run = on_machine("one")
    loop.train(corpus, run, tiny(train__steps=1))  # never put
    with pytest.raises(UserError, match=rf"^s3://{BUCKET}/.* is not a run: it has no config.toml"):
        stored_run.fetch(run)


def test_a_reader_leaves_alone_what_is_trained_on_its_machine(
    corpus: Path, tiny: Tiny, on_machine: Machine
) -> None:
    train(corpus, run := on_machine("one"), tiny(train__steps=20))
    with rundir.opened(run, rundir.load(run)):
        (run / "log.jsonl").write_text("further than the store's")
        (run / "checkpoints" / "step-00000030").mkdir()
        stored_run.fetch(run)
        assert (run / "log.jsonl").read_text() == "further than the store's"
        assert (run / "checkpoints" / "step-00000030").exists()


@pytest.mark.parametrize("end", [RunFailed("a checkpoint that could not be put"), KeyboardInterrupt()])
def test_a_store_that_failed_and_one_that_is_not_waited_for_are_not_asked_to_take_the_run_again(
    corpus: Path, tiny: Tiny, on_machine: Machine, site: ObjectStore, end: BaseException
) -> None:
    train(corpus, run := on_machine("one"), tiny(train__steps=1))
    site.asked.clear()
    with pytest.raises(type(end)), stored_run.written(run):
        raise end
    assert not [asked for asked in site.asked if asked.startswith("PUT") and "/.lock/" not in asked]


def test_ctrl_c_while_a_store_is_asked_again_for_a_checkpoint_ends_the_training(
    corpus: Path, tiny: Tiny, on_machine: Machine, site: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(run: Path) -> None:
        site.unwell, site.faults = 1.0, ("error",)
        threading.Timer(1, signal.raise_signal, [signal.SIGINT]).start()
        put(run)

    put, began = stored_run.put, time.monotonic()
    monkeypatch.setattr(stored_run, "put", gone)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(corpus, on_machine("one"), tiny(train__save_every=1))
    finally:
        site.unwell = 0.0
    assert time.monotonic() - began < 30


def test_one_training_at_a_time_writes_a_run(corpus: Path, tiny: Tiny, on_machine: Machine) -> None:
    run = on_machine("one")
    with lease.held(run), pytest.raises(UserError, match="is writing to this"):
        train(corpus, run, tiny())


def test_ranks_that_share_no_folder_are_refused(
    corpus: Path, tiny: Tiny, on_machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="one process alone writes to a store"):
        train(corpus, on_machine("one"), tiny())
