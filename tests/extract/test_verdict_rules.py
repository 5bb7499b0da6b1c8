"""The rules, each alone and in their order."""

from typing import Any

import pytest

from pipelines.explain import _measures
from webtext import reasons, schemas
from webtext.extract.pii import KINDS
from webtext.extract.verdict import CONTENT, LENGTH, PAGES, Bound, verdict
from webtext.sections import Filter

RULES = Filter()
BOUNDS = PAGES + LENGTH + CONTENT
HARMLESS = {bound.measure: 0 for bound in BOUNDS} | {"word_chars": 5, "alphabetic_words": 1, "stop_words": 8}
GOOD = HARMLESS | {
    "wikipedia_domain": False,
    "wikipedia_traces": 0,
    "pretokens": 128,
    "language": "en",
    "language_score": 0.99,
    "cut_chars": 0,
    "verdict": None,
    "detail": None,
}


def judged(rules: Filter = RULES, **columns: Any) -> tuple[str, str | None]:
    return verdict(GOOD | columns, rules)


def test_a_document_that_no_rule_refuses_is_kept() -> None:
    assert judged() == ("keep", None)


def test_a_short_text_is_refused_with_its_length() -> None:
    assert judged(pretokens=127) == ("too_short", "pretokens 127 < 128")


def test_another_language_is_refused_by_name() -> None:
    assert judged(language="de") == ("language", "language de (0.99) not in en")


def test_an_unsure_language_is_refused_by_its_score() -> None:
    assert judged(language_score=0.6) == ("language", "language_score 0.6 of en < 0.65")
    assert judged(language_score=0.65)[0] == "keep"


def test_no_language_is_refused_unless_all_are_kept() -> None:
    assert judged(language="", language_score=0.0)[0] == "language"
    assert judged(Filter(languages=[]), language="", language_score=0.0)[0] == "keep"


@pytest.mark.parametrize(("rule", "kept"), [("domain+content", False), ("domain", False), ("off", True)])
def test_wikipedia_is_refused_by_domain(rule: Any, kept: bool) -> None:
    assert (judged(Filter(wikipedia=rule), wikipedia_domain=True)[0] == "keep") is kept


@pytest.mark.parametrize(("rule", "kept"), [("domain+content", False), ("domain", True), ("off", True)])
def test_mirrors_are_refused_by_content(rule: Any, kept: bool) -> None:
    assert (judged(Filter(wikipedia=rule), wikipedia_traces=2)[0] == "keep") is kept


def test_one_trace_is_a_citation() -> None:
    assert judged(wikipedia_traces=1)[0] == "keep"


def test_the_first_rule_that_refuses_gives_the_reason() -> None:
    bad: dict[str, Any] = {"wikipedia_domain": True, "wikipedia_traces": 5, "pretokens": 1, "language": "de"}
    assert judged(**bad)[0] == "wikipedia"
    assert judged(**bad | {"wikipedia_domain": False})[0] == "wikipedia_mirror"
    assert judged(**bad | {"wikipedia_domain": False, "wikipedia_traces": 0})[0] == "too_short"
    assert judged(STRICT, language="de", words=1)[0] == "language"


def test_what_could_not_be_measured_keeps_its_verdict() -> None:
    assert judged(verdict="extract_timeout", detail="more than 10 s", pretokens=None) == (
        "extract_timeout",
        "more than 10 s",
    )


def test_an_earlier_verdict_of_a_rule_is_forgotten() -> None:
    assert judged(verdict="too_short", detail="pretokens 128 < 200") == ("keep", None)


def test_a_cut_text_says_so() -> None:
    assert judged(cut_chars=1234) == ("keep", "cut by 1,234 characters")


# A recipe in which every rule is on.
STRICT = Filter(
    max_adult=1,
    max_spam=1,
    min_words=50,
    max_words=100_000,
    min_word_chars=3,
    max_word_chars=10,
    max_symbols=0.1,
    max_bullet_lines=0.9,
    max_ellipsis_lines=0.3,
    min_alphabetic_words=0.8,
    min_stop_words=2,
    max_repeated_lines=0.3,
    max_repeated_line_chars=0.2,
    max_repeated_paragraphs=0.3,
    max_repeated_paragraph_chars=0.2,
    max_top_ngrams=[0.20, 0.18, 0.16],
    max_repeated_ngrams=[0.15, 0.14, 0.13, 0.12, 0.11, 0.10],
    min_sentences=3,
    max_open_lines=0.5,
    max_curly_brackets=0,
    max_lorem_ipsum=0,
)
DECENT = {"words": 100, "sentences": 5}


def beyond(bound: Bound, rules: Filter) -> float:
    """A value on the side of the threshold that is refused."""
    limit = bound.threshold(rules)
    assert limit is not None
    return limit / 2 if bound.side == "<" else limit + 0.01


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: f"{bound.measure} {bound.side} {bound.key}")
def test_each_rule_refuses_beyond_its_threshold_and_names_it(bound: Bound) -> None:
    value = beyond(bound, STRICT)
    reason, detail = judged(STRICT, **DECENT | {bound.measure: value})
    assert reason == bound.reason
    assert detail == f"{bound.measure} {value:g} {bound.side} {bound.threshold(STRICT):g}"


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: f"{bound.measure} {bound.side} {bound.key}")
def test_each_rule_keeps_what_is_at_its_threshold(bound: Bound) -> None:
    assert judged(STRICT, **DECENT | {bound.measure: bound.threshold(STRICT)})[0] == "keep"


def test_the_rules_of_other_recipes_are_off_by_default() -> None:
    on = {bound.key for bound in BOUNDS if bound.threshold(RULES) is not None}
    pages = {"max_soft_404", "max_cookie_wall", "max_login_wall", "max_parked", "max_script_required"}
    assert on == {"min_tokens"} | pages


def test_every_rule_has_its_column_its_key_and_its_sentence() -> None:
    for bound in BOUNDS:
        assert bound.measure in schemas.DOCUMENTS.names
        assert bound.key in Filter.model_fields
        assert bound.reason in reasons.FILTERED


def test_a_page_that_is_none_is_named_so_however_short() -> None:
    assert judged(soft_404=9.0, pretokens=20, language="")[0] == "soft_404"


def test_explain_names_each_measure_with_its_threshold_and_what_the_rule_says() -> None:
    document = GOOD | {"text": "x", "pretokens": 127} | {f"pii_{kind}": 0 for kind in KINDS}
    document |= {"pii_email": 2, "pii_phone": 3}
    rules = Filter(mask_pii=["email", "ip"], max_repeated_lines=None)
    told = {
        row["measure"]: (row["rule"], row["threshold"], row["says"]) for row in _measures(document, rules)
    }
    assert told["pretokens"] == ("filter.min_tokens", 128, "refuses")
    assert told["language_score"] == ("filter.language_score", 0.65, "passes")
    assert told["repeated_lines"] == ("filter.max_repeated_lines", "off", "")
    masked = {kind: told[f"pii_{kind}"][1:] for kind in ("email", "ip", "phone")}
    assert masked == {"email": (True, "masks"), "ip": (True, ""), "phone": (False, "")}
    assert _measures(document | {"text": None}, rules) == []
