"""The official files of the tasks that are answered by writing."""

import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from train.errors import TrainError
from train.evals.texts import STRING, TEXT, TEXTS, lines, read_bytes, rows, some


@dataclass(frozen=True)
class Pair:
    """A source text and what may stand for it; the first is the target."""

    source: str
    targets: list[str]

    @property
    def target(self) -> str:
        return self.targets[0]


@dataclass(frozen=True)
class Conversation:
    """A story of CoQA, the questions on it, and for each the answers of several people, the main one
    first."""

    story: str
    questions: list[str]
    answers: list[list[str]]


@dataclass(frozen=True)
class Story:
    """An article and the sentences of its summary."""

    article: str
    highlights: list[str]


def natural_questions(path: Path) -> list[Pair]:
    """NQ-open: {"question", "answer": [...]} a line."""
    found = rows(path, {"question": TEXT, "answer": TEXTS})
    return [Pair(row["question"], row["answer"]) for row in found]


def parallel(path: Path, source: str, target: str) -> list[Pair]:
    """JSON lines with a key for each language, or newstest2014-fren-{src,ref}.LANGUAGE(.sgm): the file of one
    language, whose other lies beside it."""
    if path.suffix == ".jsonl":
        return [Pair(row[source], [row[target]]) for row in rows(path, {source: TEXT, target: TEXT})]
    sides = {path.name.split(".")[-1 - path.name.endswith(".sgm")]: _segments(path)}
    missing = next(language for language in (source, target) if language not in sides)
    beside = sorted(path.parent.glob(f"*2014*fren*.{missing}{'.sgm' if path.suffix == '.sgm' else ''}"))
    if not beside:
        raise TrainError(f"{path.parent} has no newstest2014 in {missing!r} beside {path.name}")
    sides[missing] = _segments(beside[0])
    if len(sides[source]) != len(sides[target]):
        counts = f"{len(sides[source]):,} and {len(sides[target]):,}"
        raise TrainError(f"{path} and {beside[0]} have {counts} sentences: they do not belong together")
    return [Pair(one, [other]) for one, other in zip(sides[source], sides[target], strict=True)]


def _segments(path: Path) -> list[str]:
    """Sentences: of SGML what is in <seg>, else a line each."""
    found = lines(path)
    if path.suffix != ".sgm":
        return found
    *before_ends, _ = "\n".join(found).split("</seg>")
    segments = filter(None, (re.search(r"<seg[^<>]*>(.*)", text) for text in before_ends))
    return [html.unescape(segment[1].strip()) for segment in segments]


def coqa(path: Path) -> list[Conversation]:
    """coqa-dev-v1.0.json."""
    try:
        found = [
            Conversation(
                talk["story"],
                [question["input_text"] for question in talk["questions"]],
                [list(turn) for turn in zip(*_answers(talk), strict=True)],
            )
            for talk in json.loads(read_bytes(path))["data"]
        ]
        if not all(map(_whole, found)):
            raise ValueError("a story, question or answer is no text")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrainError(f"{path} is not laid out like coqa-dev-v1.0.json: {error!r}") from None
    return some(path, found)


def _whole(talk: Conversation) -> bool:
    said = [talk.story, *talk.questions, *(answer for turn in talk.answers for answer in turn)]
    return all(map(STRING.fits, said)) and len(talk.questions) == len(talk.answers) > 0


def _answers(talk: dict[str, object]) -> Iterator[list[str]]:
    """Each person's answers, the main ones first."""
    people = [talk["answers"], *dict(talk.get("additional_answers") or {}).values()]  # type: ignore[call-overload]
    for answers in people:
        yield [answer["input_text"] for answer in answers]


def stories(index: Path) -> list[Story]:
    """CNN/Daily Mail as distributed: `all_test.txt` of addresses, and beside it cnn/stories/*.story and
    dailymail/stories/*.story named by the addresses' SHA-1; or JSON lines with "article" and "highlights"."""
    if index.suffix == ".jsonl":
        return [
            Story(row["article"], row["highlights"].splitlines())
            for row in rows(index, {"article": TEXT, "highlights": STRING})
        ]
    found = []
    files = {path.stem: path for path in sorted(index.parent.rglob("*.story"))}
    for number, address in enumerate(lines(index), 1):
        name = hashlib.sha1(address.encode()).hexdigest()
        if name not in files:
            raise TrainError(
                f"{index} line {number:,}: {name}.story is not in cnn/stories or dailymail/stories beside it"
            )
        found.append(story(lines(files[name])))
    if not found:
        raise TrainError(f"{index} names no stories")
    return found


def story(text: Sequence[str]) -> Story:
    """The article's lines, then each highlight below a line "@highlight"."""
    article: list[str] = []
    highlights: list[str] = []
    kept = article
    for line in (line.strip() for line in text):
        if line == "@highlight":
            kept = highlights
        elif line:
            kept.append(line)
    return Story("\n".join(article), highlights)
