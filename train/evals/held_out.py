"""Token files of one's own as tasks: how likely a model finds them, measured as training measures it.

The windows, and so the loss, are those of `val_loss` in a run's log, but for a run that computes in bfloat16.
"""

import math
from pathlib import Path

from train import data, evaluate
from train.census import take_census
from train.corpus import Corpus, find_corpus, token_folder
from train.errors import TrainError
from train.evals.language import Result, perplexity
from train.evals.scoring import Question, Told, score
from train.evals.subject import Subject
from train.settings import DataSettings
from train.tokenizer import load

SUFFIX = ".bin"


def held_out(subject: Subject, path: Path, told: Told) -> Result:
    """Nats a token, as such and as perplexity, and bits a byte of text: by the index, or
    else by the model's tokenizer where that is byte-level BPE.

    An example is a window; each starts without context.

    Raises TrainError for a file that is not what its index says, or of another vocabulary.
    """
    corpus = _corpus(subject, path)
    split, known = corpus.validation, take_census(corpus, subject.tokenizer).validation_bytes
    windows = [split.read(*span).tolist() for span in data.evaluation_windows(split.tokens, subject.room)]
    if not windows:
        raise TrainError(f"{path} holds fewer than two tokens: there is nothing to predict")
    scored = score(subject, [Question(ids[:1], [ids[1:]]) for ids in windows], told)
    examples = [{"tokens": len(each.nats), "nats": -each.total} for (each,) in scored]
    loss = math.fsum(-each.total for (each,) in scored) / sum(len(each.nats) for (each,) in scored)
    return {
        "loss": loss,
        "perplexity_per_token": perplexity(loss),
        "bits_per_byte": evaluate.bits_per_byte(loss, split.tokens, known),
    }, examples


def _corpus(subject: Subject, path: Path) -> Corpus:
    beside = token_folder(path.parent) / "tokenizer.json"
    if beside.is_file() and load(beside).get_vocab() != subject.tokenizer.get_vocab():
        raise TrainError(
            f"{path} was made with {beside}, which is not the vocabulary of {subject.source}: name tokens "
            "that were made with the model's"
        )
    named = DataSettings(train=str(path), validation=str(path))
    return find_corpus(path.parent, named, subject.model.shape.vocab_size)
