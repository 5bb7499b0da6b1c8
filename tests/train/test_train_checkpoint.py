import contextlib
import dataclasses
import hashlib
import json
import math
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.train.conftest import newest, of_an_earlier_version
from train import checkpoint, files, rundir, saving, settings_file
from train.errors import RunFailed, TrainError
from train.model import GPT2
from train.optimizer import build
from train.ranks import Ranks
from train.settings import ModelSettings, Settings, TrainSettings

REST = '"recent_losses": [], "data": {"sha256": ""}}'  # of a state.json
SHAPE = ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=4, vocab_size=5)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., checkpoint.Checkpoint]:
    model = GPT2(SHAPE)
    optimizers = build(model, TrainSettings(optimizer="muon"))
    model(torch.tensor([[1, 2]])).sum().backward()
    for optimizer in optimizers:
        optimizer.step()
    (tmp_path / "checkpoints").mkdir()
    return lambda step, keep_last=3, val_loss=None: saving.save(
        tmp_path,
        step,
        model,
        optimizers,
        {"val_loss": val_loss, "recent_losses": [], "data": {"sha256": "abc"}},
        TrainSettings(keep_last=keep_last),
        Ranks(),
    )


def test_the_newest_finished_checkpoint_is_found(save: Callable[..., object], tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) is None
    save(5)
    save(10)
    assert checkpoint.newest(tmp_path) == checkpoint.Checkpoint(tmp_path / "checkpoints" / "step-00000010")


def test_a_torn_checkpoint_is_ignored_and_written_again(save: Callable[..., object], tmp_path: Path) -> None:
    save(5)
    save(10)
    (tmp_path / "checkpoints" / "step-00000010" / "DONE").unlink()
    (tmp_path / "checkpoints" / "step-00000010" / "model.safetensors").write_bytes(b"half")
    assert newest(tmp_path).step == 5
    save(10)
    newest(tmp_path).load_weights(GPT2(SHAPE))


def test_only_the_last_ones_are_kept_and_nothing_torn(save: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / ".step-00000007.tmp").mkdir()
    for step in (5, 10, 15):
        save(step, keep_last=2)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step-00000010",
        "step-00000015",
    ]


def test_weights_moments_and_generators_come_back(save: Callable[..., checkpoint.Checkpoint]) -> None:
    saved = save(5)
    drawn = torch.rand(3)
    model = GPT2(SHAPE)
    optimizers = build(model, TrainSettings(optimizer="muon"))
    saved.load_weights(model)
    saved.load_moments(model, optimizers, Ranks())
    assert torch.equal(torch.rand(3), drawn)
    adamw, muon = ({key for state in one.state.values() for key in state} for one in optimizers)
    assert adamw == {"step", "exp_avg", "exp_avg_sq"}
    assert muon == {"momentum"}
    assert sum(len(one.state) for one in optimizers) == len(list(model.parameters()))


def test_a_checkpoint_gets_its_name_once_the_disk_has_its_bytes_and_is_done_once_it_has_the_name(
    save: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, bool, bool]] = []
    folder = tmp_path / "checkpoints" / "step-00000005"
    monkeypatch.setattr(
        files, "sync", lambda path: heard.append((path.name, folder.exists(), (folder / "DONE").exists()))
    )
    save(5)
    *contents, whole, named, empty, done = heard
    names = ("model.safetensors", "optimizer-0.safetensors", "state.json")
    assert sorted(contents) == [(name, False, False) for name in names]
    assert whole == (".step-00000005.tmp", False, False)
    assert named == ("checkpoints", True, False)
    assert [empty, done] == [(".DONE.tmp", True, False), ("step-00000005", True, True)]


