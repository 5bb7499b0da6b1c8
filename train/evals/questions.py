"""The official files of the tasks that are answered by choosing among given texts."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from train.errors import TrainError
from train.evals.texts import FOUR, LABEL, STRING, TEXT, TEXTS, lines, read_bytes, rows, some


@dataclass(frozen=True)
class Cloze:
    """A question of CBT: the sentences before, the one with XXXXX in place of a word, the candidates."""

    before: list[str]
    query: str
    answer: str
    choices: list[str]


def cloze(path: Path) -> list[Cloze]:
    """CBT: 20 numbered lines and a 21st "query<tab>answer<tab><tab>choice|choice|…", then an empty line."""
    found: list[Cloze] = []
    before: list[str] = []
    for at, line in enumerate(lines(path), 1):
        number, _, text = line.partition(" ")
        if not line.strip():
            before = []
        elif number == "21":
            parts = text.split("\t")
            choices = parts[-1].split("|")
            if len(parts) != 4 or "XXXXX" not in parts[0] or parts[1] not in choices:
                raise TrainError(f"{path} line {at:,} is no CBT question (query, answer, choices by tabs)")
            found.append(Cloze(before, parts[0], parts[1], choices))
        elif number.isdecimal():
            before.append(text)
        else:
            raise TrainError(f"{path} line {at:,} does not start with a number: is it a cbtest_*.txt?")
    return some(path, found)


@dataclass(frozen=True)
class Schema:
    """A Winograd schema: the text before and after the pronoun, the pronoun, who it may be, which is
    right."""

    before: str
    pronoun: str
    after: str
    answers: list[str]
    correct: int


_SCHEMA = {"txt1": STRING, "pron": TEXT, "txt2": STRING, "answers": TEXTS, "correct": TEXT}


def winograd(path: Path, count: int) -> list[Schema]:
    """The first `count` schemas of WSCollection.xml, or of JSON lines with its fields."""
    if path.suffix == ".xml":
        raw = list(_schemas(path))
    else:
        raw = [
            (row["txt1"], row["pron"], row["txt2"], row["answers"], row["correct"])
            for row in rows(path, _SCHEMA)
        ]
    if len(raw) < count:
        raise TrainError(f"{path} has {len(raw):,} schemas, expected {count} at least")
    for before, _, _, answers, right in raw:
        if right not in ("A", "B") or len(answers) != 2:
            raise TrainError(f"{path}: a schema without two answers and a correct one ({before.strip()!r})")
    return [
        Schema(_squeezed(before), _squeezed(pronoun), _squeezed(after), answers, int(right == "B"))
        for before, pronoun, after, answers, right in raw[:count]
    ]


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _schemas(path: Path) -> Iterator[tuple[str, str, str, list[str], str]]:
    try:
        root = ElementTree.fromstring(read_bytes(path))
    except (ElementTree.ParseError, LookupError) as error:  # LookupError: of an encoding that nobody knows
        raise TrainError(f"{path} is not XML: {error}") from None
    for schema in root.iter("schema"):
        parts = [schema.findtext(f"text/{name}", "") for name in ("txt1", "pron", "txt2")]
        answers = [(answer.text or "").strip() for answer in schema.iterfind("answers/answer")]
        right = schema.findtext("correctAnswer", "").strip(" .\n\t")
        yield parts[0], parts[1], parts[2], answers, right


@dataclass(frozen=True)
class Ending:
    """An example of HellaSwag: what happens, four endings, the index of the true one."""

    context: str
    endings: list[str]
    correct: int


_ENDING = {"activity_label": STRING, "ctx_a": STRING, "ctx_b": STRING, "endings": FOUR, "label": LABEL}


def hellaswag(path: Path) -> list[Ending]:
    """hellaswag_val.jsonl, or text of six lines an example: context, index, four endings."""
    if path.suffix == ".jsonl":
        return [
            Ending(
                f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}",
                row["endings"],
                int(row["label"]),
            )
            for row in rows(path, _ENDING)
        ]
    found = lines(path)
    if len(found) % 6 or any(label not in "0123" or len(label) != 1 for label in found[1::6]):
        raise TrainError(f"{path} has not six lines an example (context, index, four endings)")
    six = (found[at : at + 6] for at in range(0, len(found), 6))
    return [Ending(part[0], part[2:], int(part[1])) for part in six]
