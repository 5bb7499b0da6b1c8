"""What is evaluated: which model it is called, how it reads texts, what is tried before."""

import dataclasses
import re
import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, processors

from train import device, huggingface
from train.device import Device
from train.errors import TrainError
from train.evals import subject as evaluated
from train.evals.subject import Subject, load
from train.ranks import Ranks
from train.tokenizer import END_OF_TEXT


def test_texts_get_no_tokens_that_a_tokenizer_would_put_around_them(
    folder: Path, subject: Subject, tmp_path: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "model")
    tokenizer = Tokenizer.from_file(str(other / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing("<|endoftext|> $A", None, [("<|endoftext|>", 0)])
    tokenizer.save(str(other / "tokenizer.json"))
    assert load(str(other)).encode(["A name", ""]) == subject.encode(["A name", ""])


def test_texts_are_encoded_some_at_a_time_in_their_order(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{number} is a name" for number in range(5)]
    whole = subject.encode(texts)
    monkeypatch.setattr(evaluated, "TEXTS_ENCODED_AT_ONCE", 2)
    assert subject.encode(texts) == whole == [subject.encode([text])[0] for text in texts]


def test_a_model_in_a_folder_has_its_name_and_its_whole_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    found = load(folder.name)
    assert (found.name, found.source) == (folder.name, str(folder.resolve()))


def test_a_model_of_the_hub_has_a_name_that_a_folder_can_have(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    located = huggingface.locate
    monkeypatch.setattr(
        huggingface, "locate", lambda source: folder if source == "me/gpt2" else located(source)
    )
    monkeypatch.setattr(huggingface, "load", lambda *_: None)
    found = load("me/gpt2")
    assert (found.name, found.source) == ("me--gpt2", "me/gpt2")


def test_kernels_add_in_a_fixed_order_in_float32(folder: Path) -> None:
    torch.use_deterministic_algorithms(False)
    assert load(str(folder)).device.precision == torch.float32
    assert torch.are_deterministic_algorithms_enabled()


def test_attention_with_masks_is_tried_on_apples_gpu_before_anything_is_computed_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(_: Device, *, masked: bool) -> None:
        raise TrainError(f"masked: {masked}")

    def apples(dtype: str, _deterministic: bool, _ranks: Ranks) -> Device:
        return Device(torch.device("mps"), "Apple MPS", getattr(torch, dtype))

    monkeypatch.setattr(device, "choose", apples)
    monkeypatch.setattr(device, "check_attention", wrong)
    with pytest.raises(TrainError, match="masked: True"):
        load(str(folder))


def test_a_text_that_the_tokenizer_has_no_entries_for_is_an_error_that_names_the_model(
    subject: Subject,
) -> None:
    words = Tokenizer(models.WordLevel({END_OF_TEXT: 0, "word": 1}, unk_token="<unk>"))
    of_one = dataclasses.replace(subject, tokenizer=words)
    with pytest.raises(TrainError, match=f"the tokenizer of {re.escape(subject.source)} fails at a text"):
        of_one.encode(["word", "another"])
    assert of_one.encode(["word"]) == [[1]]
