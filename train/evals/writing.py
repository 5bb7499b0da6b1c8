"""Texts that a model writes after prompts: many at a time, the likeliest token or one of the top k.

Prompts of a batch end together (padded on the left, the pads hidden by a mask); each layer's keys and values
are kept. What is drawn for a prompt depends on the seed and the prompt's place in the list, not on its batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from train.evals.scoring import Told, batches
from train.evals.subject import Subject
from train.pretrained import require_numbers

ROWS = {"cuda": 64, "mps": 16, "cpu": 16}
NEWLINE = "Ċ"  # as byte-level vocabularies spell it


@dataclass(frozen=True)
class Way:
    """How to go on: at most `tokens`; the likeliest (top_k 1) or one of the `top_k` by its probability; up to
    end-of-text and, with `one_line`, the first line end."""

    tokens: int
    top_k: int = 1
    one_line: bool = True
    seed: int = 1337


@dataclass(frozen=True)
class Written:
    """What was written, and the log-likelihood in nats of its tokens, that of its end too."""

    text: str
    nats: float


@torch.inference_mode()
def write(subject: Subject, prompts: Sequence[Sequence[int]], way: Way, told: Told) -> list[Written]:
    """A text for each prompt. A prompt that leaves too little room loses its beginning."""
    kept = [list(prompt[-_room(subject, way) :]) for prompt in prompts]
    stops = _stops(subject, way)
    found: list[Written] = [Written("", 0.0)] * len(kept)
    done = 0
    rows = ROWS[subject.device.where.type]
    longest = max((len(prompt) for prompt in kept), default=1)
    for batch in batches([len(prompt) for prompt in kept], rows * longest):
        for part in (batch[at : at + rows] for at in range(0, len(batch), rows)):
            texts = _batch(subject, [kept[at] for at in part], _draws(part, way), way, stops)
            for at, text in zip(part, texts, strict=True):
                found[at] = text
            done += len(part)
            told(done, len(kept))
    return found


def cut(subject: Subject, prompts: Sequence[Sequence[int]], way: Way) -> int:
    """How many of the prompts lose their beginning."""
    return sum(len(prompt) > _room(subject, way) for prompt in prompts)


def _room(subject: Subject, way: Way) -> int:
    return max(1, subject.room - way.tokens)


def _draws(places: Sequence[int], way: Way) -> Tensor:
    """Uniform numbers (B, tokens), each row's own."""
    rows = [np.random.default_rng([way.seed, place]).random(way.tokens) for place in places]
    return torch.tensor(np.stack(rows))


def _batch(
    subject: Subject, prompts: list[list[int]], draws: Tensor, way: Way, stops: Tensor
) -> list[Written]:
    where, width = subject.device.where, max(map(len, prompts))
    pads = torch.tensor([width - len(prompt) for prompt in prompts], device=where)
    ids = torch.tensor([[subject.end] * (width - len(prompt)) + prompt for prompt in prompts], device=where)
    cache = subject.model.new_cache(len(prompts))
    at = torch.arange(width, device=where)
    visible = (at >= pads[:, None])[:, None, :] & (at <= at[:, None])
    mask: Tensor = visible | torch.eye(width, dtype=torch.bool, device=where)  # a pad sees itself: no 0 / 0
    positions = (at - pads[:, None]).clamp(min=0)
    columns: list[Tensor] = []
    nats = torch.zeros(len(prompts), dtype=torch.float64)
    ended = torch.zeros(len(prompts), dtype=torch.bool)
    for step in range(min(way.tokens, subject.room - width + 1)):
        last = subject.model.transformer(ids, cache, positions, mask[:, None])[:, -1]
        logits = F.linear(last, subject.model.transformer.wte.weight).float()
        token = _pick(logits, way.top_k, draws[:, step])
        logp = -F.cross_entropy(logits, token.to(where), reduction="none").cpu().double()
        require_numbers(logp)
        nats += torch.where(ended, 0.0, logp)
        columns.append(torch.where(ended, subject.end, token))
        ended |= stops[token]
        if bool(ended.all()):
            break
        ids, positions = token[:, None].to(where), positions[:, -1:] + 1
        seen = torch.arange(width + step + 1, device=where) >= pads[:, None]
        mask = seen[:, None, :]
    return [
        Written(_text(subject, row, way), float(total))
        for row, total in zip(torch.stack(columns, 1).tolist(), nats, strict=True)
    ]


def _pick(logits: Tensor, top_k: int, draw: Tensor) -> Tensor:
    """A token id for each row of logits (B, V), on the CPU; `draw` (B) decides among the top k. What leaves
    the device is a few numbers a row, not the vocabulary's logits."""
    if top_k == 1:
        return logits.argmax(1).cpu()
    likely, ids = (each.cpu() for each in logits.topk(min(top_k, logits.size(1))))
    below = likely.double().softmax(1).cumsum(1)
    place = (draw[:, None] >= below).sum(1).clamp(max=ids.size(1) - 1)
    return ids.gather(1, place[:, None])[:, 0]


def _stops(subject: Subject, way: Way) -> Tensor:
    """True for the tokens (V) that end a text."""
    found = torch.zeros(subject.model.shape.vocab_size, dtype=torch.bool)
    found[subject.end] = True
    if way.one_line:
        for text, token in subject.tokenizer.get_vocab().items():
            found[token] |= NEWLINE in text
    return found


def _text(subject: Subject, ids: list[int], way: Way) -> str:
    if subject.end in ids:
        ids = ids[: ids.index(subject.end)]
    text = subject.decode(ids)
    return text.partition("\n")[0] if way.one_line else text
