"""Choosing among given texts by their likelihood: CBT (paper §3.2), Winograd (§3.4), HellaSwag."""

import re
from collections.abc import Sequence
from itertools import takewhile

from train.evals.detokenize import TREEBANK
from train.evals.language import Result, likelihoods, percent
from train.evals.questions import Cloze, Ending, Schema
from train.evals.scoring import Question, Scored, Told, score
from train.evals.subject import Subject

# Answers that begin with one of these lose the capital within a sentence.
NAMES_NOTHING = frozenset(
    ["The", "A", "An", "My", "His", "Her", "Their", "Our", "Your", "This", "That", "These", "Those"]
)
OWNS = frozenset(["my", "his", "her", "our", "their", "its", "your"])
PERSONAL = frozenset(["he", "she", "they", "him", "them"])


def cbt(subject: Subject, clozes: Sequence[Cloze], told: Told) -> Result:
    """The candidate that makes it and the rest of its sentence likeliest, after all before it.

    `accuracy_mean`: by the mean over tokens instead of the sum.
    """
    texts = []
    for cloze in clozes:
        before = " ".join(map(TREEBANK.detokenise, cloze.before))
        filled = (cloze.query.replace("XXXXX", choice) for choice in cloze.choices)
        texts.append([f"{before} {TREEBANK.detokenise(query)}".strip() for query in filled])
    scored = score(subject, [_branching(subject, choices) for choices in texts], told)
    examples = []
    for cloze, each in zip(clozes, scored, strict=True):
        sums, means = [one.total for one in each], [one.total / max(1, len(one.nats)) for one in each]
        examples.append(
            {
                "answer": cloze.answer,
                "chosen": cloze.choices[_best(sums)],
                "chosen_by_mean": cloze.choices[_best(means)],
                "log_likelihoods": dict(zip(cloze.choices, sums, strict=True)),
            }
        )
    return {
        "accuracy": percent(each["chosen"] == each["answer"] for each in examples),
        "accuracy_mean": percent(each["chosen_by_mean"] == each["answer"] for each in examples),
    }, examples


def winograd(subject: Subject, schemas: Sequence[Schema], told: Told) -> Result:
    """The pronoun replaced by each answer (Trinh & Le 2018): `full` compares the likelihood of the whole
    text, `partial` that of what follows the answer."""
    heads = [[_resolved(schema, answer) for answer in schema.answers] for schema in schemas]
    rests = subject.encode([_after(schema.after) for schema in schemas])
    texts = [[*ids, *rest] for pair, rest in zip(heads, rests, strict=True) for ids in subject.encode(pair)]
    scored = iter(likelihoods(subject, texts, told))
    examples = []
    for schema, pair, rest in zip(schemas, heads, rests, strict=True):
        both = [next(scored) for _ in pair]
        full, partial = [sum(nats) for nats in both], [sum(nats[-len(rest) :]) for nats in both]
        examples.append(
            {
                "texts": [head + _after(schema.after) for head in pair],
                "correct": schema.correct,
                "full": full,
                "partial": partial,
                "chosen_full": _best(full),
                "chosen_partial": _best(partial),
            }
        )
    return {
        f"accuracy_{way}": percent(each[f"chosen_{way}"] == each["correct"] for each in examples)
        for way in ("full", "partial")
    }, examples


def hellaswag(subject: Subject, endings: Sequence[Ending], told: Told) -> Result:
    """The likeliest of four endings by the sum of its tokens' log-likelihoods, by that over its length in
    characters (lm-evaluation-harness's `acc_norm`), and by their mean (llm.c's)."""
    questions = []
    for example in endings:
        context = subject.encode([plain(example.context)])[0] or [subject.end]
        questions.append(Question(context, subject.encode([" " + plain(text) for text in example.endings])))
    examples = []
    for example, each in zip(endings, score(subject, questions, told), strict=True):
        lengths = [max(1, len(plain(text))) for text in example.endings]
        examples.append({"correct": example.correct, **_ways(each, lengths)})
    return {
        name: percent(each[chosen] == each["correct"] for each in examples)
        for name, chosen in (
            ("accuracy", "chosen"),
            ("accuracy_per_char", "chosen_per_char"),
            ("accuracy_mean", "chosen_by_mean"),
        )
    }, examples


def plain(text: str) -> str:
    """HellaSwag's text without the marks of its source, as lm-evaluation-harness cleans it."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _ways(scored: Sequence[Scored], lengths: Sequence[int]) -> dict[str, object]:
    sums = [one.total for one in scored]
    return {
        "log_likelihoods": sums,
        "chosen": _best(sums),
        "chosen_per_char": _best([total / length for total, length in zip(sums, lengths, strict=True)]),
        "chosen_by_mean": _best([one.total / max(1, len(one.nats)) for one in scored]),
    }


def _branching(subject: Subject, texts: Sequence[str]) -> Question:
    """The texts as a context, all tokens they begin with in common, and what is different in each."""
    all_ids = subject.encode(texts)
    columns = zip(*(ids[:-1] for ids in all_ids), strict=False)
    common = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    context = all_ids[0][:common]
    return Question([subject.end, *context], [ids[common:] for ids in all_ids])


def _resolved(schema: Schema, answer: str) -> str:
    """The text up to the pronoun, and the answer in its place, in the pronoun's case and with its capital."""
    first, _, rest = answer.partition(" ")
    if schema.pronoun[:1].isupper():
        answer = answer[:1].upper() + answer[1:]
    elif first in NAMES_NOTHING:
        answer = f"{first.lower()} {rest}".strip()
    pronoun = schema.pronoun.lower()
    if pronoun in OWNS | PERSONAL:  # the collection has some answers as they stand before: "Ann's"
        answer = answer.removesuffix("'s") + ("'s" if pronoun in OWNS else "")
    return f"{schema.before} {answer}".strip()


def _after(text: str) -> str:
    return text if text[:1] in ",.;:!?'" else " " + text


def _best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda at: values[at])
