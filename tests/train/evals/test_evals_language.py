import math
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.evals.language import Text, lambada, sentences, stream, windows
from train.evals.subject import Subject

TEXT = """The raise statement re-raises the exception that is currently being handled.
If there is none, an error is."""


def quiet(_done: int, _total: int) -> None:
    pass


@given(st.integers(1, 300), st.integers(1, 40), st.data())
def test_windows_predict_each_token_once_from_enough_before_it(
    tokens: int, size: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, size))
    spans = list(windows(tokens, size, stride))
    assert [at for _, first, last in spans for at in range(first, last)] == list(range(tokens))
    for start, first, last in spans:
        assert last - start <= size  # the ids start … last - 1 are read
        assert first - start >= min(first, size - stride)


@torch.no_grad()
def test_a_stream_is_what_a_loop_over_transformers_gives(theirs: Any, subject: Subject) -> None:
    ids = [0, *subject.tokenizer.encode(TEXT).ids]
    assert len(ids) > 2 * 32
    nats = 0.0
    for at in range(1, len(ids)):  # stride 1: every token from all that the model can read
        logits = theirs(torch.tensor([ids[max(0, at - 32) : at]])).logits[0, -1].double()
        nats -= float(logits.log_softmax(0)[ids[at]])
    metrics, examples = stream(subject, Text(TEXT, {"word": 16, "byte": len(TEXT)}), (1, 32), quiet)
    assert metrics["perplexity_per_word_stride_1"] == pytest.approx(math.exp(nats / 16), rel=1e-4)
    assert metrics["perplexity_per_token_stride_1"] == pytest.approx(
        math.exp(nats / (len(ids) - 1)), rel=1e-4
    )
    assert metrics["bits_per_byte_stride_1"] == pytest.approx(nats / math.log(2) / len(TEXT), rel=1e-4)
    whole = [each for each in examples if each["stride"] == 32]
    assert [each["tokens"] for each in whole] == [32, 32, *[each["tokens"] for each in whole[2:]]]
    assert sum(each["tokens"] for each in whole) == len(ids) - 1


def test_a_stream_is_what_the_table_says(bigram: Any) -> None:
    ids = [0, *bigram.ids(TEXT)]
    metrics, examples = stream(bigram.subject, Text(TEXT, {"char": len(TEXT)}), (64, 7), quiet)
    for stride in (64, 7):  # what is before the last token makes no difference to this model
        bits = -bigram.nats(ids) / math.log(2) / len(TEXT)
        assert metrics[f"bits_per_char_stride_{stride}"] == pytest.approx(bits, rel=1e-5)
    assert examples[0]["nats"] == pytest.approx(-bigram.nats(ids[:65]), rel=1e-5)


def test_how_far_the_windows_of_all_strides_are_is_told_as_one(bigram: Any) -> None:
    heard: list[tuple[int, int]] = []
    _, examples = stream(
        bigram.subject, Text(TEXT, {"char": len(TEXT)}), (64, 7), lambda *told: heard.append(told)
    )
    assert heard == sorted(set(heard)) and heard[-1] == (len(examples), len(examples))


def test_sentences_each_start_anew(bigram: Any) -> None:
    parts = TEXT.split("\n")
    texts = [Text(part + "\n", {"word": len(part.split())}) for part in parts]
    metrics, examples = sentences(bigram.subject, texts, quiet)
    nats = [-bigram.nats([0, *bigram.ids(part + "\n")]) for part in parts]
    assert [each["nats"] for each in examples] == pytest.approx(nats, rel=1e-5)
    assert metrics["perplexity_per_word"] == pytest.approx(math.exp(sum(nats) / len(TEXT.split())), rel=1e-5)


def test_a_texts_bytes_are_those_of_its_utf_8(bigram: Any) -> None:
    texts = [Text("né à Orléans", {"word": 3}), Text(" 漢字", {"word": 1})]
    metrics, examples = sentences(bigram.subject, texts, quiet)
    bits = sum(each["nats"] for each in examples) / math.log(2)
    assert metrics["bits_per_text_byte"] == pytest.approx(bits / (15 + 7))


