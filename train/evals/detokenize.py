"""Tokenised text as people write it, such that the tokens can be had back (paper §3.1: invertible
de-tokenizers).

Tokens are separated by single spaces. Some stick to their neighbour, some are written otherwise. A word of
the result is one or more tokens; `_split` takes it apart again, and tokens are only put together where that
gives them back. A token that it would wrongly take apart stands alone behind a second space; a line that is
no such list of tokens stands as it is behind a tab. So `tokenise(detokenise(line)) == line` for every line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST = 16  # tokens put together at most

START, INSIDE, END = "start", "inside", "end"


@dataclass(frozen=True)
class Detokenizer:
    """One data set's convention.

    `specials` finds, in a word, what was a token of its own; `frame` begins and ends every line. `closing`
    tokens stick to the one before, `opening` ones to the one after, `joining` ones to both, `quotes` in turn
    to the one after and the one before. `written` is what stands for a token in the text; `read` is what a
    special means by its place in the word (before its first plain part, after its last, between them).
    """

    specials: re.Pattern[str]
    frame: str = ""
    closing: frozenset[str] = frozenset()
    opening: frozenset[str] = frozenset()
    joining: frozenset[str] = frozenset()
    quotes: frozenset[str] = frozenset()
    written: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def detokenise(self, line: str) -> str:
        """The line, without its line end, as a person would write it."""
        body = line.removeprefix(self.frame).removesuffix(self.frame) if line != self.frame else ""
        tokens = body.split(" ") if body else []
        if self._framed(tokens) != line or "" in tokens or body.startswith("\t"):
            return "\t" + line
        words = []
        for run in self._runs(tokens):
            while run:
                taken = next((n for n in range(len(run), 1, -1) if self._sound(run[:n])), 1)
                words.append(self._word(run[:taken]) if self._sound(run[:taken]) else " " + run[0])
                run = run[taken:]
        return " ".join(words)

    def tokenise(self, line: str) -> str:
        """The line that `detokenise` was given."""
        if line.startswith("\t"):
            return line[1:]
        tokens: list[str] = []
        words = iter(line.split(" ") if line else [])
        for word in words:
            tokens += self._split(word) if word else [next(words)]
        return self._framed(tokens)

    def _framed(self, tokens: list[str]) -> str:
        return f"{self.frame}{' '.join(tokens)}{self.frame}" if tokens else self.frame

    def _runs(self, tokens: list[str]) -> list[list[str]]:
        """Tokens that want to be one word."""
        runs: list[list[str]] = []
        sticks, open_quotes = False, set[str]()
        for token in tokens:
            quote = token in self.quotes
            closes = (quote and token in open_quotes) or token in self.closing or token in self.joining
            if runs and (sticks or closes) and len(runs[-1]) < LONGEST:
                runs[-1].append(token)
            else:
                runs.append([token])
            sticks = (quote and not closes) or token in self.opening or token in self.joining
            if quote:
                open_quotes ^= {token}
        return runs

    def _sound(self, tokens: list[str]) -> bool:
        word = self._word(tokens)
        return " " not in word and bool(word) and self._split(word) == tokens

    def _word(self, tokens: list[str]) -> str:
        return "".join(self.written.get(token, token) for token in tokens)

    def _split(self, word: str) -> list[str]:
        if word.isalnum():  # specials are marks
            return [word]
        parts = self.specials.split(word)  # plain, special, plain, …
        plain = [at for at in range(0, len(parts), 2) if parts[at]]
        first, last = (plain[0], plain[-1]) if plain else (len(parts), len(parts))
        tokens = []
        for at, part in enumerate(parts):
            place = START if at < first else END if at > last else INSIDE
            if part:
                tokens.append(self.read.get((part, place), part) if at % 2 else part)
        return tokens


CONTRACTED = frozenset(["n't", "'s", "'re", "'ve", "'ll", "'d", "'m", "'t"])
STOPS = frozenset([",", ".", ";", ":", "!", "?", "%", ")", "]", "..."])

# No dot of its own: initials, what has dots inside, and the abbreviations that texts are full of.
_DOT = r"(?<!\b\w)(?<!\b[JS]r)(?<!\b[DM]r)(?<!\bSt)(?<!\bvs)(?<!\bNo)(?<!\bMrs)\.(?=[\"')\]]*$)"
_MARKS = r"\.\.\.|[\"()\[\];!?%]|(?<!\d):|:(?!\d)|(?<!\d),|,(?!\d)"

PTB = Detokenizer(
    re.compile(r"(n't$|'(?:s|re|ve|ll|d|m)$|'$|^\$|^\#|%$)"),
    frame=" ",
    closing=CONTRACTED | {"%", "'"},
    opening=frozenset("$#"),
)

WIKITEXT = Detokenizer(
    re.compile(
        r"((?<=[\w>])-(?=[\w<])|(?<=\d)[.,](?=\d)|'(?:s|t|re|ve|ll|d|m)(?!\w)|(?<=s)'$|[$£€]|(?<=\w)/(?=\w)"
        rf"|{_MARKS}|{_DOT})"
    ),
    frame=" ",
    closing=CONTRACTED | STOPS,
    opening=frozenset(["(", "[", "$", "£", "€"]),
    joining=frozenset(["@-@", "@,@", "@.@", "/"]),
    quotes=frozenset('"'),
    written={"@-@": "-", "@,@": ",", "@.@": "."},
    read={("-", INSIDE): "@-@", (",", INSIDE): "@,@", (".", INSIDE): "@.@"},
)

ONE_BILLION = Detokenizer(
    re.compile(rf"('(?:s|t|re|ve|ll|d|m)(?!\w)|(?<=s)'$|[$£€](?=\d)|{_MARKS}|{_DOT})"),
    closing=CONTRACTED | STOPS | {"'"},
    opening=frozenset(["(", "[", "$", "£", "€"]),
    quotes=frozenset('"'),
)

# Behind a closing quote stand at most the word's other tokens. Without that bound a word of a million quotes
# takes half an hour: from each of them the pattern looks on to the word's end.
_LAST_QUOTE = rf"'(?=[\"')]{{0,{LONGEST}}}$)"

# The Penn Treebank's marks, which LAMBADA's plain text and CBT have.
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
TREEBANK = Detokenizer(
    re.compile(
        rf"(n't(?!\w)|'(?:s|re|ve|ll|d|m)(?!\w)|(?<![^\"(\[])'|{_LAST_QUOTE}|[{{}}$]|{_MARKS}|{_DOT})"
    ),
    closing=CONTRACTED | STOPS | frozenset(["''", "'", "-RRB-", "-RSB-", "-RCB-"]),
    opening=frozenset(["``", "`", "$", "-LRB-", "-LSB-", "-LCB-"]),
    written={**_BRACKETS, "``": '"', "''": '"', "`": "'"},
    read={
        **{(mark, place): name for name, mark in _BRACKETS.items() for place in (START, INSIDE, END)},
        ('"', START): "``",
        ('"', END): "''",
        ("'", START): "`",
    },
)
