"""Every task: its name, where its file lies, and what is done with it. `version` changes when its meaning
does."""

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from train.errors import TrainError
from train.evals import choice, examples, generation, language, questions, texts
from train.evals.detokenize import ONE_BILLION, PTB, TREEBANK, WIKITEXT, Detokenizer
from train.evals.held_out import SUFFIX, held_out
from train.evals.language import Result, Text
from train.evals.scoring import Told
from train.evals.subject import Subject
from train.evals.texts import Source
from train.files import expanded

Score = Callable[[Subject, Any, Told], Result]

SCHEMAS = 273  # of the collection's 285: those that the literature evaluates
HUNDRED_MILLION, FIVE_MILLION = 100_000_000, 5_000_000


@dataclass(frozen=True)
class Task:
    """One evaluation. `read` takes the file, and raises TrainError for another than expected; `score` takes
    what was read. Where there is none that is a Text, which is streamed through windows."""

    name: str
    source: Source
    read: Callable[[Path], Any]
    score: Score | None = None
    version: int = 1

    @property
    def strides(self) -> bool:
        """Whether the strides of windows make a difference."""
        return self.score is None

    def evaluate(self, subject: Subject, content: Any, strides: Sequence[int], told: Told) -> Result:
        """The metrics, and every example's outcome."""
        if self.score is None:
            return language.stream(subject, content, strides, told)
        return self.score(subject, content, told)


def named(names: Sequence[str]) -> list[Task]:
    """The tasks, in this order, their names in capitals or not; "all" stands for every one there is by name,
    and FILE.bin for that file. Raises TrainError for a name that is none."""
    asked = dict.fromkeys(name.lower() if name.lower() in (*TASKS, "all") else name for name in names)
    if "all" in asked:
        return list(TASKS.values())
    found = [TASKS.get(name) or _token_file(name) for name in asked]
    for one, other in combinations(found, 2):
        if one.name == other.name:
            raise TrainError(f"two files are called {one.name}: evaluate one after the other")
    return found


def _token_file(name: str) -> Task:
    if Path(name).suffix != SUFFIX:
        raise TrainError(
            f"no task {name!r}: there are {', '.join(TASKS)}, all, and any FILE{SUFFIX} of tokens"
        )
    path = expanded(name).absolute()
    if not path.is_file():
        raise TrainError(f"there is no file {name}: `webtext build-shards` makes a corpus's tokens")
    pattern = path.with_name(glob.escape(path.name))  # of the name alone, as `Source.find` takes it
    return Task(path.name, Source((str(pattern),), ""), read=lambda path: path, score=held_out, version=2)


def _streamed(detokenizer: Detokenizer, path: Path) -> Text:
    """Lines of words as one text."""
    found = texts.lines(path)
    words = sum(len(line.split()) for line in found)
    text = "\n".join(map(detokenizer.detokenise, found)) + "\n"
    return Text(text, {"word": words, "word_and_line_end": words + len(found)})


def _wikitext_raw(path: Path) -> Text:
    """The tokens as they are, lines joined as the guide of transformers joins them."""
    found = [f"{line}\n" if line.strip() else "" for line in texts.lines(path)]
    return Text("\n\n".join(found), {"word": sum(len(line.split()) for line in found)})


def _characters(per: str, path: Path) -> Text:
    """The last five million bytes of a hundred million."""
    text = texts.last_bytes(path, HUNDRED_MILLION, FIVE_MILLION)
    return Text(text, {per: len(text.encode()) if per == "byte" else len(text)})


def _one_billion(path: Path) -> list[Text]:
    return [
        Text(ONE_BILLION.detokenise(line) + "\n", {"word": words, "word_and_line_end": words + 1})
        for line in texts.lines(path)
        if (words := len(line.split()))
    ]


def _lambada(path: Path) -> list[str]:
    if path.suffix == ".jsonl":
        return [row["text"] for row in texts.rows(path, {"text": texts.TEXT})]
    return [TREEBANK.detokenise(line) for line in texts.lines(path) if line.strip()]


def _cbt_source(kind: str) -> Source:
    name = f"cbtest_{kind}_valid_2000ex.txt"
    return Source((f"cbt/{name}", f"CBTest/data/{name}", name), "CBTest.tgz of the bAbI project (fb.ai/babi)")


_WIKITEXT_ORIGIN = "the WikiText language modeling dataset (Salesforce, wikitext-{}-v1.zip)"
_NEWSTEST = Source(
    (
        "newstest2014/newstest2014.fr-en.jsonl",
        "newstest2014/newstest2014-fren-src.fr.sgm",
        "newstest2014/newstest2014-fren-src.fr",
    ),
    "statmt.org/wmt14 (test-full.tgz)",
    together=True,
)

