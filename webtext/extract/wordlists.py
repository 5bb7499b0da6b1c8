"""Lists of words that a recipe holds against a text, and how much of a text is on them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webtext import recipe_lists
from webtext.recipe_lists import BUILTIN

DECIMALS = 2
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class WordList:
    """Words and phrases, as `words_of` has them."""

    words: frozenset[str]
    phrases: tuple[str, ...]  # of several words, in order

    def per_1000_words(self, spoken: Sequence[str]) -> float:
        """How often the list's words and phrases occur among `words_of` a text, per 1,000 of them."""
        known = set(spoken)
        found = 0 if self.words.isdisjoint(known) else sum(word in self.words for word in spoken)
        present = [phrase for phrase in self.phrases if phrase.partition(" ")[0] in known]
        if present:
            # Each word has spaces of its own, so that a phrase is found right behind itself, too.
            flat = f" {'  '.join(spoken)} "
            found += sum(flat.count(f" {phrase.replace(' ', '  ')} ") for phrase in present)
        return round(1000 * found / max(1, len(spoken)), DECIMALS)


def words_of(text: str) -> list[str]:
    """A text's words as lists have them: lower case, without punctuation."""
    return _WORD.findall(text.lower())


def resolve(entries: Iterable[str], key: str) -> WordList:
    """The list that the entries of a recipe's key stand for; raises UserError for one that cannot be read.

    An entry is "builtin:NAME", a FILE (a path with a separator, or a name ending in .txt), or a word or
    phrase. A list holds one a line; `#` begins a comment.
    """
    every = {line for entry in entries for line in _lines(entry.strip(), key)}
    return WordList(
        frozenset(line for line in every if " " not in line),
        tuple(sorted(line for line in every if " " in line)),
    )


def is_file(entry: str) -> bool:
    """Whether an entry names a file, there or not."""
    return "/" in entry or "\\" in entry or entry.endswith(".txt")


def _lines(entry: str, key: str) -> list[str]:
    if entry.startswith(BUILTIN) or is_file(entry):
        listed = recipe_lists.read(entry, "words", key, holds="a word or phrase")
    else:
        listed = recipe_lists.entries(entry)
    lines = (" ".join(words_of(line)) for line in listed)
    return [line for line in lines if line]
