"""How likely a model finds texts: log-likelihoods of continuations, batched, a shared context read once.

Several continuations of one context lie behind it in one row; a mask hides each from the others, and
positions count on from the context's end. Only the hidden states that predict a continuation meet the
vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from train.evals.subject import Subject
from train.pretrained import require_numbers

TOKENS_A_BATCH = {"cuda": 65_536, "mps": 8_192, "cpu": 1_024}
PREDICTED_AT_ONCE = 1_024  # logits of GPT-2's vocabulary for so many tokens take 0.2 GB

Told = Callable[[int, int], None]


def after(told: Told, before: int, total: int) -> Told:
    """Tells of a part of a task, before which `before` examples of `total` are done."""
    return lambda done, _: told(before + done, total)


@dataclass(frozen=True)
class Question:
    """Token ids of a context, at least one, and of the continuations of it to score.

    Where it is too long for the model, the context loses its beginning, then a continuation its end.
    """

    context: Sequence[int]
    continuations: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Scored:
    """Of each token of a continuation its log-likelihood in nats, and whether it was the likeliest.

    `first_allowed`: whether the first one was the likeliest of those that were not banned.
    """

    nats: list[float]
    likeliest: list[bool]
    first_allowed: bool

    @property
    def total(self) -> float:
        return sum(self.nats)


@torch.inference_mode()
def score(
    subject: Subject, questions: Sequence[Question], told: Told | None = None, banned: Tensor | None = None
) -> list[list[Scored]]:
    """For each question a Scored per continuation, in order.

    `banned` (V): true for tokens that `first_allowed` looks past. `told` hears how many of all are done.
    """
    rows = [_Row(question, subject.room) for question in questions]
    found: list[list[Scored]] = [[] for _ in rows]
    done = 0
    for batch in batches([len(row.ids) for row in rows], TOKENS_A_BATCH[subject.device.where.type]):
        for at, scored in zip(batch, _batch(subject, [rows[at] for at in batch], banned), strict=True):
            found[at] = scored
        done += len(batch)
        if told:
            told(done, len(rows))
    return found


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indexes by falling length, so many at a time that they and their padding stay within `budget`."""
    order = sorted(range(len(lengths)), key=lambda at: -lengths[at])
    while order:
        size = max(1, budget // max(1, lengths[order[0]]))
        yield order[:size]
        order = order[size:]


class _Row:
    """A question laid out: ids and positions to read, the branch each belongs to (0: the context), the places
    whose next token is predicted, and that token."""

    def __init__(self, question: Question, room: int) -> None:
        continuations = [list(each[:room]) for each in question.continuations]
        context = list(question.context[-(room + 1 - max(map(len, continuations))) :])
        self.ids, self.positions = context[:], list(range(len(context)))
        self.branches = [0] * len(context)
        self.places: list[int] = []
        self.targets: list[int] = []
        self.lengths = [len(each) for each in continuations]
        for branch, continuation in enumerate(continuations, 1):
            read, at = continuation[:-1], len(self.ids)
            if continuation:
                self.places += [len(context) - 1, *range(at, at + len(read))]
            self.targets += continuation
            self.ids += read
            self.positions += range(len(context), len(context) + len(read))
            self.branches += [branch] * len(read)


def _batch(subject: Subject, rows: list[_Row], banned: Tensor | None) -> list[list[Scored]]:
    where, width = subject.device.where, max(len(row.ids) for row in rows)
    ids = torch.tensor([row.ids + [0] * (width - len(row.ids)) for row in rows], device=where)
    positions = mask = None
    if any(len(row.lengths) > 1 for row in rows):
        positions = torch.tensor([row.positions + [0] * (width - len(row.ids)) for row in rows], device=where)
        branches = torch.tensor([row.branches + [-1] * (width - len(row.ids)) for row in rows], device=where)
        seen = (branches[:, None, :] == 0) | (branches[:, None, :] == branches[:, :, None])
        mask = (seen & torch.ones(width, width, dtype=torch.bool, device=where).tril())[:, None]
    hidden = subject.model.transformer(ids, None, positions, mask).flatten(0, 1)
    places = torch.tensor([at * width + place for at, row in enumerate(rows) for place in row.places])
    targets = torch.tensor([target for row in rows for target in row.targets])
    nats, best, allowed = _predicted(subject, hidden, places.to(where), targets.to(where), banned)
    return list(_unpacked(rows, nats, best, allowed))


def _predicted(
    subject: Subject, hidden: Tensor, places: Tensor, targets: Tensor, banned: Tensor | None
) -> tuple[list[float], list[bool], list[bool]]:
    """Of each target its log-likelihood, whether it is the likeliest, whether the likeliest not banned."""
    nats: list[float] = []
    best: list[bool] = []
    allowed: list[bool] = []
    for at in range(0, len(places), PREDICTED_AT_ONCE):
        place, target = places[at : at + PREDICTED_AT_ONCE], targets[at : at + PREDICTED_AT_ONCE]
        logits = F.linear(hidden[place], subject.model.transformer.wte.weight).float()
        likelihoods = -F.cross_entropy(logits, target, reduction="none")  # a fifth of logsumexp's time
        require_numbers(likelihoods)
        nats += likelihoods.tolist()
        best += (logits.argmax(1) == target).tolist()
        if banned is not None:
            allowed += (logits.masked_fill_(banned, float("-inf")).argmax(1) == target).tolist()
    return nats, best, allowed or best


def _unpacked(
    rows: list[_Row], nats: list[float], best: list[bool], allowed: list[bool]
) -> Iterator[list[Scored]]:
    at = 0
    for row in rows:
        scored = []
        for length in row.lengths:
            end = at + length
            scored.append(Scored(nats[at:end], best[at:end], bool(length) and allowed[at]))
            at = end
        yield scored
