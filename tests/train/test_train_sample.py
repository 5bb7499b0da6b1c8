import json
import os
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from train.errors import TrainError
from train.export import write
from train.loop import train
from train.model import GPT2
from train.pretrained import load
from train.sample import Choice, generate, next_tokens
from train.settings import Settings
from train.tokenizer import fails_as

ALL = Choice(temperature=1.0, top_k=0, top_p=1.0)


@pytest.fixture(scope="module")
def run(corpus: Path, tiny: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "run"
    train(corpus, path, tiny(train__steps=60))
    return path


def drawn(model: GPT2, prompt: list[int], count: int, choice: Choice, seed: int = 1) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return [tokens[0] for tokens in islice(next_tokens(model, prompt, 1, choice, generator), count)]


@torch.no_grad()
def test_sampling_with_the_cache_chooses_what_the_whole_model_would(run: Path) -> None:
    model, text, generator = load(str(run)).model, [5, 6, 7], torch.Generator().manual_seed(1)
    while len(text) < model.shape.n_positions:
        text += ALL.pick(model(torch.tensor([text]))[:, -1], generator).tolist()
    assert drawn(model, text[:3], len(text) - 3, ALL) == text[3:]


@torch.no_grad()
@pytest.mark.parametrize("prompt", [[5], list(range(100))], ids=["short", "long"])
def test_a_text_longer_than_the_context_goes_on_from_its_newer_half(run: Path, prompt: list[int]) -> None:
    model, generator, text = load(str(run)).model, torch.Generator().manual_seed(1), []
    room = model.shape.n_positions
    read = prompt[:]
    for _ in range(100):
        if len(read) > room:
            read = read[-(room // 2) :]
        text += ALL.pick(model(torch.tensor([read]))[:, -1], generator).tolist()
        read.append(text[-1])
    assert drawn(model, prompt, 100, ALL) == text


def test_a_prompt_that_is_not_utf_8_is_an_error(run: Path) -> None:
    with pytest.raises(TrainError, match="the prompt is not UTF-8"):
        generate(str(run), os.fsdecode(b"The \xff"))


def test_a_runs_config_that_was_cut_short_is_an_error_that_names_it(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "config.toml").write_bytes(b"")
    with pytest.raises(TrainError, match=r"config\.toml has no model\.vocab_size"):
        load(str(copy))


@pytest.mark.parametrize("use", [generate, lambda run: write(Path(run), Path(run) / "exported")])
@pytest.mark.parametrize("name", ["config.toml", "tokenizer.json"])
def test_a_folder_in_the_place_of_a_runs_file_is_an_error_that_names_it(
    run: Path, tmp_path: Path, name: str, use: Callable[[str], object]
) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / name).unlink()
    (copy / name).mkdir()
    with pytest.raises(TrainError, match=rf"run/{name} is a directory in the place of a file"):
        use(str(copy))


def test_logits_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(TrainError, match="what the model computes is no numbers"):
        ALL.pick(torch.tensor([[0.0, float("inf")]]), torch.Generator())


def test_the_seed_decides_the_texts(run: Path) -> None:
    first, second = generate(str(run), "The", n=2, max_tokens=20, seed=3)
    assert [first, second] == generate(str(run), "The", n=2, max_tokens=20, seed=3)
    assert first != second
    assert first != generate(str(run), "The", max_tokens=20, seed=4)[0]


def test_a_text_ends_at_end_of_text(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = iter([[10, 11], [0, 12], [13, 0], [14, 15]])
    monkeypatch.setattr("train.sample.next_tokens", lambda *_: stream)
    tokenizer = Tokenizer.from_file(str(run / "tokenizer.json"))
    assert generate(str(run), "The", n=2) == [tokenizer.decode([10]), tokenizer.decode([11, 12])]
    assert next(stream) == [14, 15]  # nothing was drawn after the last text's end


def test_a_text_is_heard_as_it_is_written_whole_characters_at_a_time(run: Path) -> None:
    pieces: list[str] = []
    text = generate(str(run), "The", max_tokens=40, temperature=1.5, top_k=0, seed=5, on_text=pieces.append)[
        0
    ]
    assert "".join(pieces) == "The" + text
    assert len(pieces) > 10


def test_a_character_of_several_tokens_is_not_heard_in_halves(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = Tokenizer.from_file(str(run / "tokenizer.json"))
    ids = tokenizer.encode("a漢b").ids
    assert len(ids) == 5
    monkeypatch.setattr("train.sample.next_tokens", lambda *_: iter([*([token] for token in ids), [0]]))
    pieces: list[str] = []
    assert generate(str(run), "The", on_text=pieces.append) == ["a漢b"]
    assert [piece for piece in pieces if piece] == ["Thea", "漢", "b"]


def test_nothing_is_heard_of_what_is_drawn_after_the_texts_end(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.sample.next_tokens", lambda *_: iter([[10, 11], [0, 12], [13, 14], [15, 0]]))
    pieces: list[str] = []
    first, _ = generate(str(run), "The", n=2, on_text=pieces.append)
    assert "".join(pieces) == "The" + first


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_temperature_divides_the_logits(temperature: float) -> None:
    logits = torch.tensor([0.6, 0.3, 0.1]).log()
    drawn = Choice(temperature, 0, 1.0).pick(logits.expand(20_000, 3), torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn) / 20_000
    torch.testing.assert_close(shares, (logits / temperature).softmax(0), atol=0.02, rtol=0)


def test_temperature_zero_takes_the_likeliest_token() -> None:
    logits = torch.tensor([[0.0, 3.0, 1.0], [2.0, 1.0, 0.0]])
    assert Choice(temperature=0).pick(logits, torch.Generator()).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("choice", "possible"),
    [
        (Choice(1.0, 0, 1.0), {0, 1, 2, 3}),
        (Choice(1.0, 2, 1.0), {0, 1}),
        (Choice(1.0, 0, 0.6), {0, 1}),
        (Choice(1.0, 0, 0.4), {0}),
        (Choice(0.01, 0, 1.0), {0}),
    ],
)
def test_top_k_and_top_p_leave_only_the_likeliest(choice: Choice, possible: set[int]) -> None:
    logits = torch.tensor([0.5, 0.2, 0.15, 0.15]).log().expand(500, 4)
    assert set(choice.pick(logits, torch.Generator().manual_seed(0)).tolist()) == possible


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"top_p": -0.1}, {"top_k": -1}, {"n": 0}, {"max_tokens": 0}]
)
def test_an_impossible_setting_is_an_error(run: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainError, match="must be"):
        generate(str(run), "The", **wrong)


@pytest.mark.parametrize("seed", [1 << 63, -(1 << 63) - 1])
def test_a_seed_of_too_many_bits_is_an_error(run: Path, seed: int) -> None:
    with pytest.raises(TrainError, match="more than 64 bits"):
        generate(str(run), "The", seed=seed)


def test_what_is_no_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        TrainError, match=r"is neither a run nor a Hugging Face GPT-2: it has no config\.toml"
    ):
        generate(str(tmp_path))
    with pytest.raises(TrainError, match="absent does not exist; name the directory of a model"):
        generate(str(tmp_path / "absent"))
    (tmp_path / "file").touch()
    with pytest.raises(TrainError, match="file is no directory; name the directory of a model"):
        generate(str(tmp_path / "file"))


