"""Tasks that a model answers by writing: CoQA (paper §3.5), CNN/Daily Mail (§3.6), WMT-14 (§3.7), Natural
Questions (§3.8)."""

import random
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from statistics import fmean
from typing import Any

from train.errors import TrainError
from train.evals.examples import Conversation, Pair, Story
from train.evals.language import Examples, Metrics, Result, percent
from train.evals.scoring import Told, after
from train.evals.subject import Subject
from train.evals.writing import Way, cut, write

SEED = 1337
SHOWN = 5  # examples before a question or a sentence; the paper does not say how many
ANSWER_TOKENS, SENTENCE_TOKENS, SUMMARY_TOKENS = 32, 100, 100
SUMMARY_SENTENCES = 3
WORDS_REMEMBERED = 100_000
Sentences = list[str]
LIBRARIES = {"cnn-dm": "rouge_score", "wmt14-en-fr": "sacrebleu", "wmt14-fr-en": "sacrebleu"}


def require_library(task: str) -> None:
    """Raises TrainError where what scores a task is not installed."""
    library = LIBRARIES.get(task)
    if library and find_spec(library) is None:
        raise TrainError(f"{library} is not installed; {task} needs: pip install 'webtext[eval]'")


def coqa(subject: Subject, conversations: Sequence[Conversation], told: Told) -> Result:
    """Greedy answers after the document, the true history and "A:"; mean F1 and exact match over all
    turns, by CoQA's own rules (against four people, each left out in turn)."""
    turns = []
    for talk in conversations:
        history = f"{talk.story}\n\n"
        for question, answers in zip(talk.questions, talk.answers, strict=True):
            turns.append((f"{history}Q: {question}\nA:", question, answers))
            history += f"Q: {question}\nA: {answers[0]}\n"
    prompts, way = subject.encode([prompt for prompt, _, _ in turns]), Way(ANSWER_TOKENS)
    examples: Examples = []
    for (_, question, answers), written in zip(turns, write(subject, prompts, way, told), strict=True):
        said = written.text.strip()
        examples.append(
            {
                "question": question,
                "answers": answers,
                "said": said,
                "f1": _left_out(f1, said, answers),
                "exact": _left_out(exact, said, answers),
            }
        )
    return {
        "f1": 100 * fmean(each["f1"] for each in examples),
        "exact_match": 100 * fmean(each["exact"] for each in examples),
        "prompts_cut": cut(subject, prompts, way),
    }, examples


def _left_out(measure: Callable[[str, str], float], said: str, answers: Sequence[str]) -> float:
    """The best of all answers but one, averaged over which one that is; of a single answer, it."""
    values = [measure(said, answer) for answer in answers]
    if len(values) == 1:
        return float(values[0])
    return fmean(max(values[:at] + values[at + 1 :]) for at in range(len(values)))


def cnn_dm(subject: Subject, stories: Sequence[Story], told: Told) -> Result:
    """100 tokens by top-k 2 after the article and "TL;DR:", the first three sentences; ROUGE F1 times 100.

    `_no_hint` leaves "TL;DR:" out. `lede_3` and `random_3` need no model: the article's first three
    sentences, and three drawn. `rouge_l` treats each sentence by itself as the original script does,
    `rouge_l_flat` does not.
    """
    scorer = _rouge()
    summaries, articles_cut = _summaries(subject, stories, told)
    examples: Examples = []
    for at, story in enumerate(stories):
        example: dict[str, Any] = {"highlights": story.highlights}
        for name, texts in summaries.items():
            example[f"summary{name}"] = " ".join(texts[at])
            example |= _rouge_of(scorer, story, texts[at], name)
        examples.append(example)
        told(2 * len(stories) + len(examples), 3 * len(stories))
    measures = [key for key in examples[0] if key.startswith("rouge")]
    metrics: Metrics = {key: fmean(each[key] for each in examples) for key in measures}
    return metrics | {"prompts_cut": articles_cut}, examples


def _summaries(
    subject: Subject, stories: Sequence[Story], told: Told
) -> tuple[dict[str, list[Sentences]], int]:
    """The summaries of each way, and how many articles were cut; two thirds of the task."""
    way = Way(SUMMARY_TOKENS, top_k=2, one_line=False, seed=SEED)
    summaries: dict[str, list[Sentences]] = {}
    articles = subject.encode([story.article for story in stories])
    articles_cut = 0
    for name, hint in (("", "\nTL;DR:"), ("_no_hint", "\n")):
        (asking,) = subject.encode([hint])
        room = subject.room - SUMMARY_TOKENS - len(asking)
        articles_cut = max(articles_cut, sum(len(ids) > room for ids in articles))
        prompts = [ids[: max(1, room)] + asking for ids in articles]
        heard = after(told, len(summaries) * len(stories), 3 * len(stories))
        summaries[name] = [_first_sentences(each.text) for each in write(subject, prompts, way, heard)]
    summaries["_lede_3"] = [_first_sentences(story.article) for story in stories]
    summaries["_random_3"] = [_drawn_sentences(story.article, at) for at, story in enumerate(stories)]
    return summaries, articles_cut