def test_what_a_kill_left_of_a_step_is_no_part_of_it_when_it_is_written_again(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    left = tmp_path / "checkpoints" / ".step-00000005.tmp"
    left.mkdir()
    (left / "optimizer-1.safetensors").write_bytes(b"half")  # of a second rank, which is no more
    assert not (save(5).path / "optimizer-1.safetensors").exists()


def test_the_best_one_is_kept_too(save: Callable[..., object], tmp_path: Path) -> None:
    for step, val_loss in ((5, 3.0), (10, 2.0), (15, None), (20, 2.5), (25, 2.6)):
        save(step, keep_last=1, val_loss=val_loss)
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept == ["step-00000010", "step-00000025"]


def test_of_equally_good_ones_the_older_is_kept_and_as_many_as_are_asked_for(
    save: Callable[..., object], tmp_path: Path
) -> None:
    for step, val_loss in ((5, 3.0), (10, 2.0), (15, 2.0), (20, 2.5), (25, 2.6)):
        save(step, keep_last=5, val_loss=val_loss)
    kept = []
    for number in (3, 2, 1, 0):
        saving.tidy(tmp_path, TrainSettings(keep_last=1, keep_best=number))
        kept.append([one.step for one in checkpoint.finished(tmp_path)])
    assert kept == [[10, 15, 20, 25], [10, 15, 25], [10, 25], [25]]


def test_one_whose_removal_was_cut_short_is_no_longer_gone_on_from(
    save: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for step in (5, 10):
        save(step, keep_last=2)
    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        saving.tidy(tmp_path, TrainSettings(keep_last=1))
    assert [one.step for one in checkpoint.finished(tmp_path)] == [10]


def test_of_a_checkpoint_that_was_put_elsewhere_only_the_link_goes(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    moved = save(5, keep_last=2).path.rename(tmp_path / "elsewhere")
    (tmp_path / checkpoint.FOLDER / "step-00000005").symlink_to(moved)
    there = sorted(path.name for path in moved.iterdir())
    save(10, keep_last=1)
    assert [path.name for path in (tmp_path / checkpoint.FOLDER).iterdir()] == ["step-00000010"]
    assert sorted(path.name for path in moved.iterdir()) == there


def test_a_torn_checkpoint_that_was_put_elsewhere_does_not_stop_a_run(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    moved = save(5).path.rename(tmp_path / "elsewhere")
    (moved / "DONE").unlink()
    (tmp_path / checkpoint.FOLDER / "step-00000005").symlink_to(moved)
    assert not save(5).path.is_symlink()


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Writing more bytes into a file fails, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["optimizer-0.safetensors", "model.safetensors", "state.json"])
def test_a_checkpoint_that_cannot_be_written_leaves_those_before_it(
    name: str, save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    saved = save(5)
    sizes = {path.name: path.stat().st_size for path in saved.path.iterdir()}
    with (
        files_up_to(sizes[name] - 1),
        pytest.raises(RunFailed, match=r"step 10 could not be saved .*same command goes"),
    ):
        save(10)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000005"]
    assert {path.name: path.stat().st_size for path in saved.path.iterdir()} == sizes


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer-0.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named_with_what_to_do(
    name: str, save: Callable[..., checkpoint.Checkpoint]
) -> None:
    saved = save(5)
    file = saved.path / name
    file.write_bytes(file.read_bytes()[:-40])
    model = GPT2(SHAPE)
    with pytest.raises(TrainError, match=rf"{name} is damaged .*: remove .*step-00000005 to go on"):
        saved.load_weights(model)
        saved.load_moments(model, build(model, TrainSettings(optimizer="muon")), Ranks())


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer-0.safetensors"])
def test_a_flipped_bit_among_the_tensors_is_damage(
    name: str, save: Callable[..., checkpoint.Checkpoint]
) -> None:
    saved, model = save(5), GPT2(SHAPE)
    raw = bytearray((saved.path / name).read_bytes())
    raw[-2] ^= 1
    (saved.path / name).write_bytes(raw)
    with pytest.raises(TrainError, match=rf"{name} is damaged \(its bytes are not those that were saved\)"):
        saved.load_weights(model)
        saved.load_moments(model, build(model, TrainSettings(optimizer="muon")), Ranks())


def test_the_state_has_the_sha256_of_every_file_of_tensors(
    save: Callable[..., checkpoint.Checkpoint],
) -> None:
    saved = save(5)
    names = ("model.safetensors", "optimizer-0.safetensors")
    wanted = {name: hashlib.sha256((saved.path / name).read_bytes()).hexdigest() for name in names}
    assert saved.state["sha256"] == wanted


def first(weights: dict[str, Tensor]) -> str:
    return next(name for name, tensor in weights.items() if tensor.dim() == 2)


# A flipped bit in a header, a file of another run or program: all can be read, none belongs there.
FOREIGN: dict[str, tuple[str, Callable[[dict[str, Tensor]], object]]] = {
    "weights that are no numbers": ("model", lambda found: found[first(found)].fill_(math.nan)),
    "weights of another type": (
        "model",
        lambda found: found.update({first(found): found[first(found)].int()}),
    ),
    "moments of an unknown parameter": (
        "optimizer-0",
        lambda found: found.update({"momentum.x": torch.ones(1)}),
    ),
    "moments of another shape": (
        "optimizer-0",
        lambda found: found.update({first(found): torch.tensor(0.0)}),
    ),
    "moments of another type": (
        "optimizer-0",
        lambda found: found.update({first(found): found[first(found)].half()}),
    ),
    "moments of another name": (
        "optimizer-0",
        lambda found: found.update({f"x{first(found)}": found.pop(first(found))}),
    ),
    "moments that are missing": ("optimizer-0", lambda found: found.pop(first(found))),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_tensors_that_are_not_the_models_are_named_with_what_to_do(
    what: str, save: Callable[..., checkpoint.Checkpoint]
) -> None:
    name, change = FOREIGN[what]
    saved, model = save(5), GPT2(SHAPE)
    of_an_earlier_version(saved)
    found = load_file(saved.path / f"{name}.safetensors")
    change(found)
    save_file(found, saved.path / f"{name}.safetensors")
    with pytest.raises(
        TrainError, match=rf"{name}.safetensors is damaged .*: remove .*step-00000005 to go on"
    ):
        saved.load_weights(model)
        saved.load_moments(model, build(model, TrainSettings(optimizer="muon")), Ranks())


@pytest.mark.parametrize(
    "state",
    [
        "null",
        "[" * 100_000,
        '{"rng": []}',
        f'{{"rng": [{{"cpu": "AAAA", "cuda": null}}], {REST}',
        f'{{"rng": [{{"cpu": "!"}}], {REST}',
        '{"rng": [1], "recent_losses": [], "val_loss": 1}',
        '{"rng": [1], "recent_losses": 3, "data": {"sha256": ""}}',
        '{"rng": [1], "recent_losses": [], "val_loss": "1", "data": {"sha256": ""}}',
        '{"rng": [1], "recent_losses": [], "val_loss": [], "data": {"sha256": ""}}',
        f'{{"rng": [1], "moment_files": 0, {REST}',
        f'{{"rng": [1], "moment_files": "1", {REST}',
    ],
    ids=[
        *("null", "endless", "no generators", "short generator", "no generator"),
        *("no tokens", "no losses", "no validation loss", "an empty one"),
        *("no moments", "no number of moments"),
    ],
)
def test_a_state_of_another_shape_is_named_with_what_to_do(
    state: str, save: Callable[..., checkpoint.Checkpoint]
) -> None:
    saved, model = save(5), GPT2(SHAPE)
    (saved.path / "state.json").write_text(state)
    with pytest.raises(TrainError, match=r"state.json is damaged .*: remove .*step-00000005 to go on"):
        saved.load_moments(model, build(model, TrainSettings(optimizer="muon")), Ranks())


@pytest.mark.parametrize("scale", [[1.0], ["1", 0], 512])
def test_a_state_with_half_a_loss_scale_is_damaged(
    scale: object, save: Callable[..., checkpoint.Checkpoint]
) -> None:
    saved = save(5)
    (saved.path / "state.json").write_text(json.dumps(saved.state | {"loss_scale": scale}))
    with pytest.raises(TrainError, match=r"state.json is damaged \(it"):
        _ = saved.state


def test_a_copy_of_a_checkpoint_under_another_spelling_of_its_step_stops_nothing(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    shutil.copytree(save(5, val_loss=1.0).path, tmp_path / "checkpoints" / "step-5")
    save(10, val_loss=2.0)
    assert checkpoint.newest(tmp_path) == checkpoint.Checkpoint(tmp_path / "checkpoints" / "step-00000010")


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "optimizer-0.safetensors"])
def test_a_file_that_somebody_removed_is_named_with_what_to_do(
    name: str, save: Callable[..., checkpoint.Checkpoint]
) -> None:
    saved = save(5)
    (saved.path / name).unlink()
    model = GPT2(SHAPE)
    with pytest.raises(TrainError, match=rf"{name} is missing: remove .*step-00000005 to go on"):
        saved.load_weights(model)
        saved.load_moments(model, build(model, TrainSettings(optimizer="muon")), Ranks())


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "optimizer-0.safetensors"])
@pytest.mark.parametrize(
    "put", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)], ids=["folder", "pipe", "circle"]
)
def test_what_is_no_file_in_the_place_of_one_is_named_with_what_to_do(
    name: str, put: Callable[[Path], None], save: Callable[..., checkpoint.Checkpoint]
) -> None:
    saved = save(5)
    (saved.path / name).unlink()
    put(saved.path / name)
    model = GPT2(SHAPE)
    with pytest.raises(TrainError, match=rf"{name} is damaged .it is no file.: remove .*step-00000005"):
        saved.load_weights(model)
        saved.load_moments(model, build(model, TrainSettings(optimizer="muon")), Ranks())


