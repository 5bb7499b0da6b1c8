"""Vocabularies: byte-level BPE trained on the corpus, GPT-2's own, or one that the user brings.

GPT-2's conventions hold for all: its split pattern for what is trained here, ids of the 256 bytes, then of
the merges, then of `<|endoftext|>` [GPT-2 paper §2.2; openai/gpt-2 encoder.py].
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from webtext.errors import UserError
from webtext.fingerprint import fingerprint

END_OF_TEXT = "<|endoftext|>"
MIN_FREQUENCY = 2  # a pair that occurs once is no regularity
PIECE_BYTES = 256  # training: its time is quadratic in a piece, and pages have runs of 100,000 letters
GPT2_REPOSITORIES = ("openai-community/gpt2", "gpt2")  # the name today, and in older caches
GPT2_IDENTITY = "80c661cda76fdd7f5e42824a26648d8b"  # see `identity`
ENTRIES, MERGES = ("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")  # OpenAI's, Hugging Face's
# What makes a vocabulary: the first of these that is there.
FILES = (("tokenizer.json",), *product(ENTRIES, MERGES), *((name,) for name in MERGES))
# tokenizer_config.json: what transformers does not find in tokenizer.json.
FOR_TRANSFORMERS = {
    "tokenizer_class": "PreTrainedTokenizerFast",  # tokenizer.json as it is, whatever its pattern
    "model_input_names": ["input_ids", "attention_mask"],  # not token types, transformers 4's own
    "clean_up_tokenization_spaces": False,
    **dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT),
}
PROBE = (
    " \n" + "".join(map(chr, range(0x250))) + " don't  stop\r\n\n 🌍\u2028\ufeff e\u0301 1234 你好 "
    "``quoted'' \u2581" + END_OF_TEXT + "\n "  # U+2581 is SentencePiece's space
)


def train(texts: Iterator[str], vocab_size: int, threads: int) -> Tokenizer:
    """Learns at most `vocab_size` entries, `<|endoftext|>` included and last; fewer where `texts` is small.

    The result depends on the texts alone, not on their order or the threads. Memory grows with the number
    of different words.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    tokenizer = _byte_level(models.BPE())
    gpt2_split = tokenizer.pre_tokenizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([gpt2_split, pre_tokenizers.FixedLength(PIECE_BYTES)])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,
        min_frequency=MIN_FREQUENCY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = gpt2_split
    return _with_end_of_text(tokenizer)


def gpt2() -> Tokenizer:
    """GPT-2's vocabulary, from the Hugging Face cache of this machine or else from the hub."""
    tokenizer = load(_gpt2_file())
    if identity(tokenizer) != GPT2_IDENTITY:
        raise UserError('tokens.tokenizer = "gpt2": what the hub calls gpt2 is not GPT-2\'s vocabulary')
    return tokenizer


def _gpt2_file() -> Path:
    from huggingface_hub import hf_hub_download  # slow to import, and seldom needed
    from huggingface_hub.errors import LocalEntryNotFoundError

    for repository in GPT2_REPOSITORIES:
        with suppress(LocalEntryNotFoundError):
            return Path(hf_hub_download(repository, "tokenizer.json", local_files_only=True))
    try:
        with _without_logs("huggingface_hub"):
            return Path(hf_hub_download(GPT2_REPOSITORIES[0], "tokenizer.json"))
    except Exception as error:  # whatever the hub's client and the HTTP library beneath it raise
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
    raise UserError(
        f'tokens.tokenizer = "gpt2": neither the cache here nor the Hugging Face hub has it ({reason}); '
        "download GPT-2's encoder.json and vocab.bpe and set tokens.tokenizer to their folder"
    )


@contextmanager
def _without_logs(library: str) -> Iterator[None]:
    """What a library warns of meanwhile is not shown; what comes of it is told by who calls it."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def files(path: Path) -> tuple[Path, ...]:
    """The files that make the vocabulary at `path`: a folder with FILES, one of those, or a tokenizer.json of
    any name."""
    folder = path if path.is_dir() else path.parent
    for names in FILES:
        found = tuple(folder / name for name in names)
        if all(file.is_file() for file in found) and (path.is_dir() or path in found):
            return found
    if path.is_file():
        return (path,)
    what = "holds no vocabulary" if path.is_dir() else "does not exist"
    raise UserError(
        f'tokens.tokenizer: {path} {what}; expected "train", "gpt2", a tokenizer.json, or a folder with '
        "tokenizer.json, encoder.json + vocab.bpe, vocab.json + merges.txt, or GPT-2's own merges.txt alone"
    )


def load(path: Path) -> Tokenizer:
    """The vocabulary at `path` (see `files`), which must end texts with `<|endoftext|>` and lose nothing."""
    found = files(path)
    try:
        if len(found) == 2:
            tokenizer = _with_end_of_text(_byte_level(models.BPE.from_file(*map(str, found))))
        elif found[0].name in MERGES:
            tokenizer = _gpt2_from_merges(found[0])
        else:
            tokenizer = Tokenizer.from_file(str(found[0]))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the library raises bare Exception, and what is not even one in a panic
        names = " and ".join(file.name for file in found)
        raise UserError(
            f"tokens.tokenizer: {path}: {names} cannot be read as a vocabulary: {error}"
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if hasattr(tokenizer.model, "dropout"):
        tokenizer.model.dropout = None  # which would give a text other ids each time
    if tokenizer.token_to_id(END_OF_TEXT) is None:
        raise UserError(f"tokens.tokenizer: {path} has no {END_OF_TEXT} entry, which must end each document")
    if not _lossless(tokenizer):
        raise UserError(
            f"tokens.tokenizer: {path} changes texts: what it encodes does not decode to the same text; "
            "use a byte-level BPE without a normalizer"
        )
    return tokenizer


def size(tokenizer: Tokenizer) -> int:
    """One more than the highest id."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1


def end_of_text(tokenizer: Tokenizer) -> int:
    """The id that ends a document."""
    id: int | None = tokenizer.token_to_id(END_OF_TEXT)
    assert id is not None
    return id


def identity(tokenizer: Tokenizer) -> str:
    """A fingerprint of the entries with their ids, and of the merges with their ranks."""
    model = json.loads(tokenizer.to_str())["model"]
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    return fingerprint(sorted(model["vocab"].items()), merges)


def _gpt2_from_merges(path: Path) -> Tokenizer:
    """GPT-2's entries follow from its merges. Raises ValueError for another model's, whose ids need not."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#version"))
    merges = [(left, right) for left, _, right in pairs]
    entries = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges), END_OF_TEXT]
    model = models.BPE({entry: id for id, entry in enumerate(entries)}, merges)
    tokenizer = _with_end_of_text(_byte_level(model))
    if identity(tokenizer) != GPT2_IDENTITY:
        raise ValueError(
            "only GPT-2's own merges are enough alone; put the vocab.json that belongs to them beside"
        )
    return tokenizer


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _with_end_of_text(tokenizer: Tokenizer) -> Tokenizer:
    """Gives `<|endoftext|>` the next free id, unless the vocabulary has it."""
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, special=True, normalized=False)])
    return tokenizer


def _lossless(tokenizer: Tokenizer) -> bool:
    entries = tokenizer.get_vocab(with_added_tokens=False)
    if len({*entries.values()}) < len(entries):  # of two with one id, one comes back as the other
        return False
    tokenizer.encode_special_tokens = True
    try:
        ids = tokenizer.encode(PROBE, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        return bool(tokenizer.decode(ids, skip_special_tokens=False) == PROBE)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # as of a piece that has no entry and none for such, or in a panic
        return False