def test_a_hugging_face_directory_is_sampled_as_its_run_is(run: Path, tmp_path: Path) -> None:
    write(run, tmp_path / "hf")
    assert generate(str(tmp_path / "hf"), "The", seed=3) == generate(str(run), "The", seed=3)


@pytest.mark.parametrize("choice", [Choice(temperature=1e-320), Choice(top_p=1e-300), Choice(top_p=0)])
def test_numbers_below_those_of_the_logits_take_the_likeliest_token(choice: Choice) -> None:
    logits = torch.tensor([[0.0, 3.0, 2.9], [5.0, 4.9, 0.0]])
    assert choice.pick(logits, torch.Generator()).tolist() == [1, 0]


def test_a_tokenizer_of_more_entries_than_the_model_is_an_error(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    larger = Tokenizer.from_file(str(run / "tokenizer.json"))
    larger.add_tokens([f"word {number}" for number in range(100)])
    larger.save(str(copy / "tokenizer.json"))
    with pytest.raises(TrainError, match=r"tokenizer\.json has 400 entries, the model 300: put there"):
        generate(str(copy), "word 7")


def test_more_texts_than_memory_holds_are_an_error(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:128] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(GPT2, "new_cache", full)
    with pytest.raises(TrainError, match="does not hold the model and 7,000 texts at a time: ask for fewer"):
        generate(str(run), "x", n=7000)


def test_more_texts_than_a_tensor_can_count_are_an_error(run: Path) -> None:
    with pytest.raises(TrainError, match="n must be at most 2,147,483,647"):
        generate(str(run), "x", n=2**31)


def test_a_temperature_near_zero_takes_the_likeliest_token() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.0]])
    assert Choice(temperature=1e-40).pick(logits, torch.Generator()).tolist() == [1]


def test_a_file_that_is_no_tokenizer_is_an_error_that_names_it(run: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(run, tmp_path / "run")
    (broken / "tokenizer.json").write_text("{")
    with pytest.raises(TrainError, match=r"tokenizer\.json is not a tokenizer"):
        generate(str(broken), "The ")


def with_tokenizer(run: Path, copy: Path, **changes: Any) -> str:
    """A copy of the run with another tokenizer.json, its parts changed."""
    shutil.copytree(run, copy)
    parts = json.loads((run / "tokenizer.json").read_text())
    (copy / "tokenizer.json").write_text(json.dumps(parts | changes))
    return str(copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
        {"decoder": {"type": "Strip", "content": "e", "start": (1 << 64) - 1, "stop": 1}},
    ],
    ids=["reading", "writing"],
)
def test_a_tokenizer_that_panics_at_texts_is_none_and_says_nothing_itself(
    run: Path, tmp_path: Path, changes: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = with_tokenizer(run, tmp_path / "run", **changes)
    with pytest.raises(TrainError, match=r"tokenizer\.json is not a tokenizer \(.+\): put there the one"):
        generate(damaged, "The")
    assert capfd.readouterr().err == ""


def test_a_prompt_that_the_tokenizer_has_no_entries_for_is_an_error(run: Path, tmp_path: Path) -> None:
    words = {"type": "WordLevel", "vocab": {"<|endoftext|>": 0, "The": 1}, "unk_token": "<unk>"}
    of_two = with_tokenizer(run, tmp_path / "run", model=words, pre_tokenizer=None)
    with pytest.raises(TrainError, match=r"fails at this prompt \(WordLevel error: Missing \[UNK\]"):
        generate(of_two, "Another")
    assert generate(of_two, "The", max_tokens=1)


@pytest.mark.parametrize("other", [KeyboardInterrupt, SystemExit, MemoryError])
def test_what_is_not_the_tokenizers_fault_is_not_laid_to_it(other: type[BaseException]) -> None:
    with pytest.raises(other), fails_as("the tokenizer fails"):
        raise other