@pytest.mark.parametrize("name", ["checkpoints", "checkpoints/step-00000010"])
def test_a_file_in_the_place_of_a_folder_is_not_passed_over(
    name: str, save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    save(5), save(10)
    shutil.rmtree(tmp_path / name)
    (tmp_path / name).touch()
    with pytest.raises(TrainError, match=rf"{name} is no directory, in the place of one"):
        checkpoint.newest(tmp_path)


def test_weights_that_may_not_be_read_are_not_called_missing(
    save: Callable[..., checkpoint.Checkpoint],
) -> None:
    weights = save(5).path / "model.safetensors"
    weights.chmod(0)
    if os.access(weights, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(PermissionError, match=r"model\.safetensors"):
        checkpoint.Checkpoint(weights.parent).load_weights(GPT2(SHAPE))


@pytest.mark.parametrize("key", ["n_layer", "n_embd", "n_positions", "vocab_size"])
def test_a_config_of_another_size_is_refused_before_memory_is_asked_for(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path, key: str
) -> None:
    shape = dataclasses.replace(SHAPE, **{key: 10**5})
    (tmp_path / "config.toml").write_text(settings_file.to_toml(Settings(model=shape)))
    with pytest.raises(TrainError, match=r"config\.toml asks for [0-9,]+ weights, .* has [0-9,]+ bytes"):
        rundir.trained(tmp_path, save(5))


def test_a_run_whose_weights_are_gone_is_not_looked_at_further(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(settings_file.to_toml(Settings(model=SHAPE)))
    saved = save(5)
    (saved.path / "model.safetensors").unlink()
    with pytest.raises(TrainError, match=r"model\.safetensors is missing: remove .*step-00000005 to go on"):
        rundir.trained(tmp_path, saved)


def test_a_run_that_is_nowhere_is_told_from_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="run does not exist; name the directory"):
        rundir.load(tmp_path / "run")
    with pytest.raises(TrainError, match=r"is not a run: it has no config\.toml; name the directory"):
        rundir.load(tmp_path)


def test_a_folder_of_checkpoints_that_may_not_be_read_is_not_called_empty(
    save: Callable[..., object], tmp_path: Path
) -> None:
    save(5)
    folder = tmp_path / "checkpoints"
    folder.chmod(0)
    try:
        if os.access(folder, os.R_OK):
            pytest.skip("root may read everything")
        with pytest.raises(PermissionError, match="checkpoints"):
            checkpoint.newest(tmp_path)
    finally:
        folder.chmod(0o755)


def test_what_may_be_another_when_a_run_goes_on_is_what_no_step_is_computed_from(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    save(5)
    begun = Settings(model=SHAPE)
    (tmp_path / "config.toml").write_text(settings_file.to_toml(begun))
    free = set[str]()
    for section, table in dataclasses.asdict(begun).items():
        for key, value in table.items():
            changed = (
                f"{value}x" if isinstance(value, str) else value / 2 if type(value) is float else value + 7
            )
            part = dataclasses.replace(getattr(begun, section), **{key: changed})
            with contextlib.suppress(TrainError):
                rundir.check(tmp_path, dataclasses.replace(begun, **{section: part}))
                free.add(key)
    assert free == {
        *("train", "validation", "steps", "log_every", "eval_every", "save_every", "tensorboard"),
        *("keep_last", "keep_best", "on_spike", "spike_z"),
        *("shard", "attention", "compile", "micro_batch_size"),
    }


def test_the_room_that_checkpoints_take_is_told_before(save: Callable[..., checkpoint.Checkpoint]) -> None:
    each, number = saving.room(GPT2(SHAPE), TrainSettings(keep_last=3, keep_best=1))
    weights = load_file(save(5).path / "model.safetensors")
    assert number == 5
    assert each == 3 * sum(tensor.nbytes for tensor in weights.values())  # as many of either moment


def test_a_damaged_old_one_does_not_stop_a_run(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    (save(5, val_loss=1.0).path / "state.json").write_text("")
    save(10, val_loss=3.0)
    save(15, keep_last=1, val_loss=2.0)
    assert [one.step for one in checkpoint.finished(tmp_path)] == [15]


def test_folders_of_other_names_are_the_users(
    save: Callable[..., checkpoint.Checkpoint], tmp_path: Path
) -> None:
    for name in ("best", "step-00000005-good"):
        shutil.copytree(save(5).path, tmp_path / "checkpoints" / name)
    save(10, keep_last=1)
    assert checkpoint.newest(tmp_path) == checkpoint.Checkpoint(tmp_path / "checkpoints" / "step-00000010")
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {
        *("best", "step-00000005-good", "step-00000010")
    }


def test_whoever_may_read_the_state_may_read_the_weights(save: Callable[..., checkpoint.Checkpoint]) -> None:
    before = os.umask(0o022)
    try:
        modes = {path.name: path.stat().st_mode & 0o777 for path in save(5).path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o644}, modes


def test_a_checkpoint_in_another_ones_name_is_not_gone_on_from(
    save: Callable[..., checkpoint.Checkpoint],
) -> None:
    saved = save(5)
    renamed = checkpoint.Checkpoint(saved.path.rename(saved.path.with_name("step-00000900")))
    with pytest.raises(TrainError, match=r"it is of step 5: give the folder its name back"):
        renamed.load_weights(GPT2(SHAPE))


def test_weights_of_a_model_with_more_layers_are_not_taken(
    save: Callable[..., checkpoint.Checkpoint],
) -> None:
    saved = save(5)
    deeper = GPT2(dataclasses.replace(SHAPE, n_layer=2)).state_dict()
    save_file(deeper, saved.path / "model.safetensors")
    of_an_earlier_version(saved)
    with pytest.raises(TrainError, match=r"transformer\.h\.1\..* is of another model"):
        saved.load_weights(GPT2(SHAPE))
