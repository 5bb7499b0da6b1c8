import json
import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from typer.testing import CliRunner

from tests.train.conftest import newest
from train import export, files, huggingface, pretrained, tokenizer
from train.cli import app
from train.errors import TrainError
from train.loop import train
from train.model import GPT2
from train.rundir import load as load_settings
from train.settings import ModelSettings, Settings

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")
Tiny = Callable[..., Settings]
SHAPE = {"n_layer": 3, "n_head": 2, "n_embd": 24, "n_positions": 40, "vocab_size": 300}


@pytest.fixture(scope="module")
def theirs() -> Any:
    """A GPT-2 of transformers with random weights, all of them: biases and norms too."""
    torch.manual_seed(1)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**SHAPE, bos_token_id=0, eos_token_id=0))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


@pytest.fixture(scope="module")
def source(theirs: Any, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What transformers writes, beside the corpus's tokenizer."""
    folder = tmp_path_factory.mktemp("source") / "gpt2"
    theirs.save_pretrained(folder)
    shutil.copy(corpus / "tokenizer.json", folder)
    return folder


@pytest.fixture(scope="module")
def run(source: Path, corpus: Path, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps from another model's weights."""
    path = tmp_path_factory.mktemp("started") / "run"
    train(corpus, path, tiny(train__init_from=source, train__steps=2, train__lr=1e-4, train__min_lr=0))
    return path


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "gpt2"
    export.write(run, folder)
    return folder


def ids() -> torch.Tensor:
    return torch.randint(300, (2, 40), generator=torch.Generator().manual_seed(2))


def copy_with(source: Path, tmp_path: Path, **config: object) -> str:
    folder = shutil.copytree(source, tmp_path / "copy")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return str(folder)


@torch.no_grad()
def test_training_starts_from_the_weights_and_shape_of_init_from(theirs: Any, run: Path) -> None:
    assert load_settings(run).model == ModelSettings(**SHAPE)
    moved = (pretrained.load(str(run)).model(ids()) - theirs(ids()).logits).abs().max()
    assert 1e-4 < moved < 0.1


@torch.no_grad()
def test_loaded_weights_give_the_logits_of_transformers(theirs: Any, source: Path) -> None:
    model = GPT2(huggingface.shape(str(source)))
    huggingface.load(model, str(source))
    torch.testing.assert_close(model(ids()), theirs(ids()).logits, atol=1e-4, rtol=0)


@torch.no_grad()
def test_transformers_opens_an_export_by_itself_with_our_logits(run: Path, exported: Path) -> None:
    opened = transformers.AutoModelForCausalLM.from_pretrained(exported).eval()
    torch.testing.assert_close(
        opened(ids()).logits, pretrained.load(str(run)).model(ids()), atol=1e-4, rtol=0
    )
    assert opened.generation_config.eos_token_id == 0


def test_an_export_has_the_older_name_of_the_context_which_llama_cpp_reads(exported: Path) -> None:
    config = json.loads((exported / "config.json").read_text())
    assert config["n_ctx"] == config["n_positions"] == 40


def test_the_exported_tokenizer_gives_our_ids(corpus: Path, exported: Path) -> None:
    opened = transformers.AutoTokenizer.from_pretrained(exported)
    ours = Tokenizer.from_file(str(corpus / "tokenizer.json"))
    text = "  The “with” statement:\n\tdef f(x):\n        return x's  naïve 漢字 🙂"
    assert opened(text)["input_ids"] == ours.encode(text).ids
    assert opened.decode(ours.encode(text).ids) == text
    assert (opened.eos_token_id, opened.model_max_length) == (0, 40)


def test_the_exported_tokenizer_makes_no_token_types(exported: Path) -> None:
    """transformers 4 makes them where nothing says what a model takes, and its GPT-2 adds the embedding of
    token 0 to each of the text's: another model, without a word."""
    config = json.loads((exported / "tokenizer_config.json").read_text())
    assert config["model_input_names"] == ["input_ids", "attention_mask"]
    assert set(transformers.AutoTokenizer.from_pretrained(exported)("a text")) == {
        "input_ids",
        "attention_mask",
    }


def test_the_exported_tokenizer_is_in_the_form_that_older_versions_read(corpus: Path, exported: Path) -> None:
    ours, theirs = corpus / "tokenizer.json", exported / "tokenizer.json"
    assert all(isinstance(merge, str) for merge in json.loads(theirs.read_text())["model"]["merges"])
    assert Tokenizer.from_file(str(theirs)).to_str() == Tokenizer.from_file(str(ours)).to_str()


@pytest.mark.parametrize("merge", [("a b", "c"), ("#version", "3")])  # the older form would lose them
def test_a_tokenizer_that_the_older_form_cannot_say_is_exported_as_it_is(merge: tuple[str, str]) -> None:
    entries = {token: number for number, token in enumerate([*merge, "".join(merge)])}
    written = Tokenizer(models.BPE(vocab=entries, merges=[merge])).to_str()
    assert tokenizer.for_older_readers(written) == written


def test_an_export_can_be_started_from_again(exported: Path, run: Path) -> None:
    model = GPT2(huggingface.shape(str(exported)))
    huggingface.load(model, str(exported))
    saved = load_file(newest(run).path / "model.safetensors")
    assert all(torch.equal(tensor, saved[name]) for name, tensor in model.state_dict().items())


def test_names_without_prefix_masks_half_precision_and_shards_are_understood(
    source: Path, tmp_path: Path
) -> None:
    folder = Path(copy_with(source, tmp_path))
    tensors = load_file(folder / "model.safetensors")
    bare = {name.removeprefix("transformer."): tensor.half() for name, tensor in tensors.items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 40, 40)
    names = sorted(bare)
    parts = {"model-1-of-2.safetensors": names[:5], "model-2-of-2.safetensors": names[5:]}
    for file, held in parts.items():
        save_file({name: bare[name] for name in held}, folder / file)
    weight_map = {name: file for file, held in parts.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    (folder / "model.safetensors").unlink()
    model = GPT2(huggingface.shape(str(folder)))
    huggingface.load(model, str(folder))
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, tensors[name], atol=1e-3, rtol=1e-3)


def test_a_started_run_goes_on_when_the_first_model_is_gone(
    source: Path, run: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    asked = tiny(train__init_from=source, train__steps=3, train__lr=1e-4, train__min_lr=0)
    again = shutil.copytree(run, tmp_path / "run")
    hidden = source.rename(tmp_path / "hidden")
    try:
        assert train(corpus, again, asked)["steps"] == 3
    finally:
        hidden.rename(source)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "llama"}, r"config\.json: model_type = 'llama'; only plain GPT-2"),
        ({"activation_function": "relu"}, "activation_function = 'relu'"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx = True"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon = 1e-06"),
        ({"scale_attn_weights": False}, "scale_attn_weights = False"),
        ({"add_cross_attention": True}, "add_cross_attention = True"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings = False"),
        ({"n_inner": 7}, "n_inner = 7"),
        ({"n_layer": None}, "does not say n_layer"),
        ({"n_positions": True, "vocab_size": 0}, "does not say n_positions, vocab_size"),
        ({"n_head": 5}, r"config\.json: model\.n_embd = 24 must be a multiple of n_head = 5"),
        ({"n_layer": 10**9}, "asks for 6,912,000,008,160 weights, the files beside it have"),
    ],
)
def test_a_model_that_is_no_plain_gpt2_is_an_error(
    source: Path, tmp_path: Path, config: dict[str, object], message: str
) -> None:
    with pytest.raises(TrainError, match=message):
        huggingface.shape(copy_with(source, tmp_path, **config))


