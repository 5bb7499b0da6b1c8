from pathlib import Path

import pytest

from train.errors import TrainError
from train.settings import Settings, differing
from train.settings_file import load, to_toml

SHIPPED = ("demo", "laptop", "paper", "gpu-day", "gpt2-124m", "gpt2-355m", "gpt2-774m", "gpt2-1558m")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_config_loads_by_its_name(name: str) -> None:
    assert load(name).train.steps > 0


def test_the_commented_config_holds_the_defaults() -> None:
    assert load("gpt2-124m") == Settings()


def test_a_file_needs_only_what_differs_from_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[model]\nn_layer = 3\n")
    assert differing(Settings(), load(tmp_path / "mine.toml")) == [("model.n_layer", 12, 3)]
    (tmp_path / "mine.toml").rename(tmp_path / "mine")  # a file of another name is one, too
    assert load(tmp_path / "mine").model.n_layer == 3


def test_written_settings_load_back_equal(tmp_path: Path) -> None:
    settings = load("demo", ['data.train=/texts/"odd" näme/*.bin', "train.min_lr=1e-5", "train.compile=true"])
    (tmp_path / "config.toml").write_text(to_toml(settings), encoding="utf-8")
    assert load(tmp_path / "config.toml") == settings


def test_an_override_wins_over_the_config() -> None:
    settings = load("demo", ["train.lr=1", "train.dtype=float32", "data.train=x/*.bin"])
    assert (settings.train.lr, settings.train.dtype, settings.data.train) == (1.0, "float32", "x/*.bin")
    assert load("demo", [" data.train = x/*.bin "]) == load("demo", ["data.train=x/*.bin"])
    assert load("demo", ["train.init_from=gpt2"], "mine").train.init_from == "mine"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.n_layers=6", r"unknown key model\.n_layers in .* with --set: did you mean model\.n_layer\?"),
        ("train.learning=6", r"unknown key train\.learning in config demo with --set: "),
        ("train.LR=6", r"unknown key train\.LR in .*: did you mean train\.lr\?"),
        ("train.n_layer=6", r"unknown key train\.n_layer in .*: did you mean model\.n_layer\?"),
        ("modle.n_layer=6", r"unknown section 'modle' .*did you mean model\?"),
        ("model.n_layer=six", r"model\.n_layer must be a whole number, not 'six'"),
        ("train.compile=1", r"train\.compile must be true or false, not 1"),
        ("train.lr=fast", r"train\.lr must be a number, not 'fast'"),
        ("train.dtype=16", r"train\.dtype must be a string, not 16"),
        ("model.n_head=7", r"n_embd = .* must be a multiple of n_head = 7"),
        ("train.micro_batch_size=3", r"must be a multiple of micro_batch_size 3"),
        ("train.steps=0", r"train\.steps must be at least 1"),
        ("model.vocab_size=4294967297", r"model\.vocab_size = 4294967297 has ids that no 32 bits hold"),
        ("train.seed=18446744073709551616", r"train\.seed = 18446744073709551616 has more than 63 bits"),
        (f"train.log_every={2**63}", r"train\.log_every = 9223372036854775808 has more than 63 bits"),
        (f"model.n_layer={10**18}", r"\[model\] has .* weights: that is no GPT-2"),
        (f"train.lr={10**400}", r"train\.lr must be above 0, not inf"),
        ("train.lr=nan", r"train\.lr must be above 0"),
        ("train.min_lr=1", r"train\.min_lr must lie between 0 and lr"),
        ("train.weight_decay=-0.1", r"train\.weight_decay must be 0 or more"),
        ("train.weight_decay=inf", r"train\.weight_decay must be 0 or more"),
        ("train.beta1=1", r"train\.beta1 and beta2 must lie in \[0, 1\)"),
        ("train.beta2=1", r"train\.beta1 and beta2 must lie in \[0, 1\)"),
        ("train.grad_clip=0", r"train\.grad_clip must be above 0"),
        ("train.spike_z=0", r"train\.spike_z must be above 0"),
        ("train.keep_last=0", r"train\.keep_last must be at least 1"),
        ("train.keep_best=-1", r"train\.keep_best must be at least 0"),
        ("train.dtype=float8", r"train\.dtype must be one of auto, float32, bfloat16, float16"),
        ("train.attention=fast", r"train\.attention must be one of auto, flash"),
        ("train.tensorboard=yes", r"train\.tensorboard must be one of auto, on, off"),
        ("train.optimizer=sgd", r"train\.optimizer must be one of adamw, muon"),
        ("train.on_spike=panic", r"train\.on_spike must be one of log, skip, stop"),
        ("n_layer", r"write it as section\.key=value"),
    ],
)
def test_a_wrong_override_says_what_is_wrong_with_it(override: str, message: str) -> None:
    with pytest.raises(TrainError, match=message):
        load("demo", [override])


@pytest.mark.parametrize(
    "override",
    [
        *("model.vocab_size=0", f"model.vocab_size={2**32}", f"train.seed={2**63 - 1}", "train.seed=0"),
        *("train.warmup_steps=0", "train.keep_best=0", "train.min_lr=0", "train.min_lr=6e-4"),
        *("train.weight_decay=0", "train.beta1=0", "train.beta2=0"),
    ],
)
def test_a_value_at_the_edge_of_what_can_be_is_taken(override: str) -> None:
    assert len(differing(Settings(), load("gpt2-124m", [override]))) <= 1


def test_a_wrong_value_of_a_file_is_told_apart_from_one_of_an_override(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[train]\nlr = -1\n")
    with pytest.raises(TrainError, match=r"my\.toml: train\.lr must be above 0"):
        load(tmp_path / "my.toml")
    (tmp_path / "my.toml").write_text("[train]\nlr = 1\n")
    with pytest.raises(TrainError, match=r"my\.toml with --set: train\.lr must be above 0"):
        load(tmp_path / "my.toml", ["train.lr=-1"])


def test_an_unknown_config_names_the_nearest() -> None:
    with pytest.raises(TrainError, match=r"unknown config 'gpt2-124': did you mean gpt2-124m\?"):
        load("gpt2-124")


def test_a_file_may_be_written_on_windows(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(b"\xef\xbb\xbf[model]\r\nn_layer = 3\r\n")
    assert load(tmp_path / "my.toml").model.n_layer == 3


def test_a_file_that_is_missing_or_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"cannot read the config .*absent\.toml"):
        load(tmp_path / "absent.toml")
    for broken in ("[model\n", "x = " + "[" * 5000, "x = " + "1" * 5000):
        (tmp_path / "broken.toml").write_text(broken)
        with pytest.raises(TrainError, match=r"broken\.toml is not TOML"):
            load(tmp_path / "broken.toml")


def test_a_setting_of_endless_brackets_is_of_the_wrong_type() -> None:
    with pytest.raises(TrainError, match=r"train\.lr must be a number"):
        load("demo", ["train.lr=" + "[" * 5000])


def test_a_value_in_the_place_of_a_section_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text("train = 3\n")
    with pytest.raises(TrainError, match=r"odd\.toml: train must be a section \[train\], not 3"):
        load(tmp_path / "odd.toml", ["train.lr=1"])