def _rouge() -> Any:
    from rouge_score import rouge_scorer

    kinds = ["rouge1", "rouge2", "rougeLsum", "rougeL"]
    return rouge_scorer.RougeScorer(kinds, tokenizer=_Stemmed())


class _Stemmed:
    """rouge-score's own words, each of which is stemmed once: stemming them anew took most of its time."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self.stem = lru_cache(WORDS_REMEMBERED)(PorterStemmer().stem)

    def tokenize(self, text: str) -> Any:
        from rouge_score import tokenize

        return tokenize.tokenize(text, self)


def _rouge_of(scorer: Any, story: Story, summary: Sentences, suffix: str) -> dict[str, float]:
    found = scorer.score("\n".join(story.highlights), "\n".join(summary))
    names = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeLsum", "rouge_l_flat": "rougeL"}
    return {f"{name}{suffix}": 100 * found[key].fmeasure for name, key in names.items()}


def sentences(text: str) -> Sentences:
    """The text's sentences: up to a stop, a question or exclamation mark before white space, or a line
    end."""
    parts = re.split(r"(?<=[.!?])[\"')\]]*\s+|\n+", text.strip())
    return [part.strip() for part in parts if part.strip()]


def _first_sentences(text: str) -> Sentences:
    return sentences(text)[:SUMMARY_SENTENCES]


def _drawn_sentences(text: str, at: int) -> Sentences:
    found = sentences(text)
    drawn = sorted(
        random.Random(f"{SEED} {at}").sample(range(len(found)), min(SUMMARY_SENTENCES, len(found)))
    )
    return [found[place] for place in drawn]


def translation(subject: Subject, pairs: Sequence[Pair], told: Told) -> Result:
    """Greedy, after SHOWN examples "source = target" and "source ="; BLEU by sacrebleu (13a).

    The examples are drawn by seed from the set itself and left out of the score.
    """
    from sacrebleu.metrics.bleu import BLEU

    shown, asked = _shown(pairs)
    head = "".join(f"{pair.source} = {pair.target}\n" for pair in shown)
    prompts, way = subject.encode([f"{head}{pair.source} =" for pair in asked]), Way(SENTENCE_TOKENS)
    written = [each.text.strip() for each in write(subject, prompts, way, told)]
    targets = [[pair.target for pair in asked]]
    bleu, bleu_lowercase = (
        BLEU(lowercase=lowercase).corpus_score(written, targets).score for lowercase in (False, True)
    )
    examples = [
        {"source": pair.source, "target": pair.target, "said": said}
        for pair, said in zip(asked, written, strict=True)
    ]
    return {
        "bleu": bleu,
        "bleu_lowercase": bleu_lowercase,
        "prompts_cut": cut(subject, prompts, way),
    }, examples


def questions(subject: Subject, pairs: Sequence[Pair], told: Told) -> Result:
    """Greedy answers after SHOWN examples of question and answer (drawn by seed, left out of the score).

    `exact_match` by SQuAD's rules; `exact_match_confident_1_percent`: of the answers the model finds
    likeliest.
    """
    shown, asked = _shown(pairs)
    head = "".join(f"Q: {pair.source}\nA: {pair.target}\n\n" for pair in shown)
    prompts, way = subject.encode([f"{head}Q: {pair.source}\nA:" for pair in asked]), Way(ANSWER_TOKENS)
    examples: Examples = []
    for pair, written in zip(asked, write(subject, prompts, way, told), strict=True):
        said = written.text.strip()
        right = any(exact(said, answer) for answer in pair.targets)
        examples.append(
            {
                "question": pair.source,
                "answers": pair.targets,
                "said": said,
                "nats": -written.nats,
                "exact": right,
            }
        )
    surest = sorted(examples, key=lambda each: each["nats"])[: max(1, round(len(examples) / 100))]
    return {
        "exact_match": percent(each["exact"] for each in examples),
        "exact_match_confident_1_percent": percent(each["exact"] for each in surest),
        "prompts_cut": cut(subject, prompts, way),
    }, examples


def _shown(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """A few pairs to show, and all others. Raises TrainError if there are too few."""
    if len(pairs) <= SHOWN:
        raise TrainError(f"{len(pairs)} examples: {SHOWN} are shown to the model, so at least {SHOWN + 1}")
    drawn = random.Random(SEED).sample(range(len(pairs)), SHOWN)
    return [pairs[at] for at in drawn], [pair for at, pair in enumerate(pairs) if at not in drawn]


def normalised(text: str) -> list[str]:
    """SQuAD's words: lower case, no punctuation, no articles."""
    kept = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def exact(said: str, answer: str) -> float:
    """1 if both are the same words."""
    return float(normalised(said) == normalised(answer))


def f1(said: str, answer: str) -> float:
    """The harmonic mean of precision and recall of the words."""
    ours, theirs = normalised(said), normalised(answer)
    if not ours or not theirs:
        return float(ours == theirs)
    both = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * both / (len(ours) + len(theirs))
