"""Which documents are kept: rules over the columns, in a fixed order. The first that refuses names itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from webtext.reasons import KEEP, UNEXTRACTABLE
from webtext.recipe import Filter

MOST_TRACES = 1  # an article that cites Wikipedia may carry one

Verdict = tuple[str, str | None]  # "keep" or a reason; and the value with its threshold


def verdict(row: Mapping[str, Any], rules: Filter) -> Verdict:
    """The verdict on a measured row of `documents`. A row without a text keeps the verdict it has."""
    if row.get("verdict") in UNEXTRACTABLE:
        return row["verdict"], row.get("detail")
    return next(_refusals(row, rules), (KEEP, _note(row)))


def _refusals(row: Mapping[str, Any], rules: Filter) -> Iterator[Verdict]:
    if rules.wikipedia != "off" and row["wikipedia_domain"]:
        yield "wikipedia", None
    if rules.wikipedia == "domain+content" and row["wikipedia_traces"] > MOST_TRACES:
        yield "wikipedia_mirror", f"wikipedia_traces {row['wikipedia_traces']} > {MOST_TRACES}"
    if row["pretokens"] < rules.min_tokens:
        yield "too_short", f"pretokens {row['pretokens']} < {rules.min_tokens}"
    if not rules.languages:
        return
    name, score = row["language"] or "unknown", row["language_score"]
    if name not in rules.languages:
        yield "language", f"language {name} ({score:.2f}) not in {', '.join(rules.languages)}"
    if score < rules.language_score:
        yield "language", f"language_score {score} of {name} < {rules.language_score}"


def _note(row: Mapping[str, Any]) -> str | None:
    return f"cut by {row['cut_chars']:,} characters" if row["cut_chars"] else None
