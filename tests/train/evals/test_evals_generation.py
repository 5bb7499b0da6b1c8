import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.train.evals.conftest import Bigram
from train.errors import TrainError
from train.evals import generation, writing
from train.evals.examples import Conversation, Pair, Story
from train.evals.subject import Subject
from train.evals.writing import Way, Written, write

Asked = list[str]


def quiet(_done: int, _total: int) -> None:
    pass


def prompts() -> list[list[int]]:
    generator = random.Random(1)
    return [[generator.randrange(1, 300) for _ in range(length)] for length in (3, 9, 1, 5)]


@torch.no_grad()
def test_greedy_texts_are_those_of_transformers(theirs: Any, subject: Subject) -> None:
    way = Way(tokens=12, one_line=False)
    for prompt, written in zip(prompts(), write(subject, prompts(), way, quiet), strict=True):
        found = theirs.generate(
            torch.tensor([prompt]), max_new_tokens=12, do_sample=False, pad_token_id=0, eos_token_id=0
        )[0, len(prompt) :].tolist()
        logits = theirs(torch.tensor([[*prompt, *found]])).logits[0, len(prompt) - 1 : -1].double()
        nats = float(logits.log_softmax(1)[range(len(found)), found].sum())
        assert written.text == subject.tokenizer.decode([token for token in found if token])
        assert written.nats == pytest.approx(nats, abs=1e-3)


@pytest.fixture(scope="module")
def drawing(corpus: Path) -> Bigram:
    """One that seldom says the same word twice."""
    return Bigram(corpus, sharpness=0.3)


def alone(bigram: Bigram, last: int, place: int, way: Way) -> tuple[list[int], float]:
    """What is written after `last`, and its nats, by the table: the likeliest, or that of the `top_k` in
    whose share of their probability the prompt's next number lies."""
    tokens, nats, words = list[int](), 0.0, bigram.subject.tokenizer
    for draw in np.random.default_rng([way.seed, place]).random(way.tokens)[: bigram.subject.room]:
        likely = bigram.table[last].exp().sort(descending=True, stable=True)
        shares = likely.values[: way.top_k] / likely.values[: way.top_k].sum()
        at = int((shares.cumsum(0) <= draw).sum())
        nats, last = nats + float(likely.values[at].log()), int(likely.indices[at])
        tokens.append(last)
        if last == bigram.subject.end or (way.one_line and "\n" in words.decode([last])):
            break
    return tokens, nats


@pytest.mark.parametrize("one_line", [True, False])
@pytest.mark.parametrize("top_k", [1, 5, 1000])
def test_each_text_of_a_batch_is_what_its_prompt_alone_would_get(
    top_k: int, one_line: bool, drawing: Bigram
) -> None:
    way, words, end = Way(60, top_k, one_line, seed=7), drawing.subject.tokenizer, drawing.subject.end
    asked = [[9] * (place % 3) + [place] for place in range(24)]
    wanted = [alone(drawing, prompt[-1], place, way) for place, prompt in enumerate(asked)]
    if one_line and top_k == 1000:
        assert len({len(tokens) for tokens, _ in wanted}) > 4  # some end long before others
    for (tokens, nats), written in zip(wanted, write(drawing.subject, asked, way, quiet), strict=True):
        text = words.decode([token for token in tokens if token != end])
        assert written.text == (text.partition("\n")[0] if one_line else text)
        assert written.nats == pytest.approx(nats, abs=1e-3)


def test_no_more_tokens_are_written_than_the_model_can_read(bigram: Bigram) -> None:
    way, after_a = Way(tokens=100, one_line=False), bigram.ids("a")
    tokens, _ = alone(bigram, after_a[-1], 0, way)
    (written,) = write(bigram.subject, [bigram.ids("the") + after_a], way, quiet)
    assert len(tokens) == bigram.subject.room
    assert written.text == bigram.subject.tokenizer.decode(tokens)


def test_a_prompt_that_leaves_too_little_room_loses_its_beginning_and_is_counted(subject: Subject) -> None:
    way, long = Way(tokens=12, one_line=False), [[7 * at % 299 + 1 for at in range(21)]]
    fits = [long[0][1:]]  # 20 and 12 are the 32 that the model reads
    (cut,), (whole,) = write(subject, long, way, quiet), write(subject, fits, way, quiet)
    assert cut.text == whole.text
    assert cut.nats == pytest.approx(whole.nats, abs=1e-4)
    assert (writing.cut(subject, long, way), writing.cut(subject, fits, way)) == (1, 0)


def test_how_many_texts_are_written_is_told(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, int]] = []
    monkeypatch.setitem(writing.ROWS, "cpu", 2)
    write(subject, prompts(), Way(tokens=2), lambda done, total: heard.append((done, total)))
    assert heard[-1] == (4, 4)
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})


