"""What is wrong with a setting's value, in our words instead of its library's."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

# By the first word of the library's name for what is wrong.
_KINDS = {
    "bool": "true or false",
    "date": "a date such as 2018-01-01",
    "finite": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "a section of settings",
    "string": "text",
}
_LIMITS = {
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "too_long": "of at most {max_length} entries",
}


def told(errors: Sequence[Mapping[str, Any]]) -> str:
    """The errors that pydantic has with one value: several where it may be of two types."""
    first = errors[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    given, wanted = first["input"], " or ".join(dict.fromkeys(map(_wanted, errors)))
    line = f"must be {wanted}, not {_shown(given)}"
    if first["type"] == "string_type" and type(given) in (int, float):
        quoted = f'["{given}"]' if isinstance(first["loc"][-1], int) else f'"{given}"'
        line += f"; numbers are text in quotes: '{quoted}'"
    return line


def _wanted(error: Mapping[str, Any]) -> str:
    kind: str = error["type"]
    if kind in _LIMITS:
        return _LIMITS[kind].format(**error["ctx"]).removesuffix(".0")
    return _KINDS.get(kind.partition("_")[0], kind)


def _shown(given: Any) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, date):
        return str(given)
    return "a table" if isinstance(given, dict) else repr(given)
