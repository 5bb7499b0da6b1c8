"""The recipe: the one TOML file that says how a corpus is made.

Each section is a frozen model (see `sections`), handed whole to the stage it belongs to. An unknown key is an
error that names the nearest known one.
"""

import difflib
import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import tomli_w
from pydantic import BaseModel, ValidationError

from webtext import wrong_values
from webtext.errors import UserError, why
from webtext.sections import Crawl, Dedup, Extract, Filter, Links, Section, Shards, Tokens


class Recipe(Section):
    """All sections of a recipe."""

    name: str = "webtext"
    links: Links = Links()
    crawl: Crawl = Crawl()
    extract: Extract = Extract()
    filter: Filter = Filter()
    dedup: Dedup = Dedup()
    shards: Shards = Shards()
    tokens: Tokens = Tokens()

    def to_toml(self) -> str:
        return tomli_w.dumps(_tree(self))

    def public(self) -> "Recipe":
        """The recipe without what names a person, a machine or a place on it, for what is published."""
        crawl = self.crawl.model_copy(update={"contact": "", "proxy": "", "user_agent": ""})
        tree = _without_folders(_tree(self.model_copy(update={"crawl": crawl})))
        return Recipe.model_validate(tree)


def parse(text: str, where: str) -> Recipe:
    """The recipe in a TOML text; `where` names it in errors."""
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or brackets in brackets
        raise UserError(f"{where}: not valid TOML: {error}") from None
    return _validated(tree, where)


def load(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises UserError for one that cannot be read or is not valid."""
    try:
        return parse(path.read_text("utf-8-sig"), str(path))  # editors on Windows write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        line = f"{path}: the recipe cannot be read ({why(error)}); name a TOML file, or a recipe that ships"
        raise UserError(line) from None


def override(recipe: Recipe, assignments: Iterable[str]) -> Recipe:
    """The recipe with `section.key=value` settings applied; a value is TOML, or else a plain string, or a
    list's entries by commas."""
    tree = _tree(recipe)
    for assignment in assignments:
        dotted, equals, value = assignment.partition("=")
        section, dot, key = dotted.strip().partition(".")
        whole = section == "name"
        if not equals or (dot if whole else not (section and key)):
            raise UserError(f"--set {assignment}: expected section.key=value, such as links.min_karma=5")
        keys = tree if whole else tree.setdefault(section, {})
        given = _value(value.strip())
        keys[key or section] = _entries(given) if _takes_list(section, key) else given
    return _validated(tree, "--set")


def differences(old: Recipe, new: Recipe) -> list[str]:
    """A line `section.key: old → new` for each key whose value differs."""
    before, after = _flat(old.model_dump()), _flat(new.model_dump())
    return [f"{key}: {before[key]} → {after[key]}" for key in before if before[key] != after[key]]


def _tree(recipe: Recipe) -> dict[str, Any]:
    """The recipe as TOML values: no date is an empty string."""
    sections = recipe.model_dump()
    return {
        name: {key: "" if value is None else value for key, value in section.items()}
        if isinstance(section, dict)
        else section
        for name, section in sections.items()
    }


def _without_folders(value: Any) -> Any:
    """Paths by their files' names alone: `warc:/data/old.warc.gz` becomes `warc:old.warc.gz`."""
    if isinstance(value, dict):
        return {key: _without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_folders(inner) for inner in value]
    return re.sub(r"[^:]*/", "", value.rstrip("/")) if isinstance(value, str) else value


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for section, value in tree.items():
        flat |= (
            {f"{section}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {section: value}
        )
    return flat


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _takes_list(section: str, key: str) -> bool:
    model = getattr(Recipe.model_fields.get(section), "annotation", None)
    field = getattr(model, "model_fields", {}).get(key)
    taken = (field.annotation, *get_args(field.annotation)) if field else ()
    return any(get_origin(each) is list for each in taken)


def _entries(given: Any) -> Any:
    """The entries of a list without quotes, which shells take away, and without brackets: `en,de`, `[en,de]`,
    `0.2,0.1`; other values stay."""
    if type(given) in (int, float):
        return [given]
    if not isinstance(given, str):
        return given
    inner = given.removeprefix("[").removesuffix("]") if given.endswith("]") else given
    if inner and isinstance(numbers := _value(f"[{inner}]"), list):
        return numbers
    return [entry.strip() for entry in inner.split(",")] if re.fullmatch(r"[^\[\]\"']+", inner) else given


def _validated(tree: Mapping[str, Any], where: str) -> Recipe:
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{where}: {'; '.join(_problems(error.errors()))}") from None


def _problems(errors: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line a key."""
    by_key = itertools.groupby(errors, lambda error: tuple(map(str, error["loc"][:2])))
    for key, group in by_key:
        found = list(group)
        unknown = found[0]["type"] == "extra_forbidden"
        yield _unknown(key) if unknown else f"{'.'.join(key)}: {wrong_values.told(found)}"


def _unknown(location: tuple[str, ...]) -> str:
    sections = {name: field.annotation for name, field in Recipe.model_fields.items()}
    *parents, key = location
    model = sections.get(parents[0]) if parents else Recipe
    if isinstance(model, type) and issubclass(model, BaseModel):
        known = {".".join([*parents, name]): name for name in model.model_fields}
    else:
        known = {}
    everywhere = {
        f"{section}.{name}": name
        for section, annotation in sections.items()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel)
        for name in annotation.model_fields
    }
    for names in (known, everywhere):
        near = difflib.get_close_matches(key.lower(), names.values(), n=1, cutoff=0.6)
        if near:
            nearest = next(dotted for dotted, name in names.items() if name == near[0])
            return f"unknown key {'.'.join(location)}: did you mean {nearest}?"
    return f"unknown key {'.'.join(location)}: known are {', '.join(sorted(known or everywhere))}"