def test_a_text_of_a_model_that_computes_no_numbers_is_an_error(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = subject.model.transformer.ln_f.weight
    monkeypatch.setattr(last, "data", torch.full_like(last, 3e38))
    with pytest.raises(TrainError, match="what the model computes is no numbers"):
        write(subject, prompts(), Way(tokens=12), quiet)


def test_what_is_drawn_does_not_depend_on_the_batch(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = Way(tokens=12, top_k=2, one_line=False)
    together = write(subject, prompts(), way, quiet)
    monkeypatch.setitem(writing.ROWS, "cpu", 1)
    assert [each.text for each in write(subject, prompts(), way, quiet)] == [each.text for each in together]
    assert together != write(subject, prompts(), Way(tokens=12, one_line=False), quiet)


def test_a_text_may_end_with_its_line(subject: Subject) -> None:
    whole = write(subject, prompts(), Way(tokens=20, top_k=50, one_line=False), quiet)
    lines = write(subject, prompts(), Way(tokens=20, top_k=50), quiet)
    assert [each.text for each in lines] == [each.text.partition("\n")[0] for each in whole]


@pytest.fixture
def said(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the model say what the test wants, and hears what it was asked."""

    def answering(*answers: str, nats: float = -1.0) -> Asked:
        asked: Asked = []

        def fake(_: Subject, ids: list[list[int]], *__: object) -> list[Written]:
            asked.extend(subject.tokenizer.decode(each) for each in ids)
            return [Written(answers[at % len(answers)], nats * (at + 1)) for at in range(len(ids))]

        monkeypatch.setattr(generation, "write", fake)
        return asked

    return answering


def test_coqa_asks_after_the_document_and_the_true_history(subject: Subject, said: Any) -> None:
    talk = Conversation("A cat.", ["What?", "Whose?"], [["a white cat", "the cat"], ["hers", "Ann's"]])
    asked = said(" The cat", " nobody's")
    metrics, examples = generation.coqa(subject, [talk], quiet)
    assert asked == ["A cat.\n\nQ: What?\nA:", "A cat.\n\nQ: What?\nA: a white cat\nQ: Whose?\nA:"]
    # against "white cat" 2/3, against "cat" 1; each person is left out once
    assert examples[0]["f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert metrics["f1"] == pytest.approx(100 * (5 / 6) / 2)
    assert metrics["exact_match"] == pytest.approx(25)


@pytest.mark.parametrize(
    ("said", "answer", "f1"),
    [
        ("the white Cat!", "a cat", 2 / 3),
        ("", "", 1),
        ("", "cat", 0),
        ("the", "a", 1),
        ("cat cat", "cat", 2 / 3),
    ],
)
def test_f1_counts_words_as_squad_does(said: str, answer: str, f1: float) -> None:
    assert generation.f1(said, answer) == pytest.approx(f1)
    assert generation.exact(said, answer) == (f1 == 1)


def test_natural_questions_shows_pairs_that_it_does_not_score(subject: Subject, said: Any) -> None:
    pairs = [Pair(f"who is {at}", [f"name {at}", "The Right One"]) for at in range(105)]
    asked = said("right one", "wrong")
    metrics, examples = generation.questions(subject, pairs, quiet)
    assert len(examples) == 100
    assert (metrics["exact_match"], metrics["exact_match_confident_1_percent"]) == (50, 100)
    shown = asked[0].split("\n\n")[:-1]
    assert len(shown) == 5
    assert not {line.partition("\n")[0].removeprefix("Q: ") for line in shown} & {
        each["question"] for each in examples
    }
    assert asked[0].endswith(f"\n\nQ: {examples[0]['question']}\nA:")


def test_translation_is_asked_as_source_equals_target_and_scored_by_bleu(subject: Subject, said: Any) -> None:
    pytest.importorskip("sacrebleu")
    pairs = [Pair(f"satz nummer {at}", ["a b c d e"]) for at in range(9)]
    asked = said(" a b c d e")
    assert generation.translation(subject, pairs, quiet)[0]["bleu"] == pytest.approx(100)
    assert asked[0].count(" = a b c d e\n") == 5 and asked[0].endswith(" =")
    said("a b c d f")  # precisions 4/5, 3/4, 2/3, 1/2
    bleu = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    assert generation.translation(subject, pairs, quiet)[0]["bleu"] == pytest.approx(bleu)
    said("A B C D E")
    found = generation.translation(subject, pairs, quiet)[0]
    assert (found["bleu"], found["bleu_lowercase"]) == pytest.approx((0, 100))


def test_a_summary_is_the_first_three_sentences_after_the_hint(subject: Subject, said: Any) -> None:
    pytest.importorskip("rouge_score")
    story = Story("One two. Three four! Five six? Seven eight.", ["one two", "nine ten"])
    asked = said(" One two. Nine ten. Other. Left out.")
    metrics, examples = generation.cnn_dm(subject, [story], quiet)
    assert asked[0].endswith("\nTL;DR:") and not asked[1].endswith("TL;DR:")
    assert examples[0]["summary"] == "One two. Nine ten. Other."
    assert examples[0]["summary_lede_3"] == "One two. Three four! Five six?"
    # 5 words, 4 of them the highlights' 4; 4 pairs of neighbours, 3 of them the highlights' 3
    assert metrics["rouge_1"] == pytest.approx(100 * 2 * 4 / (5 + 4))
    assert metrics["rouge_2"] == pytest.approx(100 * 2 * 3 / (4 + 3))
    assert metrics["rouge_l"] == pytest.approx(100 * 2 * 4 / (5 + 4))


def test_a_summary_is_drawn_by_top_k_2_after_as_much_of_the_articles_beginning_as_fits(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rouge_score")
    monkeypatch.setattr(generation, "SUMMARY_TOKENS", 8)
    heard: list[tuple[list[list[int]], Way]] = []

    def fake(_: Subject, ids: list[list[int]], way: Way, *__: object) -> list[Written]:
        heard.append((ids, way))
        return [Written("", 0.0)] * len(ids)

    monkeypatch.setattr(generation, "write", fake)
    article = "The raise statement re-raises the exception that is currently being handled."
    generation.cnn_dm(subject, [Story(article, ["a"])], quiet)
    for hint, ([ids], way) in zip(("\nTL;DR:", "\n"), heard, strict=True):
        beginning = subject.tokenizer.decode(ids).removesuffix(hint)
        assert len(ids) == subject.room - 8 and article.startswith(beginning)
        assert way == Way(8, top_k=2, one_line=False, seed=generation.SEED)


@pytest.mark.parametrize(
    ("summary", "rouge_l", "flat"),
    [
        ("Nine ten. One two.", 100, 50),  # in another order
        ("One twos. Nine tens.", 100, 100),  # words are compared by their stems
    ],
)
def test_rouge_l_is_of_sentences_and_flat_of_the_whole(
    subject: Subject, said: Any, summary: str, rouge_l: float, flat: float
) -> None:
    pytest.importorskip("rouge_score")
    said(summary)
    metrics, _ = generation.cnn_dm(subject, [Story("A.", ["one two", "nine ten"])], quiet)
    assert (metrics["rouge_l"], metrics["rouge_l_flat"]) == pytest.approx((rouge_l, flat))


def test_how_far_the_summaries_and_their_scores_are_is_told_as_one(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rouge_score")
    monkeypatch.setattr(generation, "SUMMARY_TOKENS", 2)
    heard: list[tuple[int, int]] = []
    generation.cnn_dm(subject, [Story("A.", ["a"])] * 2, lambda *told: heard.append(told))
    assert heard == [(2, 6), (4, 6), (5, 6), (6, 6)]


def test_a_summarys_sentences_are_scored_as_they_were_taken(subject: Subject, said: Any) -> None:
    pytest.importorskip("rouge_score")
    said("Nine ten\nOne two")  # as one sentence its words would be in another order
    metrics, examples = generation.cnn_dm(subject, [Story("A.", ["one two nine ten"])], quiet)
    assert examples[0]["summary"] == "Nine ten One two"
    assert metrics["rouge_l"] == pytest.approx(100)


def test_three_sentences_are_drawn_in_the_articles_order(subject: Subject, said: Any) -> None:
    pytest.importorskip("rouge_score")
    said("a")
    parts = [f"{number}." for number in range(10, 99)]
    _, examples = generation.cnn_dm(subject, [Story(" ".join(parts), ["a"])] * 5, quiet)
    drawn = [example["summary_random_3"].split() for example in examples]
    assert all(len(each) == 3 and each == sorted(each) and set(each) <= set(parts) for each in drawn)
    assert len({tuple(each) for each in drawn}) == 5


def test_how_many_prompts_were_too_long_stands_beside_the_score(
    subject: Subject, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rouge_score")
    pytest.importorskip("sacrebleu")
    said("a cat")
    long, pairs = "a long story " * subject.room, [Pair(f"who is {at}", ["a cat"]) for at in range(9)]
    stories = [Story("A.", ["a"]), Story(long, ["a"])]
    talks = [Conversation("A.", ["?"], [["a"]]), Conversation(long, ["?", "Who?"], [["a"], ["b"]])]
    for length in ("ANSWER_TOKENS", "SENTENCE_TOKENS", "SUMMARY_TOKENS"):  # of a model that reads 32
        monkeypatch.setattr(generation, length, 4)
    assert generation.coqa(subject, talks, quiet)[0]["prompts_cut"] == 2
    assert generation.questions(subject, pairs, quiet)[0]["prompts_cut"] == 4
    assert generation.translation(subject, pairs, quiet)[0]["prompts_cut"] == 4
    assert generation.cnn_dm(subject, stories, quiet)[0]["prompts_cut"] == 1


def test_too_few_examples_to_show_any_is_said(subject: Subject) -> None:
    with pytest.raises(TrainError, match="at least 6"):
        generation.questions(subject, [Pair("who", ["me"])] * 5, quiet)


def test_outcomes_can_be_written_as_json(subject: Subject) -> None:
    _, examples = generation.questions(subject, [Pair(f"who {at}", ["me"]) for at in range(7)], quiet)
    assert json.loads(json.dumps(examples)) == examples