def test_a_config_of_the_shape_alone_and_one_in_other_words_are_plain_gpt2s(
    source: Path, tmp_path: Path
) -> None:
    folder = copy_with(source, tmp_path, activation_function="gelu_pytorch_tanh", n_inner=4 * 24)
    assert huggingface.shape(folder) == ModelSettings(**SHAPE)
    (Path(folder) / "config.json").write_text(json.dumps(SHAPE))
    assert huggingface.shape(folder) == ModelSettings(**SHAPE)


def test_weights_of_another_shape_are_an_error_that_names_the_tensor(source: Path, tmp_path: Path) -> None:
    folder = copy_with(source, tmp_path, n_positions=41)
    with pytest.raises(TrainError, match=r"has transformer\.wpe\.weight as \(40, 24\), its config"):
        huggingface.load(GPT2(huggingface.shape(folder)), folder)


def test_a_model_of_more_layers_than_its_config_says_is_an_error(source: Path, tmp_path: Path) -> None:
    folder = copy_with(source, tmp_path, n_layer=1)
    with pytest.raises(TrainError, match=r"has weights of more layers than the 1 that its config\.json"):
        huggingface.load(GPT2(huggingface.shape(folder)), folder)


def test_a_folder_without_a_config_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"is not a Hugging Face GPT-2: it has no config\.json; name"):
        huggingface.shape(str(tmp_path))


