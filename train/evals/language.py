"""Language modelling (paper §3.1) and LAMBADA (§3.3): how likely a model finds a text.

Log-likelihood is summed over the model's own tokens and divided by the number of the data set's original
units (words and line ends, bytes, characters), and only then exponentiated.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from train.evals.scoring import Question, Told, after, score
from train.evals.stop_words import STOP_WORDS
from train.evals.subject import Subject

SPACE = "Ġ"  # as byte-level vocabularies spell it

Metrics = dict[str, float | None]
Examples = list[dict[str, Any]]
Result = tuple[Metrics, Examples]


@dataclass(frozen=True)
class Text:
    """A text and how many original units it has: {"word": 1, "word_and_line_end": 2}, or of "byte",
    "char"."""

    text: str
    units: Mapping[str, int]


def stream(subject: Subject, text: Text, strides: Sequence[int], told: Told) -> Result:
    """A long text read through windows of the model's length, `stride` tokens further each time.

    Every token is predicted once, from at least length − stride tokens before it where the text has them; the
    first one from end-of-text alone. An example is a window.
    """
    ids = [subject.end, *subject.encode([text.text])[0]]
    spans_of = {stride: list(windows(len(ids) - 1, subject.room, stride)) for stride in strides}
    total = sum(map(len, spans_of.values()))
    metrics: Metrics = {}
    examples: Examples = []
    for stride, spans in spans_of.items():
        questions = [
            Question(ids[start : first + 1], [ids[first + 1 : last + 1]]) for start, first, last in spans
        ]
        found = score(subject, questions, after(told, len(examples), total))
        nats = [-scored[0].total for scored in found]
        metrics |= {
            f"{name}_stride_{stride}": value for name, value in _rates(sum(nats), text, len(ids) - 1).items()
        }
        examples += [
            {"stride": stride, "first": first, "tokens": last - first, "nats": nat}
            for (_, first, last), nat in zip(spans, nats, strict=True)
        ]
    return metrics, examples


def windows(tokens: int, size: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """(start, first, last): reading from `start`, tokens first…last − 1 are predicted.

    The last window reaches back as far as the others, so it may predict fewer than `stride`.
    """
    last = min(size, tokens)
    yield 0, 0, last
    while last < tokens:
        first, last = last, min(last + stride, tokens)
        yield max(0, last - size), first, last


def sentences(subject: Subject, texts: Sequence[Text], told: Told) -> Result:
    """Texts that have nothing to do with each other, each after end-of-text. An example is a text."""
    scored = likelihoods(subject, subject.encode([text.text for text in texts]), told)
    units = {per: sum(text.units[per] for text in texts) for per in texts[0].units}
    whole = Text("".join(text.text for text in texts), units)
    nats, tokens = -math.fsum(sum(each) for each in scored), sum(map(len, scored))
    examples = [
        {"text": text.text, "tokens": len(each), "nats": -sum(each)}
        for text, each in zip(texts, scored, strict=True)
    ]
    return _rates(nats, whole, tokens), examples


def likelihoods(subject: Subject, texts: Sequence[Sequence[int]], told: Told) -> list[list[float]]:
    """Of each text's tokens, read after end-of-text, the log-likelihoods in nats; a text that is longer than
    the model is read through windows that move by half."""
    whole = [[subject.end, *ids] for ids in texts]
    half = max(1, subject.room // 2)
    spans = [(at, *span) for at, ids in enumerate(texts) for span in windows(len(ids), subject.room, half)]
    questions = [
        Question(whole[at][start : first + 1], [whole[at][first + 1 : last + 1]])
        for at, start, first, last in spans
    ]
    found: list[list[float]] = [[] for _ in texts]
    for (at, *_), scored in zip(spans, score(subject, questions, told), strict=True):
        found[at] += scored[0].nats
    return found


def perplexity(nats: float) -> float | None:
    """exp of nats a unit; None where that is more than a float holds, which JSON has no number for."""
    try:
        return math.exp(nats)
    except OverflowError:
        return None


def _rates(nats: float, text: Text, tokens: int) -> Metrics:
    """Nats in all as perplexities and bits, per original unit, per token, per byte and character read."""
    bits = nats / math.log(2)
    found: Metrics = {
        "perplexity_per_token": perplexity(nats / tokens),
        "bits_per_text_byte": bits / len(text.text.encode()),
    }
    for per, count in text.units.items():
        if per in ("byte", "char"):
            found[f"bits_per_{per}"] = bits / count
        else:
            found[f"perplexity_per_{per}"] = perplexity(nats / count)
    return found


def lambada(subject: Subject, texts: Sequence[str], told: Told) -> Result:
    """The last word of each text, given what is before it.

    perplexity: of the word, exp of its mean nats. Accuracies: `last_token`, the word's last token after its
    true ones; `word`, each of its tokens is the likeliest; `word_not_stop`, the same where the first token
    may be neither a stop word nor a mark, the paper's approximation of "a last word".
    """
    pairs = [text.rstrip().rpartition(" ") for text in texts]
    contexts = subject.encode([context.rstrip() for context, _, _ in pairs])
    words = subject.encode([" " + word for _, _, word in pairs])
    questions = [
        Question(context or [subject.end], [word]) for context, word in zip(contexts, words, strict=True)
    ]
    scored = [each[0] for each in score(subject, questions, told, banned=_no_last_words(subject))]
    examples: Examples = [
        {
            "target": word,
            "nats": -each.total,
            "tokens": len(each.nats),
            "last_token": each.likeliest[-1],
            "word": all(each.likeliest),
            "word_not_stop": each.first_allowed and all(each.likeliest[1:]),
        }
        for (_, _, word), each in zip(pairs, scored, strict=True)
    ]
    nats, tokens = math.fsum(each["nats"] for each in examples), sum(each["tokens"] for each in examples)
    metrics: Metrics = {
        "perplexity": perplexity(nats / len(examples)),
        "perplexity_per_token": perplexity(nats / tokens),
    }
    for name in ("last_token", "word", "word_not_stop"):
        metrics[f"accuracy_{name}"] = percent(example[name] for example in examples)
    return metrics, examples


def percent(outcomes: Iterable[object]) -> float:
    """The share of true ones, of 100."""
    found = [bool(outcome) for outcome in outcomes]
    return 100 * sum(found) / len(found)


def _no_last_words(subject: Subject) -> Tensor:
    """True for tokens (V) that end a text, are a stop word or are marks without a letter or digit."""
    found = [subject.end]
    for text, token in subject.tokenizer.get_vocab().items():
        plain = text.replace(SPACE, "")
        if not plain.isascii():  # bytes of other alphabets and of marks
            plain = subject.decode([token]).strip()
        marks = plain and "\ufffd" not in plain and not any(letter.isalnum() for letter in plain)
        if marks or plain.lower() in STOP_WORDS:
            found.append(token)
    banned = torch.zeros(subject.model.shape.vocab_size, dtype=torch.bool)
    banned[found] = True
    return banned.to(subject.device.where)
