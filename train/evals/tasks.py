"""Every task: its name, where its file lies, and what is done with it. `version` changes when its meaning
does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from train.errors import TrainError
from train.evals import choice, examples, generation, language, texts
from train.evals.detokenize import ONE_BILLION, PTB, TREEBANK, WIKITEXT, Detokenizer
from train.evals.language import Result, Text
from train.evals.scoring import Told
from train.evals.subject import Subject
from train.evals.texts import Source

Evaluate = Callable[[Subject, Path, Sequence[int], Told], Result]

SCHEMAS = 273  # of the collection's 285: those that the literature evaluates
HUNDRED_MILLION, FIVE_MILLION = 100_000_000, 5_000_000


@dataclass(frozen=True)
class Task:
    """One evaluation. `evaluate` takes the model, the file, the strides of windows and who hears of
    progress."""

    name: str
    source: Source
    evaluate: Evaluate
    version: int = 1
    strides: bool = False


def named(names: Sequence[str]) -> list[Task]:
    """The tasks, in this order; "all" stands for every one. Raises TrainError for a name that is none."""
    if "all" in names:
        return list(TASKS.values())
    for name in names:
        if name not in TASKS:
            raise TrainError(f"no task {name!r}: there are {', '.join(TASKS)}, and all")
    return [TASKS[name] for name in dict.fromkeys(names)]


def _streamed(detokenizer: Detokenizer) -> Evaluate:
    """Lines of words as one text."""

    def evaluate(subject: Subject, path: Path, strides: Sequence[int], told: Told) -> Result:
        found = texts.lines(path)
        words = sum(len(line.split()) for line in found)
        text = "\n".join(map(detokenizer.detokenise, found)) + "\n"
        units = {"word": words, "word_and_line_end": words + len(found)}
        return language.stream(subject, Text(text, units), strides, told)

    return evaluate


def _wikitext_raw(subject: Subject, path: Path, strides: Sequence[int], told: Told) -> Result:
    """The tokens as they are, lines joined as the guide of transformers joins them."""
    found = [f"{line}\n" if line.strip() else "" for line in texts.lines(path)]
    units = {"word": sum(len(line.split()) for line in found)}
    return language.stream(subject, Text("\n\n".join(found), units), strides, told)


def _characters(per: str) -> Evaluate:
    """The last five million bytes of a hundred million."""

    def evaluate(subject: Subject, path: Path, strides: Sequence[int], told: Told) -> Result:
        text = texts.last_bytes(path, HUNDRED_MILLION, FIVE_MILLION)
        units = {per: len(text.encode()) if per == "byte" else len(text)}
        return language.stream(subject, Text(text, units), strides, told)

    return evaluate


def _one_billion(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    found = [line for line in texts.lines(path) if line.strip()]
    return language.sentences(
        subject,
        [
            Text(ONE_BILLION.detokenise(line) + "\n", {"word": words, "word_and_line_end": words + 1})
            for line in found
            for words in [len(line.split())]
        ],
        told,
    )


def _lambada(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    if path.suffix == ".jsonl":
        found = [str(row["text"]) for row in texts.rows(path, ("text",))]
    else:
        found = [TREEBANK.detokenise(line) for line in texts.lines(path)]
    return language.lambada(subject, found, told)


def _cbt(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    return choice.cbt(subject, texts.cloze(path), told)


def _winograd(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    return choice.winograd(subject, texts.winograd(path, SCHEMAS), told)


def _hellaswag(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    return choice.hellaswag(subject, texts.hellaswag(path), told)


def _coqa(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    return generation.coqa(subject, examples.coqa(path), told)


def _cnn_dm(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    return generation.cnn_dm(subject, examples.stories(path), told)


def _wmt14(source: str, target: str) -> Evaluate:
    def evaluate(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
        return generation.translation(subject, examples.parallel(path, source, target), told)

    return evaluate


def _nq(subject: Subject, path: Path, _: Sequence[int], told: Told) -> Result:
    return generation.questions(subject, examples.natural_questions(path), told)


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
        ),
        Task("cbt-cn", _cbt_source("CN"), _cbt),
        Task("cbt-ne", _cbt_source("NE"), _cbt),
        Task(
            "wikitext-2",
            Source(("wikitext-2/wiki.test.tokens", "wikitext-2/test.txt"), _WIKITEXT_ORIGIN.format(2)),
            _streamed(WIKITEXT),
            strides=True,
        ),
        Task(
            "wikitext-2-raw",
            Source(("wikitext-2-raw/wiki.test.raw",), _WIKITEXT_ORIGIN.format("2-raw")),
            _wikitext_raw,
            strides=True,
        ),
        Task(
            "ptb",
            Source(("ptb/ptb.test.txt", "ptb.test.txt"), "Mikolov's simple-examples.tgz (data/ptb.test.txt)"),
            _streamed(PTB),
            strides=True,
        ),
        Task(
            "enwik8",
            Source(("enwik8/enwik8", "enwik8"), "mattmahoney.net/dc/enwik8.zip"),
            _characters("byte"),
            strides=True,
        ),
        Task(
            "text8",
            Source(("text8/text8", "text8"), "mattmahoney.net/dc/text8.zip"),
            _characters("char"),
            strides=True,
        ),
        Task(
            "wikitext-103",
            Source(("wikitext-103/wiki.test.tokens",), _WIKITEXT_ORIGIN.format(103)),
            _streamed(WIKITEXT),
            strides=True,
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
        ),
        Task(
            "winograd",
            Source(
                ("wsc/WSCollection.xml", "WSCollection.xml"),
                "Davis's Winograd schema page (cs.nyu.edu/faculty/davise, WSCollection.xml)",
            ),
            _winograd,
            version=2,
        ),
        Task(
            "hellaswag",
            Source(
                ("hellaswag/hellaswag_val.jsonl", "hellaswag_val.jsonl", "hellaswag/hellaswag_val_full.txt*"),
                "the hellaswag repository (data/hellaswag_val.jsonl)",
            ),
            _hellaswag,
        ),
        Task(
            "coqa",
            Source(
                ("coqa/coqa-dev-v1.0.json", "coqa-dev-v1.0.json"),
                "stanfordnlp.github.io/coqa (coqa-dev-v1.0.json)",
            ),
            _coqa,
        ),
        Task(
            "cnn-dm",
            Source(
                ("cnn_dm/all_test.txt", "cnn_dm/test.jsonl"),
                "cs.nyu.edu/~kcho/DMQA (cnn_stories.tgz, dailymail_stories.tgz) and the all_test.txt of "
                "abisee/cnn-dailymail",
                together=True,
            ),
            _cnn_dm,
        ),
        Task("wmt14-en-fr", _NEWSTEST, _wmt14("en", "fr")),
        Task("wmt14-fr-en", _NEWSTEST, _wmt14("fr", "en")),
        Task(
            "nq",
            Source(
                ("nq_open/NQ-open.dev.jsonl", "NQ-open.dev.jsonl"),
                "google-research-datasets/natural-questions (nq_open/NQ-open.dev.jsonl)",
            ),
            _nq,
        ),
    )
}
