"""The rules, each alone and in their order."""

from typing import Any

import pytest

from webtext.extract.verdict import verdict
from webtext.recipe import Filter

RULES = Filter()
GOOD = {
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
    bad = {"wikipedia_domain": True, "wikipedia_traces": 5, "pretokens": 1, "language": "de"}
    assert judged(**bad)[0] == "wikipedia"
    assert judged(**bad | {"wikipedia_domain": False})[0] == "wikipedia_mirror"
    assert judged(**bad | {"wikipedia_domain": False, "wikipedia_traces": 0})[0] == "too_short"


def test_what_could_not_be_measured_keeps_its_verdict() -> None:
    assert judged(verdict="extract_timeout", detail="more than 10 s", pretokens=None) == (
        "extract_timeout",
        "more than 10 s",
    )


def test_an_earlier_verdict_of_a_rule_is_forgotten() -> None:
    assert judged(verdict="too_short", detail="pretokens 128 < 200") == ("keep", None)


def test_a_cut_text_says_so() -> None:
    assert judged(cut_chars=1234) == ("keep", "cut by 1,234 characters")
