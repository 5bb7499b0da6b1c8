"""Which documents are kept: rules over the columns, in a fixed order. The first that refuses names itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from webtext.extract.quality import REPEATED_NGRAMS, TOP_NGRAMS
from webtext.reasons import KEEP, UNEXTRACTABLE
from webtext.sections import Filter

MOST_TRACES = 1  # an article that cites Wikipedia may carry one

Row = Mapping[str, Any]
Verdict = tuple[str, str | None]  # "keep" or a reason; and the value with its threshold


@dataclass(frozen=True)
class Judgement:
    """What one rule says of one document."""

    measure: str  # a column of `documents`
    key: str  # of [filter]
    threshold: float | str | None  # None where the rule is off
    refusal: Verdict | None


@dataclass(frozen=True)
class Bound:
    """A rule that compares one measure with one threshold."""

    reason: str
    measure: str
    key: str
    place: int | None = None  # in a list of thresholds

    @property
    def side(self) -> Literal["<", ">"]:
        """The side of the threshold on which a document is refused."""
        return "<" if self.key.startswith("min_") else ">"

    def threshold(self, rules: Filter) -> float | None:
        """None where the rule is off; so is one with a least value of 0, which refuses nothing."""
        value = getattr(rules, self.key)
        if self.place is not None:
            value = value[self.place] if self.place < len(value) else None
        return None if self.side == "<" and not value else value

    def judge(self, row: Row, rules: Filter) -> Judgement:
        """What the rule says of a row with a text."""
        value, limit, refusal = row[self.measure], self.threshold(rules), None
        if limit is not None and (value < limit if self.side == "<" else value > limit):
            refusal = self.reason, f"{self.measure} {value:g} {self.side} {limit:g}"
        return Judgement(self.measure, self.key, limit, refusal)


# What is no page, whatever its length and language.
PAGES = (
    Bound("soft_404", "soft_404", "max_soft_404"),
    Bound("cookie_wall", "cookie_wall", "max_cookie_wall"),
    Bound("login_wall", "login_wall", "max_login_wall"),
    Bound("parked", "parked", "max_parked"),
    Bound("script_required", "script_required", "max_script_required"),
    Bound("lorem_ipsum", "lorem_ipsum", "max_lorem_ipsum"),
)
LENGTH = (Bound("too_short", "pretokens", "min_tokens"),)
CONTENT = (
    Bound("adult", "adult", "max_adult"),
    Bound("spam", "spam", "max_spam"),
    Bound("words", "words", "min_words"),
    Bound("words", "words", "max_words"),
    Bound("word_length", "word_chars", "min_word_chars"),
    Bound("word_length", "word_chars", "max_word_chars"),
    Bound("symbols", "symbols", "max_symbols"),
    Bound("bullets", "bullet_lines", "max_bullet_lines"),
    Bound("ellipses", "ellipsis_lines", "max_ellipsis_lines"),
    Bound("not_words", "alphabetic_words", "min_alphabetic_words"),
    Bound("stop_words", "stop_words", "min_stop_words"),
    Bound("repeated_lines", "repeated_lines", "max_repeated_lines"),
    Bound("repeated_lines", "repeated_line_chars", "max_repeated_line_chars"),
    Bound("repeated_paragraphs", "repeated_paragraphs", "max_repeated_paragraphs"),
    Bound("repeated_paragraphs", "repeated_paragraph_chars", "max_repeated_paragraph_chars"),
    *(Bound("repeated_ngrams", f"top_{n}grams", "max_top_ngrams", i) for i, n in enumerate(TOP_NGRAMS)),
    *(
        Bound("repeated_ngrams", f"repeated_{n}grams", "max_repeated_ngrams", i)
        for i, n in enumerate(REPEATED_NGRAMS)
    ),
    Bound("sentences", "sentences", "min_sentences"),
    Bound("open_lines", "open_lines", "max_open_lines"),
    Bound("curly_brackets", "curly_brackets", "max_curly_brackets"),
)


def verdict(row: Row, rules: Filter) -> Verdict:
    """The verdict on a measured row of `documents`. A row without a text keeps the verdict it has."""
    if row.get("verdict") in UNEXTRACTABLE:
        return row["verdict"], row.get("detail")
    refusals = (judgement.refusal for judgement in judge(row, rules) if judgement.refusal)
    return next(refusals, (KEEP, _note(row)))


def judge(row: Row, rules: Filter) -> Iterator[Judgement]:
    """What every rule says of a row with a text, in the order in which they count."""
    yield from _wikipedia(row, rules)
    yield from (bound.judge(row, rules) for bound in PAGES + LENGTH)
    yield from _language(row, rules)
    yield from (bound.judge(row, rules) for bound in CONTENT)


def _wikipedia(row: Row, rules: Filter) -> Iterator[Judgement]:
    on, content = rules.wikipedia != "off", rules.wikipedia == "domain+content"
    there, traces = row["wikipedia_domain"], row["wikipedia_traces"]
    refusal: Verdict | None = ("wikipedia", None) if on and there else None
    yield Judgement("wikipedia_domain", "wikipedia", rules.wikipedia if on else None, refusal)
    mirror = ("wikipedia_mirror", f"wikipedia_traces {traces} > {MOST_TRACES}")
    refusal = mirror if content and traces > MOST_TRACES else None
    yield Judgement("wikipedia_traces", "wikipedia", MOST_TRACES if content else None, refusal)


def _language(row: Row, rules: Filter) -> Iterator[Judgement]:
    name, score, limit = row["language"] or "unknown", row["language_score"], rules.language_score
    wanted = ", ".join(rules.languages) or None
    refusal: Verdict | None = None
    if wanted and name not in rules.languages:
        refusal = "language", f"language {name} ({score:.2f}) not in {wanted}"
    yield Judgement("language", "languages", wanted, refusal)
    on, refusal = bool(wanted and limit), None
    if on and score < limit:
        refusal = "language", f"language_score {score} of {name} < {limit}"
    yield Judgement("language_score", "language_score", limit if on else None, refusal)


def _note(row: Row) -> str | None:
    return f"cut by {row['cut_chars']:,} characters" if row["cut_chars"] else None
