import re
from pathlib import Path
from typing import Any

import pytest

from train.evals import questions
from train.evals.choice import cbt, hellaswag, plain, winograd
from train.evals.questions import Cloze, Ending, Schema
from train.evals.subject import Subject


def quiet(_done: int, _total: int) -> None:
    pass


def best(values: list[float]) -> int:
    return values.index(max(values))


CLOZES = [
    Cloze(
        ["It is true .", "He said `` no '' ."],
        "The XXXXX is raised .",
        "error",
        ["error", "list", "name of it"],
    ),
    Cloze([], "Then the XXXXX .", "list", ["name", "list", "statement"]),
]


def test_cbt_takes_the_candidate_that_makes_the_whole_likeliest(bigram: Any) -> None:
    metrics, examples = cbt(bigram.subject, CLOZES, quiet)
    starts = ['It is true. He said "no".', ""]
    for cloze, start, example in zip(CLOZES, starts, examples, strict=True):
        sums, means = [], []
        for choice in cloze.choices:
            tail = cloze.query.replace("XXXXX", choice).removesuffix(" .") + "."
            ids = [0, *bigram.ids(f"{start} {tail}".strip())]
            sums.append(bigram.nats(ids))
            shared = len(bigram.ids(f"{start} {cloze.query.partition(' XXXXX')[0]}".strip())) + 1
            means.append(bigram.nats(ids, shared) / (len(ids) - shared))
        assert example["chosen"] == cloze.choices[best(sums)]
        assert example["chosen_by_mean"] == cloze.choices[best(means)]
        found = list(example["log_likelihoods"].values())
        differences = [one - sums[0] for one in sums]  # what all begin with is left out
        assert [one - found[0] for one in found] == pytest.approx(differences, abs=1e-3)
    for metric, chosen in (("accuracy", "chosen"), ("accuracy_mean", "chosen_by_mean")):
        right = sum(example[chosen] == cloze.answer for cloze, example in zip(CLOZES, examples, strict=True))
        assert metrics[metric] == 50 * right


def test_candidates_that_begin_the_text_are_read_after_end_of_text_each_to_its_end(bigram: Any) -> None:
    choices = ["A", "A list"]
    _, [example] = cbt(bigram.subject, [Cloze([], "XXXXX", "A", choices)], quiet)
    expected = [bigram.nats([0, *bigram.ids(choice)]) for choice in choices]
    assert list(example["log_likelihoods"].values()) == pytest.approx(expected, rel=1e-5)


def test_winograd_replaces_the_pronoun_and_scores_all_or_what_follows(bigram: Any) -> None:
    schemas = [
        Schema("The men refused a permit because", "they", "feared it.", ["The men", "The women"], 0),
        Schema("Ann paid. Then", "her", "debt was gone.", ["Ann", "Jane"], 1),
        Schema("Jim saw Tom.", "He", ", of course, waved.", ["The man", "Tom"], 1),
    ]
    metrics, examples = winograd(bigram.subject, schemas, quiet)
    assert [example["texts"] for example in examples] == [
        [f"The men refused a permit because the {who} feared it." for who in ("men", "women")],
        [f"Ann paid. Then {who}'s debt was gone." for who in ("Ann", "Jane")],
        [f"Jim saw Tom. {who}, of course, waved." for who in ("The man", "Tom")],
    ]
    for schema, example in zip(schemas, examples, strict=True):
        after = len(bigram.ids(schema.after if schema.after[0] == "," else " " + schema.after))
        ids = [[0, *bigram.ids(text)] for text in example["texts"]]
        assert example["full"] == pytest.approx([bigram.nats(each) for each in ids], rel=1e-5)
        partial = [bigram.nats(each, len(each) - after) for each in ids]
        assert example["partial"] == pytest.approx(partial, rel=1e-5)
        assert example["chosen_full"] == best(example["full"])
        assert example["chosen_partial"] == best(example["partial"])
    for way in ("full", "partial"):
        right = sum(example[f"chosen_{way}"] == example["correct"] for example in examples)
        assert metrics[f"accuracy_{way}"] == pytest.approx(100 * right / 3)


