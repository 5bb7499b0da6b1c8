"""Text from a trained model: one token at a time, each layer remembering what it has read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream
from torch import Tensor

from train import device, memory, pretrained
from train.errors import TrainError
from train.model import GPT2
from train.ranks import Ranks
from train.tokenizer import END_OF_TEXT, fails_as

MOST_TEXTS = (1 << 31) - 1  # with which sizes of tensors stay numbers
AT_WRITTEN = "the model's tokenizer fails at what the model wrote"


@dataclass(frozen=True)
class Choice:
    """How a token is chosen: the likeliest (temperature 0), or at random among the `top_k` likeliest
    (0: all) and among the likeliest that together have probability `top_p` (0: the likeliest)."""

    temperature: float = 0.8
    top_k: int = 50
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and self.top_k >= 0 and 0 <= self.top_p <= 1):
            got = f"{self.temperature}, {self.top_k} and {self.top_p}"
            raise TrainError(f"temperature and top_k must be 0 or more, top_p from 0 to 1: got {got}")

    def pick(self, logits: Tensor, generator: torch.Generator) -> Tensor:
        """A token id for each row of logits (rows, V). Raises TrainError for what is no numbers."""
        pretrained.require_numbers(logits)
        if self.temperature < torch.finfo(logits.dtype).tiny:
            return logits.argmax(dim=-1)
        logits = (logits - logits.amax(dim=-1, keepdim=True)) / self.temperature  # no overflow near 0
        if self.top_k:
            least = logits.topk(min(self.top_k, logits.size(-1))).values[:, -1:]
            logits = logits.masked_fill(logits < least, float("-inf"))
        likeliest, ids = logits.softmax(dim=-1).sort(dim=-1, descending=True)
        outside = likeliest.cumsum(dim=-1) - likeliest >= self.top_p
        outside[:, 0] = False  # where top_p is next to nothing too
        drawn = torch.multinomial(likeliest.masked_fill(outside, 0), 1, generator=generator)
        return ids.gather(-1, drawn).squeeze(-1)


def generate(
    source: str,
    prompt: str = "",
    *,
    max_tokens: int = 200,
    temperature: float = 0.8,
    top_k: int = 50,
    top_p: float = 1.0,
    seed: int = 1337,
    n: int = 1,
    on_text: Callable[[str], None] | None = None,
) -> list[str]:
    """`n` continuations of the prompt (without it) by what `pretrained` finds at the source.

    `on_text` hears the prompt and then the first text, piece by piece, as it comes into being.
    An empty prompt starts a document. A text ends at end-of-text or after `max_tokens`. The same seed gives
    the same texts on one machine. Raises TrainError if there is no model, or it has no tokenizer, a setting
    is impossible, or memory does not hold so many texts.
    """
    _require_possible(prompt, max_tokens, seed, n)
    choice, generator = Choice(temperature, top_k, top_p), torch.Generator().manual_seed(seed)
    found = pretrained.load(source)
    words = found.tokenizer
    end = words.token_to_id(END_OF_TEXT)
    with fails_as(f"the tokenizer of {source} fails at this prompt"):
        ids = words.encode(prompt, add_special_tokens=False).ids or ([] if end is None else [end])
    if not ids:
        raise TrainError(f"the tokenizer has no {END_OF_TEXT} to start from: give a prompt")
    heard = _Heard(words, prompt, on_text)
    with memory.told(f"the model and {n:,} texts at a time", "ask for fewer"):
        model = found.model.to(device.choose("auto", False, Ranks()).where).eval()
        columns = _columns(next_tokens(model, ids, n, choice, generator), max_tokens, end, heard)
    with fails_as(AT_WRITTEN):
        texts = [str(words.decode(_before(end, text))) for text in zip(*columns, strict=True)]
    heard.end(texts[0])
    return texts


def _require_possible(prompt: str, max_tokens: int, seed: int, n: int) -> None:
    if max_tokens < 1 or n < 1:
        raise TrainError(f"max_tokens and n must be at least 1: got {max_tokens} and {n}")
    if n > MOST_TEXTS:
        raise TrainError(f"n must be at most {MOST_TEXTS:,}: got {n}")
    if not -(1 << 63) <= seed < 1 << 63:
        raise TrainError(f"the seed {seed} has more than 64 bits")
    if not _is_text(prompt):
        raise TrainError("the prompt is not UTF-8: give it as text of that encoding")


def _columns(steps: Iterator[list[int]], most: int, end: int | None, heard: "_Heard") -> list[list[int]]:
    """A token for each text a step, until all have ended."""
    columns: list[list[int]] = []
    ended: set[int] = set()
    for column in islice(steps, most):
        columns.append(column)
        ended |= {text for text, token in enumerate(column) if token == end}
        if len(ended) == len(column):
            break
        if 0 not in ended:
            heard.token(column[0])
    return columns


def _before(end: int | None, text: Iterable[int]) -> list[int]:
    return list(takewhile(lambda token: token != end, text))


def _is_text(prompt: str) -> bool:
    """Whether no bytes of a command line are left in it that are no characters."""
    try:
        prompt.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Heard:
    """One text on its way to a listener; characters whose bytes are not all there yet are held back."""

    def __init__(self, tokenizer: Tokenizer, prompt: str, on_text: Callable[[str], None] | None) -> None:
        self._tokenizer, self._prompt, self._on_text = tokenizer, prompt, on_text
        self._stream, self._said = DecodeStream(skip_special_tokens=True), ""

    def token(self, token: int) -> None:
        if not self._on_text:
            return
        with fails_as(AT_WRITTEN):
            piece = self._stream.step(self._tokenizer, token)
        if piece:
            self._say(self._on_text, piece)

    def end(self, text: str) -> None:
        if self._on_text:
            self._say(self._on_text, text[len(self._said) :])

    def _say(self, on_text: Callable[[str], None], piece: str) -> None:
        on_text(piece if self._said else self._prompt + piece)
        self._said += piece


@torch.inference_mode()
def next_tokens(
    model: GPT2, prompt: list[int], n: int, choice: Choice, generator: torch.Generator
) -> Iterator[list[int]]:
    """Goes on from the prompt without end: a token for each of n texts at a time.

    When n_positions tokens have been read, the older half is forgotten and the rest read anew.
    """
    room = model.shape.n_positions
    cache = model.new_cache(n)  # first: it is what memory may not hold
    context = unread = torch.tensor(prompt, device=model.transformer.wte.weight.device).repeat(n, 1)
    while True:
        if cache[0].length + unread.size(1) > room:
            cache, unread = model.new_cache(n), context[:, -max(1, room // 2) :]
        logits = model(unread, cache)[:, -1]
        unread = choice.pick(logits.float().cpu(), generator)[:, None].to(context.device)
        context = torch.cat([context[:, -room:], unread], dim=1)
        yield unread[:, 0].tolist()
