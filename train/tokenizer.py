"""tokenizer.json: read as what it is for here, text to ids and back."""

from pathlib import Path

from tokenizers import Tokenizer

from train.errors import TrainError

END_OF_TEXT = "<|endoftext|>"


def load(path: Path) -> Tokenizer:
    """A file's tokenizer, for whole texts: transformers saves with it how long texts were last cut and filled
    up. Raises TrainError if it is none."""
    try:
        found = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise TrainError(f"{path} is not a tokenizer: {error}") from None
    found.no_truncation()
    found.no_padding()
    return found


def size(tokenizer: Tokenizer) -> int:
    """One more than the highest id: ids may have holes."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
