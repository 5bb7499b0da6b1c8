"""The fast encoder gives the ids of the one that defines them, or is not used."""

import json
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers

from tests.shards.corpora import prose
from webtext.shards import tokenizer
from webtext.shards.encode import NEW_LETTERS, Fast, Reference, why_not_fast

TEXTS = [prose(n) for n in range(100)]
TRAINED = tokenizer.train(iter(TEXTS), 400, threads=1)
# What GPT-2's split pattern and the merges tell apart: letters, numbers, marks, spaces, apostrophes.
ODD_CHARACTERS = (
    "ab 19'\n\t\r\u00a0\u3000stdmlverSTDMLVER.,!?\u0301\u200b\u200d\u2028é你🌍\ufeff\x00²ⅷ<|endoftext|>"
)
FAST, REFERENCE = Fast(TRAINED.to_str()), Reference(TRAINED.to_str())


@pytest.fixture(scope="module")
def gpt2(shared: Path) -> tuple[Fast, Reference]:
    vocabulary = tokenizer.load(shared / "gpt2-bpe").to_str()
    return Fast(vocabulary), Reference(vocabulary)


def agree(encoders: tuple[Fast, Reference], texts: list[str]) -> bool:
    fast, reference = encoders
    return all(map(np.array_equal, fast.encode(texts), reference.encode(texts)))


@settings(max_examples=300)
@given(st.lists(st.text(st.sampled_from(ODD_CHARACTERS)) | st.text(), min_size=1))
def test_any_text_has_the_same_ids_in_a_trained_vocabulary(texts: list[str]) -> None:
    assert agree((FAST, REFERENCE), texts)


@settings(max_examples=300)
@given(texts=st.lists(st.text(st.sampled_from(ODD_CHARACTERS)) | st.text(), min_size=1))
def test_any_text_has_the_same_ids_in_gpt2s(gpt2: tuple[Fast, Reference], texts: list[str]) -> None:
    assert agree(gpt2, texts)


def test_letters_that_this_python_does_not_know_have_the_same_ids(gpt2: tuple[Fast, Reference]) -> None:
    assert agree(gpt2, [NEW_LETTERS])


def code_points(*, assigned: bool) -> list[str]:
    """Texts with each code point alone, in words, in numbers and in runs."""
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    kept = (
        [point for point in points if unicodedata.category(point) not in ("Cn", "Co")] if assigned else points
    )
    lines = [f"{point} {point} a{point}b 1{point}2 {point}{point}'s" for point in kept]
    return ["\n".join(lines[at : at + 256]) for at in range(0, len(lines), 256)]


@pytest.mark.slow
def test_every_assigned_code_point_has_the_same_ids(gpt2: tuple[Fast, Reference]) -> None:
    assert agree(gpt2, code_points(assigned=True))


@pytest.mark.slow
def test_every_code_point_has_the_same_ids(gpt2: tuple[Fast, Reference]) -> None:
    assert agree(gpt2, code_points(assigned=False))


@pytest.mark.parametrize("character", "a '1\n.é你🌍\u0301")
def test_long_runs_have_the_same_ids(gpt2: tuple[Fast, Reference], character: str) -> None:
    assert agree(gpt2, [character * length for length in (2, 3, 7, 100, 1000, 20_000)])


def test_special_tokens_in_a_text_are_text(gpt2: tuple[Fast, Reference]) -> None:
    fast, _ = gpt2
    (ids,) = fast.encode(["<|endoftext|>"])
    assert ids.tolist() == [27, 91, 437, 1659, 5239, 91, 29]
    assert fast.eot == 50_256


def test_a_vocabulary_whose_added_tokens_are_not_special_is_not_for_the_fast_encoder() -> None:
    vocabulary = json.loads(TRAINED.to_str())
    vocabulary["added_tokens"].append(
        vocabulary["added_tokens"][0] | {"id": 401, "content": "!", "special": False}
    )
    assert "not special" in why_not_fast(json.dumps(vocabulary), [])


def test_a_split_that_the_fast_encoder_does_not_know_is_told_in_a_line() -> None:
    vocabulary = Tokenizer.from_str(TRAINED.to_str())
    vocabulary.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    told = why_not_fast(vocabulary.to_str(), [])
    assert told.startswith("gigatoken cannot use this vocabulary (Unsupported")
    assert "\n" not in told


def test_a_text_with_other_ids_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(fast: Fast, texts: list[str]) -> list[object]:
        return [
            ids[::-1] if "\u3000" in text else ids
            for ids, text in zip(right(fast, texts), texts, strict=True)
        ]

    right = Fast.encode
    assert why_not_fast(TRAINED.to_str(), ["a b", "a\u3000b"]) == ""
    monkeypatch.setattr(Fast, "encode", wrong)
    assert why_not_fast(TRAINED.to_str(), ["a b"]) == ""
    assert "other ids" in why_not_fast(TRAINED.to_str(), ["a b", "a\u3000b"])


def test_without_the_library_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gigatoken", None)
    assert why_not_fast(TRAINED.to_str(), []) == "gigatoken is not installed"