def test_weights_that_are_no_safetensors_are_an_error(source: Path, tmp_path: Path) -> None:
    folder = Path(copy_with(source, tmp_path))
    model = GPT2(huggingface.shape(str(folder)))
    (folder / "model.safetensors").write_bytes(b"half a download")
    with pytest.raises(TrainError, match=r"cannot read .*model\.safetensors"):
        huggingface.load(model, str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(TrainError, match=r"has no model\.safetensors: .*safe_serialization=True"):
        huggingface.load(model, str(folder))


@pytest.mark.parametrize("what", ["quantised", "quantised floats", "no numbers"])
def test_what_are_no_weights_is_an_error_that_names_the_tensor(
    source: Path, tmp_path: Path, what: str
) -> None:
    folder = Path(copy_with(source, tmp_path))
    weights = load_file(folder / "model.safetensors")
    name = "transformer.ln_f.weight"
    kinds = {"quantised": torch.int8, "quantised floats": torch.float8_e4m3fn}
    weights[name] = weights[name].to(kinds[what]) if what in kinds else weights[name] / 0
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(TrainError, match=r"has in transformer\.ln_f\.weight what are no weights"):
        huggingface.load(GPT2(huggingface.shape(str(folder))), str(folder))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_what_may_not_be_read_is_not_called_another_thing(source: Path, tmp_path: Path, name: str) -> None:
    folder = Path(copy_with(source, tmp_path))
    (folder / name).chmod(0)
    if os.access(folder / name, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(PermissionError, match=name):
        tokenizer.load(folder / name) if name == "tokenizer.json" else huggingface.shape(str(folder))


@pytest.fixture
def older(source: Path, tmp_path: Path) -> Path:
    """A model whose tokenizer is in GPT-2's own two files."""
    folder = Path(copy_with(source, tmp_path))
    Tokenizer.from_file(str(folder / "tokenizer.json")).model.save(str(folder))
    (folder / "tokenizer.json").unlink()
    return folder


def test_gpt2s_own_vocabulary_and_merges_are_the_same_tokenizer(source: Path, older: Path) -> None:
    ours = Tokenizer.from_file(str(source / "tokenizer.json"))
    text = "The “with” statement:\n\tdef f(x):\n        return x's  naïve 漢字 🙂"
    for words in (pretrained.load(str(older)).tokenizer, pretrained.look(str(older))[1]):
        assert words is not None
        assert words.encode(text).ids == ours.encode(text).ids
        assert words.decode(ours.encode(text).ids) == text


def test_a_vocabulary_and_merges_that_are_no_tokenizers_are_named(older: Path) -> None:
    (older / "merges.txt").write_text("#version: 0.2\nno such pair\n")
    with pytest.raises(TrainError, match=r"vocab\.json and .*merges\.txt are not a tokenizer \("):
        pretrained.load(str(older))
    (older / "merges.txt").unlink()
    with pytest.raises(TrainError, match=r"tokenizer\.json is missing: put there"):
        pretrained.load(str(older))


@pytest.mark.parametrize("index", [{}, {"weight_map": []}, {"weight_map": {"transformer.wte.weight": 1}}])
def test_an_index_without_a_map_of_files_is_an_error(source: Path, tmp_path: Path, index: object) -> None:
    folder = Path(copy_with(source, tmp_path))
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(TrainError, match=r"index\.json has no weight_map"):
        huggingface.weight_files(folder)


@pytest.mark.parametrize("name", ["../x.safetensors", "/tmp/x.safetensors", "..", ""])
def test_an_index_leads_to_no_file_outside_its_directory(source: Path, tmp_path: Path, name: str) -> None:
    folder = Path(copy_with(source, tmp_path))
    shutil.copy(folder / "model.safetensors", tmp_path / "x.safetensors")
    index = {"weight_map": {"transformer.wte.weight": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(TrainError, match=rf"index\.json names '{name}', which is no safetensors file beside"):
        huggingface.shape(str(folder))


def test_tokens_of_another_vocabulary_are_an_error_before_the_first_step(
    source: Path, corpus: Path, tiny: Tiny, tmp_path: Path
) -> None:
    folder = Path(copy_with(source, tmp_path))
    vocabulary = Tokenizer.from_file(str(corpus / "tokenizer.json")).get_vocab()
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps({**vocabulary, "!": 7, "(": 0}))
    with pytest.raises(TrainError, match="made with another vocabulary than"):
        train(corpus, tmp_path / "run", tiny(train__init_from=folder))
    Tokenizer(models.BPE({**vocabulary, "!": 7, "(": 0}, [])).save(str(folder / "tokenizer.json"))
    (folder / "vocab.json").write_text(json.dumps(vocabulary))  # tokenizer.json is what would be used
    with pytest.raises(TrainError, match="made with another vocabulary than"):
        huggingface.check_vocabulary(str(folder), corpus / "tokenizer.json")


def test_tokens_of_another_vocabulary_than_a_hub_names_are_told_where_to_find_it(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    snapshot = tmp_path / "models--me--small-gpt2" / "snapshots" / "607a30d"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("607a30d")
    (snapshot / "vocab.json").write_text("{}")
    with pytest.raises(TrainError, match=f"--set tokens.tokenizer={snapshot}"):
        huggingface.check_vocabulary("me/small-gpt2", corpus / "tokenizer.json")


def test_a_name_that_is_neither_directory_nor_on_the_hub_is_one_line(
    corpus: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    arguments = ["train", str(corpus), "--out", str(tmp_path / "run"), *tiny_arguments]
    for name, said in (
        ("no-such/model-of-ours", "is neither a directory nor a model the hub gives us"),
        ("./not/a/directory at all", "does not exist"),
        ("~nobody-here/model", "does not exist"),
    ):
        done = CliRunner().invoke(app, [*arguments, "--init-from", name])
        assert done.exit_code == 2
        assert f"{name} {said}" in done.stderr
        assert "; name " in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_dry_run_of_an_export_writes_nothing(run: Path, tmp_path: Path) -> None:
    plan = export.plan(run, tmp_path / "out")
    assert plan["step"] == newest(run).step
    assert plan["bytes"] == (newest(run).path / "model.safetensors").stat().st_size
    assert not (tmp_path / "out").exists()
    with pytest.raises(TrainError, match="is there already"):
        export.plan(run, run)
    with pytest.raises(TrainError, match=r"cannot write to .*: give another directory"):
        export.plan(run, run / "config.toml" / "below a file")


def test_the_trainers_own_export_has_a_dry_run(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["export", str(run), str(out), "--dry-run", "--quiet", "--json"])
    assert json.loads(done.stdout) == export.plan(run, out)
    assert not out.exists()


def test_an_export_does_not_overwrite(run: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = CliRunner().invoke(app, ["export", str(run), str(tmp_path)])
    assert (done.exit_code, done.stderr) == (2, f"error: {tmp_path} is there already: give a new directory\n")


def test_an_export_to_a_place_that_cannot_be_written_to_is_one_line_and_exit_code_2(run: Path) -> None:
    out = run / "config.toml" / "below a file"
    done = CliRunner().invoke(app, ["export", str(run), str(out)])
    refused = f"error: cannot write to {out} (Not a directory): give another directory\n"
    assert (done.exit_code, done.stderr) == (2, refused)


def test_an_export_that_could_not_be_written_can_be_repeated(run: Path, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # room for all but the weights
    try:
        with pytest.raises(OSError):
            export.write(run, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    export.write(run, tmp_path / "out")
    assert huggingface.shape(str(tmp_path / "out")) == load_settings(run).model


def up_to(name: str) -> Callable[[Path, str | bytes], None]:
    """Writes files until one of that name is to be written."""
    write = files.write

    def ending(path: Path, content: str | bytes) -> None:
        if path.name == name:
            raise KeyboardInterrupt
        write(path, content)

    return ending


@pytest.mark.parametrize(
    "name",
    ["tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors", "config.json"],
)
def test_an_export_that_ended_early_is_no_model_and_can_be_repeated(
    name: str, run: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "write", up_to(name))
    with pytest.raises(KeyboardInterrupt):
        export.write(run, tmp_path / "out")
    assert not (tmp_path / "out" / "config.json").exists()
    monkeypatch.undo()
    export.write(run, tmp_path / "out")
    assert bytes_of(tmp_path / "out") == bytes_of(exported)
    with pytest.raises(TrainError, match="out is there already: give a new directory"):
        export.write(run, tmp_path / "out")


def test_an_export_that_another_run_began_leaves_neither_its_config_nor_its_tokenizer(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, bare = tmp_path / "out", shutil.copytree(run, tmp_path / "run")
    (bare / "tokenizer.json").unlink()
    export.write(run, out)
    (out / export.UNFINISHED).touch()
    monkeypatch.setattr(files, "write", up_to("model.safetensors"))
    with pytest.raises(KeyboardInterrupt):
        export.write(bare, out)
    assert set(bytes_of(out)) == {"generation_config.json", "model.safetensors", export.UNFINISHED}
    monkeypatch.undo()
    export.write(bare, out)
    assert set(bytes_of(out)) == {"config.json", "generation_config.json", "model.safetensors"}


def test_an_export_that_was_killed_is_repeated_by_the_same_command(
    run: Path, exported: Path, tmp_path: Path, python: Callable[..., CompletedProcess[str]]
) -> None:
    killed_at_the_weights = f"""if True:
        import os, pathlib, signal
        from train import export, files
        write = files.write
        def killed(path, content):
            os.kill(os.getpid(), signal.SIGKILL) if "safetensors" in path.name else write(path, content)
        files.write = killed
        export.write(pathlib.Path({str(run)!r}), pathlib.Path({str(tmp_path / "out")!r}))
    """
    assert python("-c", killed_at_the_weights).returncode == -signal.SIGKILL
    assert (tmp_path / "out" / "tokenizer.json").is_file()
    export.write(run, tmp_path / "out")
    assert bytes_of(tmp_path / "out") == bytes_of(exported)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_damaged_checkpoint_is_not_exported(run: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(run, tmp_path / "run")
    weights = newest(damaged).path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(TrainError, match=r"model\.safetensors is damaged"):
        export.write(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# A merge that would have to begin with a longer prefix, at which the library panics.
PANICKED = json.dumps(
    {
        "added_tokens": [],
        "model": {
            "type": "BPE",
            "continuing_subword_prefix": "##",
            "vocab": {"a": 0, "b": 1, "ab": 2},
            "merges": [["a", "b"]],
        },
    }
)


@pytest.mark.parametrize("do", [export.write, export.plan])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", r"tokenizer\.json is not a tokenizer"),
        (PANICKED, r"tokenizer\.json is not a tokenizer"),
        (Tokenizer(models.BPE()).to_str(), r"tokenizer\.json has an empty vocabulary"),
        (Tokenizer(models.WordLevel({"a": 999})).to_str(), r"has 1,000 entries, the model 300"),
    ],
)
def test_a_damaged_tokenizer_is_told_before_anything_is_written(
    run: Path, tmp_path: Path, do: Callable[[Path, Path], object], content: str, said: str
) -> None:
    damaged = shutil.copytree(run, tmp_path / "run")
    (damaged / "tokenizer.json").write_text(content)
    with pytest.raises(TrainError, match=said):
        do(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()
