"""The recipe: the one TOML file that says how a corpus is made.

Each section is a frozen model, handed whole to the stage it belongs to. Defaults are the WebText paper's
where the paper says. An unknown key is an error that names the nearest known one.
"""

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tomli_w
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from webtext.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]
Natural = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0)]
Timeout = Annotated[float, Field(gt=0)]
# TOML has no null: an empty string says "no date".
Day = Annotated[date | None, BeforeValidator(lambda value: None if value == "" else value)]
# The highest value of a measure that is kept; "off" keeps all.
Most = Annotated[
    Annotated[float, Field(ge=0)] | None,
    BeforeValidator(lambda value: None if value == "off" else value),
    PlainSerializer(lambda value: "off" if value is None else value),
]
Pii = Literal["email", "phone", "ip", "iban", "card"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Links(Section):
    """Which submissions become links."""

    min_karma: int = 3
    karma_rule: Literal["any-post", "sum"] = "any-post"
    before: Day = date(2018, 1, 1)
    after: Day = None
    over_18: bool = False
    subreddits_blocked: list[str] = []
    domains_blocked: list[str] = ["builtin:reddit", "builtin:media"]
    extensions_blocked: list[str] = ["builtin:media"]


class Crawl(Section):
    """How pages are fetched; all limits are for one page."""

    sources: list[str] = ["live"]
    user_agent: str = "webtext/0.1"
    contact: str = ""
    robots: bool = True
    opt_outs: bool = True
    opt_out_extra: list[Literal["noindex", "ai-tokens"]] = []
    per_host_delay_s: Seconds = 1.0
    per_host_connections: Positive = 1
    connect_timeout_s: Timeout = 10
    timeout_s: Timeout = 30
    max_bytes: Positive = 10_000_000
    max_redirects: Natural = 5
    retries: Natural = 2
    threads: Positive = 64
    proxy: str = ""
    allow_private: bool = False


class Extract(Section):
    """How the main text is taken out of a page."""

    favor: Literal["precision", "recall", "balanced"] = "balanced"
    timeout_s: Timeout = 10
    max_chars: Positive = 1_000_000


class Filter(Section):
    """Which documents are kept; each key is the threshold of one measure (see `extract.verdict`)."""

    languages: list[str] = ["en"]
    language_score: Share = 0.65
    min_tokens: Natural = 128
    wikipedia: Literal["domain+content", "domain", "off"] = "domain+content"
    # Pages that are no pages: telltale phrases per 100 words.
    max_soft_404: Most = 1.5
    max_cookie_wall: Most = 2.5
    max_login_wall: Most = 2.0
    max_parked: Most = 1.5
    max_script_required: Most = 1.5
    # Words and phrases of lists, per 1,000 words.
    adult_words: list[str] = ["builtin:adult"]
    max_adult: Most = None
    spam_words: list[str] = ["builtin:spam"]
    max_spam: Most = None
    # Gopher's rules (Rae et al. 2021, table A1).
    min_words: Natural = 0
    max_words: Most = None
    min_word_chars: Annotated[float, Field(ge=0)] = 0
    max_word_chars: Most = None
    max_symbols: Most = None
    max_bullet_lines: Most = None
    max_ellipsis_lines: Most = None
    min_alphabetic_words: Share = 0
    min_stop_words: Natural = 0
    max_repeated_lines: Most = None
    max_repeated_line_chars: Most = None
    max_repeated_paragraphs: Most = None
    max_repeated_paragraph_chars: Most = None
    max_top_ngrams: Annotated[list[Share], Field(max_length=3)] = []
    max_repeated_ngrams: Annotated[list[Share], Field(max_length=6)] = []
    # C4's rules (Raffel et al. 2020, §2.2).
    min_sentences: Natural = 0
    max_open_lines: Most = None
    max_curly_brackets: Most = None
    max_lorem_ipsum: Most = None
    mask_pii: bool | list[Pii] = False

    @property
    def masked(self) -> tuple[Pii, ...]:
        """The kinds of personal data that are masked, in the order of their names."""
        asked = self.mask_pii
        return tuple(sorted(get_args(Pii) if asked is True else set(asked or ())))


class Dedup(Section):
    """What a duplicate is."""

    methods: list[Literal["exact", "near"]] = ["exact", "near"]
    fold: list[Literal["case", "space", "punctuation"]] = ["case", "space", "punctuation"]
    shingle_words: Positive = 5
    permutations: Positive = 128
    bands: Positive = 16
    rows: Positive = 8
    threshold: Share = 0.8
    verify: Literal["exact", "signature"] = "exact"
    keep: Literal["earliest"] = "earliest"
    paragraphs: Share = 0  # of a domain's documents; a paragraph that more of them have is taken out; 0: off

    @model_validator(mode="after")
    def _bands_fit(self) -> "Dedup":
        if self.bands * self.rows > self.permutations:
            raise ValueError(
                f"bands × rows = {self.bands * self.rows} is more than permutations = {self.permutations}"
            )
        return self


class Shards(Section):
    """How the corpus is split and written."""

    target_mb: Annotated[float, Field(gt=0)] = 256
    validation: Share = 0.005
    test: Share = 0.005
    seed: int = 1337
    decontaminate: list[str] = []  # files of test sets
    decontaminate_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5

    @model_validator(mode="after")
    def _train_remains(self) -> "Shards":
        if self.validation + self.test >= 1:
            raise ValueError("validation + test leave nothing for train")
        return self


class Tokens(Section):
    """The vocabulary, and how ids are stored."""

    tokenizer: str = "train"
    vocab_size: Annotated[int, Field(ge=257)] = 50257
    dtype: Literal["uint16", "uint32"] = "uint16"

    @model_validator(mode="after")
    def _ids_fit(self) -> "Tokens":
        if self.dtype == "uint16" and self.vocab_size > 65_536:
            raise ValueError(f"vocab_size = {self.vocab_size} does not fit uint16: set dtype to uint32")
        return self


class Recipe(Section):
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
        return _validated(tomllib.loads(text), where)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{where}: not valid TOML: {error}") from None


def load(path: Path) -> Recipe:
    try:
        return parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the recipe cannot be read: {error}") from None


def override(recipe: Recipe, assignments: Iterable[str]) -> Recipe:
    """The recipe with `section.key=value` settings applied; a value is TOML, or else a plain string."""
    tree = _tree(recipe)
    for assignment in assignments:
        dotted, equals, value = assignment.partition("=")
        section, dot, key = dotted.strip().partition(".")
        if not equals or bool(dot) == (section == "name"):
            raise UserError(f"--set {assignment}: expected section.key=value, such as links.min_karma=5")
        (tree.setdefault(section, {}) if dot else tree)[key or section] = _value(value.strip())
    return _validated(tree, "--set")


def fingerprint(*parts: object) -> str:
    """32 hex digits that change when any of the parts does; parts are JSON values, models or dates."""
    text = json.dumps(parts, sort_keys=True, default=_plain, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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


def _plain(part: object) -> object:
    if isinstance(part, BaseModel):
        return part.model_dump(mode="json")
    if isinstance(part, frozenset):
        return sorted(part)
    if isinstance(part, date):
        return part.isoformat()
    raise TypeError(f"cannot fingerprint {type(part).__name__}")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _validated(tree: Mapping[str, Any], where: str) -> Recipe:
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{where}: {'; '.join(_problem(e) for e in error.errors())}") from None


def _problem(error: Mapping[str, Any]) -> str:
    location = tuple(str(part) for part in error["loc"])
    dotted = ".".join(location) or "recipe"
    if error["type"] == "extra_forbidden":
        return _unknown(location)
    message = error["msg"].removeprefix("Value error, ")
    given = error.get("input")
    return f"{dotted}: {message}" + ("" if isinstance(given, dict) else f", not {given!r}")


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
        near = difflib.get_close_matches(key, names.values(), n=1, cutoff=0.6)
        if near:
            nearest = next(dotted for dotted, name in names.items() if name == near[0])
            return f"unknown key {'.'.join(location)}: did you mean {nearest}?"
    return f"unknown key {'.'.join(location)}: known are {', '.join(sorted(known or everywhere))}"
