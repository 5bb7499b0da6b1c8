import random
from typing import Any

import pytest
import torch

from train.errors import TrainError
from train.evals import scoring
from train.evals.scoring import Question, Scored, score
from train.evals.subject import Subject


def drawn(seed: int, count: int) -> list[int]:
    generator = random.Random(seed)
    return [generator.randrange(1, 300) for _ in range(count)]


QUESTIONS = [
    Question(drawn(1, 5), [drawn(2, 3), drawn(3, 1), drawn(4, 6)]),
    Question(drawn(5, 12), [drawn(6, 4), drawn(7, 2)]),
    Question(drawn(8, 1), [drawn(9, 9)]),
]


@torch.no_grad()
def reference(theirs: Any, context: list[int], continuation: list[int]) -> tuple[list[float], list[bool]]:
    """One sequence through transformers, everything of it."""
    logits = theirs(torch.tensor([[*context, *continuation[:-1]]])).logits[0, len(context) - 1 :].double()
    rows = range(len(continuation))
    nats = logits.log_softmax(1)[rows, continuation].tolist()
    return nats, [int(row.argmax()) == token for row, token in zip(logits, continuation, strict=True)]


def assert_same(scored: Scored, expected: tuple[list[float], list[bool]]) -> None:
    assert scored.nats == pytest.approx(expected[0], abs=1e-4)
    assert scored.likeliest == expected[1]


def test_log_likelihoods_are_those_of_transformers_one_sequence_at_a_time(
    theirs: Any, subject: Subject
) -> None:
    for question, found in zip(QUESTIONS, score(subject, QUESTIONS), strict=True):
        for continuation, scored in zip(question.continuations, found, strict=True):
            assert_same(scored, reference(theirs, list(question.context), list(continuation)))


def test_likelihoods_that_are_no_numbers_are_an_error(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = subject.model.transformer.ln_f.weight
    monkeypatch.setattr(last, "data", torch.full_like(last, 3e38))
    with pytest.raises(TrainError, match="what the model computes is no numbers"):
        score(subject, QUESTIONS)


def test_batches_do_not_change_them(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(subject, QUESTIONS)
    monkeypatch.setitem(scoring.TOKENS_A_BATCH, "cpu", 1)
    monkeypatch.setattr(scoring, "PREDICTED_AT_ONCE", 2)
    for one, other in zip(whole, score(subject, QUESTIONS), strict=True):
        assert [each.nats for each in one] == [pytest.approx(each.nats, abs=1e-5) for each in other]


def test_a_context_too_long_loses_its_beginning_and_a_continuation_its_end(
    theirs: Any, subject: Subject
) -> None:
    context, short, long = drawn(1, 50), drawn(2, 3), drawn(3, 40)
    assert_same(score(subject, [Question(context, [short])])[0][0], reference(theirs, context[-30:], short))
    cut = score(subject, [Question(context, [long])])[0][0]
    assert len(cut.nats) == 32
    assert_same(cut, reference(theirs, context[-1:], long[:32]))


def test_the_first_token_may_be_asked_among_some_alone(theirs: Any, subject: Subject) -> None:
    context = drawn(1, 5)
    with torch.no_grad():
        order = theirs(torch.tensor([context])).logits[0, -1].argsort(descending=True).tolist()
    banned = torch.zeros(300, dtype=torch.bool)
    banned[order[0]] = True
    best, second = (score(subject, [Question(context, [[at]])], banned=banned)[0][0] for at in order[:2])
    assert (best.likeliest, best.first_allowed) == ([True], False)
    assert (second.likeliest, second.first_allowed) == ([False], True)


def test_every_question_is_told_of_once(subject: Subject) -> None:
    heard: list[tuple[int, int]] = []
    score(subject, QUESTIONS, lambda done, total: heard.append((done, total)))
    assert heard[-1] == (3, 3)