def test_a_schema_longer_than_the_model_is_read_to_its_end(bigram: Any) -> None:
    before = "The men of the town council refused the many people who came to the square a permit because"
    schema = Schema(before, "they", "feared it.", ["The men", "The women of the town"], 0)
    _, [example] = winograd(bigram.subject, [schema], quiet)
    ids = [[0, *bigram.ids(text)] for text in example["texts"]]
    assert min(map(len, ids)) > bigram.subject.room + len(bigram.ids(" feared it."))
    assert example["full"] == pytest.approx([bigram.nats(each) for each in ids], rel=1e-5)
    after = len(bigram.ids(" feared it."))
    partial = [bigram.nats(each, len(each) - after) for each in ids]
    assert example["partial"] == pytest.approx(partial, rel=1e-5)


@pytest.mark.parametrize(
    ("before", "pronoun", "answer", "text"),
    [
        ("Ann's son had an accident, so", "she", "Ann's", "Ann's son had an accident, so Ann"),
        ("Bob paid Charlie's fees.", "He", "Charlie's", "Bob paid Charlie's fees. Charlie"),
        ("Emma's mother had died, and", "her", "Emma's", "Emma's mother had died, and Emma's"),
        (
            "Emma's mother had died, and",
            "her",
            "Emma's mother",
            "Emma's mother had died, and Emma's mother's",
        ),
        ("Sam's drawing hung above Tina's and", "it", "Tina's", "Sam's drawing hung above Tina's and Tina's"),
        ("The fish ate the worm.", "It", "the worm", "The fish ate the worm. The worm"),
        ("I said no!", "They", "people", "I said no! People"),
        ("It ate", "them", "The worms", "It ate the worms"),
    ],
)
def test_an_answer_takes_the_pronouns_case_and_its_capital(
    bigram: Any, before: str, pronoun: str, answer: str, text: str
) -> None:
    _, examples = winograd(bigram.subject, [Schema(before, pronoun, ".", [answer, "Jo"], 0)], quiet)
    assert examples[0]["texts"][0] == f"{text}."


def test_no_schema_of_the_collection_is_read_in_broken_english(bigram: Any, shared: Path) -> None:
    schemas = questions.winograd(shared / "evals" / "wsc" / "WSCollection.xml", 273)
    _, examples = winograd(bigram.subject, schemas, quiet)
    read = [text for example in examples for text in example["texts"] if "Tina's did" not in text]
    broken = re.compile(r"'s's|[.!?] [a-z]|'s (is|has|had|did|told|was|faced|admires|influences)\b")
    assert [text for text in read if broken.search(text)] == []


def test_hellaswag_takes_an_ending_by_sum_by_length_and_by_mean(bigram: Any) -> None:
    endings = ["is raised.", "returns the list of all names.", "stops.", "goes on to the next one."]
    context = "Python: A name is looked up."
    metrics, examples = hellaswag(bigram.subject, [Ending(context, endings, 2)], quiet)
    sums = []
    lengths = []
    for ending in endings:
        before, ids = bigram.ids(context), bigram.ids(" " + ending)
        sums.append(bigram.nats([before[-1], *ids]))
        lengths.append(len(ids))
    assert examples[0]["log_likelihoods"] == pytest.approx(sums, rel=1e-5)
    ways = {
        "accuracy": sums,
        "accuracy_per_char": [one / len(ending) for one, ending in zip(sums, endings, strict=True)],
        "accuracy_mean": [one / length for one, length in zip(sums, lengths, strict=True)],
    }
    assert metrics == {name: 100.0 * (best(values) == 2) for name, values in ways.items()}


def test_an_ending_of_no_context_is_read_after_end_of_text(bigram: Any) -> None:
    endings = ["is raised.", "stops.", "goes on.", "ends."]
    _, [example] = hellaswag(bigram.subject, [Ending("[header]", endings, 0)], quiet)
    expected = [bigram.nats([0, *bigram.ids(" " + ending)]) for ending in endings]
    assert example["log_likelihoods"] == pytest.approx(expected, rel=1e-5)


def test_marks_of_the_source_do_not_make_an_ending_longer(bigram: Any) -> None:
    endings = ["stops.", "[substeps]stops.", "[step]stops.", "stops."]
    _, [example] = hellaswag(bigram.subject, [Ending("It", endings, 0)], quiet)
    assert example["chosen_per_char"] == 0


def test_hellaswag_loses_the_marks_of_its_source() -> None:
    assert plain("How to bake [title] First [step] do  this ") == "How to bake. First do this"


def test_a_context_longer_than_the_model_still_has_its_answer(subject: Subject) -> None:
    cloze = Cloze(["A long sentence about nothing at all ."] * 20, "It is XXXXX .", "so", ["so", "not"])
    metrics, _ = cbt(subject, [cloze], quiet)
    assert metrics["accuracy"] in (0.0, 100.0)
