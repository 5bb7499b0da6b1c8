"""The recipe's sections: every key with its type, default and bounds. Defaults are the WebText paper's where
the paper says.
"""

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

Share = Annotated[float, Field(ge=0, le=1)]
Natural = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
DAY_S = 86_400  # waits of weeks overflow the system's calls
Seconds = Annotated[float, Field(ge=0, le=DAY_S)]
Timeout = Annotated[float, Field(gt=0, le=DAY_S)]
# TOML has no null: an empty string says "no date".
Day = Annotated[date | None, BeforeValidator(lambda value: None if value == "" else value)]
# The highest value of a measure that is kept; "off" keeps all.
Most = Annotated[
    Annotated[float, Field(ge=0)] | None,
    BeforeValidator(lambda value: None if value == "off" else value),
    PlainSerializer(lambda value: "off" if value is None else value),
]
Pii = Literal["email", "phone", "ip", "iban", "card"]
# What `extract.language` can answer; "unknown" is a text without a letter to go by.
_LANGUAGES = """
    af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs
    cv cy da de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr
    hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc
    lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new nl no oc or os pa pam
    pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th
    tk tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu xal xmf yi yo yue zh
    unknown
"""
LANGUAGES = frozenset(_LANGUAGES.split())


def _detected(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(
            f"must be the code of a language that is detected, such as 'en' or 'zh', not {code!r}"
        )
    return code


Language = Annotated[str, AfterValidator(_detected)]


class Section(BaseModel):
    """What all sections share: frozen, no unknown keys, no conversions between types, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Links(Section):
    """Which submissions become links."""

    min_karma: Annotated[int, Field(ge=-(2**62), le=2**62)] = 3  # as wide as scores are read
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

    languages: list[Language] = ["en"]
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
    min_stop_words: Annotated[int, Field(ge=0, le=8)] = 0
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
    shingle_words: Annotated[int, Field(ge=1, le=1_000)] = 5
    permutations: Annotated[int, Field(ge=1, le=4_096)] = 128
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
    vocab_size: Annotated[int, Field(ge=257, le=2**22)] = 50257  # whose training takes room for all at once
    dtype: Literal["uint16", "uint32"] = "uint16"

    @model_validator(mode="after")
    def _ids_fit(self) -> "Tokens":
        if self.dtype == "uint16" and self.vocab_size > 65_536:
            raise ValueError(f"vocab_size = {self.vocab_size} does not fit uint16: set dtype to uint32")
        return self