def test_a_sentence_longer_than_the_model_is_read_to_its_end(bigram: Any) -> None:
    ids = bigram.ids(TEXT)
    assert len(ids) > bigram.subject.room
    metrics, examples = sentences(bigram.subject, [Text(TEXT, {"word": 16})], quiet)
    assert examples[0]["tokens"] == len(ids)
    assert metrics["perplexity_per_word"] == pytest.approx(math.exp(-bigram.nats([0, *ids]) / 16), rel=1e-5)


@torch.no_grad()
def test_a_sentence_longer_than_the_model_is_read_through_windows_that_move_by_half(
    theirs: Any, subject: Subject
) -> None:
    ids = [0, *subject.tokenizer.encode(TEXT).ids]
    nats = 0.0
    for start in range(0, len(ids) - 1, 16):  # the model's length is 32
        first = 1 if start == 0 else start + 17
        start = min(start, len(ids) - 33)
        logits = theirs(torch.tensor([ids[start : start + 32]])).logits[0].double().log_softmax(1)
        targets = range(first, min(start + 33, len(ids)))
        nats -= sum(float(logits[at - start - 1, ids[at]]) for at in targets)
    _, [example] = sentences(subject, [Text(TEXT, {"word": 16})], quiet)
    assert example["nats"] == pytest.approx(nats, rel=1e-4)


def test_lambada_scores_the_last_word_by_every_definition(bigram: Any) -> None:
    texts = ["The exception that is raised", "If there is none an error", "No end in sight, he thought"]
    metrics, examples = lambada(bigram.subject, texts, quiet)
    nats, tokens, last, word = [], 0, [], []
    for text in texts:
        context, _, target = text.rpartition(" ")
        before, ids = bigram.ids(context), bigram.ids(" " + target)
        pairs = list(pairwise([before[-1], *ids]))
        nats.append(-sum(float(bigram.table[one, other]) for one, other in pairs))
        tokens += len(ids)
        hits = [int(bigram.table[one].argmax()) == other for one, other in pairs]
        last.append(hits[-1])
        word.append(all(hits))
    assert [each["nats"] for each in examples] == pytest.approx(nats, rel=1e-5)
    assert metrics["perplexity"] == pytest.approx(math.exp(sum(nats) / 3), rel=1e-5)
    assert metrics["perplexity_per_token"] == pytest.approx(math.exp(sum(nats) / tokens), rel=1e-5)
    assert [each["last_token"] for each in examples] == last
    assert [each["word"] for each in examples] == word


@pytest.mark.parametrize("text", ["error", " error ", "error\n"])
def test_a_last_word_with_nothing_before_it_is_read_after_end_of_text(bigram: Any, text: str) -> None:
    _, [example] = lambada(bigram.subject, [text], quiet)
    assert example["target"] == "error"
    assert example["nats"] == pytest.approx(-bigram.nats([0, *bigram.ids(" error")]), rel=1e-5)


@pytest.mark.parametrize("no_last_word", [" the", "In", ".", "<|endoftext|>"])
def test_the_three_accuracies_of_lambada_differ_as_they_should(bigram: Any, no_last_word: str) -> None:
    """A model that says what is no last word after "a", then " x"."""
    subject = replace(bigram.subject, model=deepcopy(bigram.subject.model))
    likeliest, x = bigram.ids(no_last_word)[0], bigram.ids(" x")
    said = {bigram.ids("a")[0]: [likeliest, x[0]], x[0]: [x[-1]]}
    assert len(x) > 1

    def hidden(ids: torch.Tensor, *_: object) -> torch.Tensor:
        rows = torch.zeros(*ids.shape, 300)
        for row in range(ids.size(0)):
            for at in range(ids.size(1)):
                for rank, token in enumerate(said.get(int(ids[row, at]), [])):
                    rows[row, at, token] = 10.0 - rank
        return rows

    subject.model.transformer.forward = hidden
    subject.model.transformer.wte.weight = torch.nn.Parameter(torch.eye(300))
    _, examples = lambada(subject, ["a x", "a the"], quiet)
    assert [each["word"] for each in examples] == [False, no_last_word == " the"]
    assert [each["word_not_stop"] for each in examples] == [True, False]