TASKS = {
    task.name: task
    for task in (
        Task(
            "lambada",
            Source(
                ("lambada/lambada_test.jsonl", "lambada_test.jsonl", "lambada_test_plain_text.txt"),
                "OpenAI's gpt-2 repository (lambada_test.jsonl) or zenodo.org/record/2630551",
            ),
            _lambada,
            language.lambada,
        ),
        Task("cbt-cn", _cbt_source("CN"), questions.cloze, choice.cbt),
        Task("cbt-ne", _cbt_source("NE"), questions.cloze, choice.cbt),
        Task(
            "wikitext-2",
            Source(("wikitext-2/wiki.test.tokens", "wikitext-2/test.txt"), _WIKITEXT_ORIGIN.format(2)),
            partial(_streamed, WIKITEXT),
        ),
        Task(
            "wikitext-2-raw",
            Source(("wikitext-2-raw/wiki.test.raw",), _WIKITEXT_ORIGIN.format("2-raw")),
            _wikitext_raw,
        ),
        Task(
            "ptb",
            Source(("ptb/ptb.test.txt", "ptb.test.txt"), "Mikolov's simple-examples.tgz (data/ptb.test.txt)"),
            partial(_streamed, PTB),
        ),
        Task(
            "enwik8",
            Source(("enwik8/enwik8", "enwik8"), "mattmahoney.net/dc/enwik8.zip"),
            partial(_characters, "byte"),
        ),
        Task(
            "text8",
            Source(("text8/text8", "text8"), "mattmahoney.net/dc/text8.zip"),
            partial(_characters, "char"),
        ),
        Task(
            "wikitext-103",
            Source(("wikitext-103/wiki.test.tokens",), _WIKITEXT_ORIGIN.format(103)),
            partial(_streamed, WIKITEXT),
        ),
        Task(
            "1bw",
            Source(
                (
                    "1bw/news.en.heldout-00000-of-00050",
                    "1-billion-word-language-modeling-benchmark-r13output/"
                    "heldout-monolingual.tokenized.shuffled/news.en.heldout-00000-of-00050",
                ),
                "statmt.org/lm-benchmark (1-billion-word-language-modeling-benchmark-r13output.tar.gz)",
            ),
            _one_billion,
            language.sentences,
            version=2,
        ),
        Task(
            "winograd",
            Source(
                ("wsc/WSCollection.xml", "WSCollection.xml"),
                "Davis's Winograd schema page (cs.nyu.edu/faculty/davise, WSCollection.xml)",
            ),
            partial(questions.winograd, count=SCHEMAS),
            choice.winograd,
            version=3,
        ),
        Task(
            "hellaswag",
            Source(
                ("hellaswag/hellaswag_val.jsonl", "hellaswag_val.jsonl", "hellaswag/hellaswag_val_full.txt*"),
                "the hellaswag repository (data/hellaswag_val.jsonl)",
            ),
            questions.hellaswag,
            choice.hellaswag,
        ),
        Task(
            "coqa",
            Source(
                ("coqa/coqa-dev-v1.0.json", "coqa-dev-v1.0.json"),
                "stanfordnlp.github.io/coqa (coqa-dev-v1.0.json)",
            ),
            examples.coqa,
            generation.coqa,
        ),
        Task(
            "cnn-dm",
            Source(
                ("cnn_dm/all_test.txt", "cnn_dm/test.jsonl"),
                "cs.nyu.edu/~kcho/DMQA (cnn_stories.tgz, dailymail_stories.tgz) and the all_test.txt of "
                "abisee/cnn-dailymail",
                together=True,
            ),
            examples.stories,
            generation.cnn_dm,
            version=2,
        ),
        Task(
            "wmt14-en-fr",
            _NEWSTEST,
            partial(examples.parallel, source="en", target="fr"),
            generation.translation,
        ),
        Task(
            "wmt14-fr-en",
            _NEWSTEST,
            partial(examples.parallel, source="fr", target="en"),
            generation.translation,
        ),
        Task(
            "nq",
            Source(
                ("nq_open/NQ-open.dev.jsonl", "NQ-open.dev.jsonl"),
                "google-research-datasets/natural-questions (nq_open/NQ-open.dev.jsonl)",
            ),
            examples.natural_questions,
            generation.questions,
        ),
    )
}
