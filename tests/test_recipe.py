from datetime import date
from pathlib import Path

import pytest

from pipelines import recipes
from webtext import recipe, sections
from webtext.errors import UserError
from webtext.fingerprint import fingerprint


def test_the_webtext_recipe_states_the_defaults() -> None:
    assert recipes.find("webtext") == recipe.Recipe()


def test_the_webtext_recipe_names_every_key() -> None:
    shipped = recipes.find("webtext")
    for name in recipe.Recipe.model_fields:
        section = getattr(shipped, name)
        if isinstance(section, sections.Section):
            assert section.model_fields_set == type(section).model_fields.keys(), name


def test_every_recipe_that_ships_is_valid() -> None:
    assert {recipes.find(name).name for name in recipes.names()} == set(recipes.names())


def test_a_resolved_recipe_reads_back_the_same() -> None:
    demo = recipes.find("demo")
    assert recipe.parse(demo.to_toml(), "frozen") == demo


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("links.min_carma", "links.min_karma"),
        ("links.BEFORE", "links.before"),
        ("links.min_tokens", "filter.min_tokens"),
        ("link.before", "links"),
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, nearest: str) -> None:
    with pytest.raises(UserError, match=f"unknown key .*did you mean {nearest}"):
        recipe.override(recipe.Recipe(), [f"{key}=3"])


@pytest.mark.parametrize(
    "setting", ["links.min_karma=many", "links.over_18=3", "dedup.bands=99", "min_karma=3"]
)
def test_a_wrong_value_is_the_users_error(setting: str) -> None:
    with pytest.raises(UserError):
        recipe.override(recipe.Recipe(), [setting])


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("links.min_karma=many", "links.min_karma: must be a whole number, not 'many'"),
        ("links.before=yesterday", "links.before: must be a date such as 2018-01-01, not 'yesterday'"),
        ("links.karma_rule=each", "links.karma_rule: must be 'any-post' or 'sum', not 'each'"),
        ("crawl.robots=1", "crawl.robots: must be true or false, not 1"),
        ("crawl.timeout_s=0", "crawl.timeout_s: must be above 0, not 0"),
        ("crawl.timeout_s=inf", "crawl.timeout_s: must be a finite number, not inf"),
        ("dedup.threshold=1.5", "dedup.threshold: must be at most 1, not 1.5"),
        ("filter.mask_pii=yes", "filter.mask_pii: must be true or false or 'email', .* 'card', not .'yes'."),
        ("filter.max_top_ngrams=0.3,0.2,0.2,0.1", "filter.max_top_ngrams: must be of at most 3 entries"),
        ("dedup.bands=99", "dedup: bands × rows = 792 is more than permutations = 128"),
        ("tokens.tokenizer=true", "tokens.tokenizer: must be text, not true"),
    ],
)
def test_a_wrong_value_is_told_in_our_words(setting: str, told: str) -> None:
    with pytest.raises(UserError, match=f"^--set: {told}"):
        recipe.override(recipe.Recipe(), [setting])


def test_a_list_of_names_that_are_numbers_tells_how_to_write_it_and_can_be_written_so() -> None:
    with pytest.raises(UserError) as refused:
        recipe.override(recipe.Recipe(), ["links.subreddits_blocked=2007"])
    assert str(refused.value).endswith("""must be text, not 2007; numbers are text in quotes: '["2007"]'""")
    changed = recipe.override(recipe.Recipe(), ['links.subreddits_blocked=["2007"]'])
    assert changed.links.subreddits_blocked == ["2007"]


def test_no_wrong_value_of_any_key_is_told_in_the_words_of_a_library() -> None:
    for name, section in recipe.Recipe.model_fields.items():
        for key in getattr(section.annotation, "model_fields", ()):
            for value in ("x", "true", "-1", "1.5", "nan", "2017-01-01", '["x"]', "[1]", "{a=1}"):
                try:
                    recipe.override(recipe.Recipe(), [f"{name}.{key}={value}"])
                except UserError as error:
                    assert "must be" in str(error)
                    assert "Input" not in str(error)


def test_set_takes_toml_values_and_plain_strings() -> None:
    changed = recipe.override(
        recipe.Recipe(),
        [
            "links.before=2015-06-01",
            "crawl.contact=me@example.org",
            'filter.languages=["de"]',
            "links.after=",
        ],
    )
    assert changed.links.before == date(2015, 6, 1)
    assert changed.links.after is None
    assert changed.crawl.contact == "me@example.org"
    assert changed.filter.languages == ["de"]


@pytest.mark.parametrize(
    ("written", "entries"),
    [
        ("a.jsonl", ["a.jsonl"]),
        ("a.jsonl, my b.txt", ["a.jsonl", "my b.txt"]),
        ("[a.jsonl,b.txt]", ["a.jsonl", "b.txt"]),  # what a shell leaves of ["a.jsonl","b.txt"]
        ('["a,b.jsonl"]', ["a,b.jsonl"]),
    ],
)
def test_set_takes_the_entries_of_a_list_without_quotes(written: str, entries: list[str]) -> None:
    changed = recipe.override(recipe.Recipe(), [f"shards.decontaminate={written}"])
    assert changed.shards.decontaminate == entries


def test_set_takes_the_numbers_of_a_list_without_brackets_and_a_list_where_it_is_one_choice_of_two() -> None:
    changed = recipe.override(
        recipe.Recipe(),
        ["filter.max_top_ngrams=0.2,0.18", "filter.mask_pii=email", "filter.max_repeated_ngrams=0.1"],
    )
    assert changed.filter.max_top_ngrams == [0.2, 0.18]
    assert (changed.filter.mask_pii, changed.filter.max_repeated_ngrams) == (["email"], [0.1])


@pytest.mark.parametrize("written", ["", "[a.jsonl", '["a.jsonl",b]', "a[1].jsonl", "3"])
def test_set_guesses_at_no_list_that_is_not_clear(written: str) -> None:
    with pytest.raises(UserError, match=r"shards\.decontaminate"):
        recipe.override(recipe.Recipe(), [f"shards.decontaminate={written}"])


def test_a_bound_that_was_lifted_stays_lifted_in_the_frozen_recipe() -> None:
    unbounded = recipe.override(recipe.Recipe(), ["links.before="])
    assert recipe.parse(unbounded.to_toml(), "frozen").links.before is None


def test_a_recipe_may_be_written_on_windows(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(b"\xef\xbb\xbf[links]\r\nmin_karma = 7\r\n")
    assert recipe.load(tmp_path / "my.toml").links.min_karma == 7


@pytest.mark.parametrize("text", ["[links\n", "x = " + "[" * 5000, "x = " + "1" * 5000])
def test_toml_that_does_not_parse_names_the_file(text: str) -> None:
    with pytest.raises(UserError, match=r"my\.toml: not valid TOML"):
        recipe.parse(text, "my.toml")


@pytest.mark.parametrize("value", ["[" * 5000, "1" * 5000, "9" * 20])
def test_set_takes_no_number_that_no_score_reaches(value: str) -> None:
    with pytest.raises(UserError, match=r"links\.min_karma"):
        recipe.override(recipe.Recipe(), [f"links.min_karma={value}"])


def test_a_recipe_that_does_not_ship_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean webtext"):
        recipes.find("webtxt")


def test_fingerprints_differ_when_a_section_does() -> None:
    links = sections.Links()
    assert fingerprint(links) == fingerprint(sections.Links())
    assert fingerprint(links) != fingerprint(sections.Links(min_karma=4))


def test_differences_name_each_changed_key() -> None:
    changed = recipe.override(recipe.Recipe(), ["filter.min_tokens=64"])
    assert recipe.differences(recipe.Recipe(), changed) == ["filter.min_tokens: 128 → 64"]


def test_a_public_recipe_names_no_person_and_no_place() -> None:
    settings = [
        "crawl.contact=me@example.org",
        "crawl.proxy=http://me:secret@proxy:1",
        "tokens.tokenizer=/home/me/gpt2/",
    ]
    public = recipe.override(recipe.Recipe(), settings).public()
    assert (public.crawl.contact, public.crawl.proxy, public.tokens.tokenizer) == ("", "", "gpt2")
    assert public.filter == sections.Filter()


@pytest.mark.parametrize(
    "setting",
    [
        "crawl.timeout_s=0",
        "crawl.per_host_delay_s=inf",
        "extract.timeout_s=nan",
        "extract.timeout_s=9_999_999",
    ],
)
def test_seconds_that_no_clock_has_are_refused(setting: str) -> None:
    with pytest.raises(UserError, match=setting.split("=")[0]):
        recipe.override(recipe.Recipe(), [setting])


@pytest.mark.parametrize(
    "setting",
    [
        "dedup.shingle_words=1_001",
        "dedup.permutations=4_097",
        "tokens.vocab_size=5_000_000",
        "filter.min_stop_words=9",
    ],
)
def test_numbers_that_nothing_can_have_are_refused(setting: str) -> None:
    with pytest.raises(UserError, match=setting.split("=")[0]):
        recipe.override(recipe.Recipe(), ["tokens.dtype=uint32", setting])


@pytest.mark.parametrize("setting", ["name.x=3", "filter.=3", ".min_tokens=3", "=3", ".=3"])
def test_a_setting_without_a_section_and_its_key_is_refused(setting: str) -> None:
    with pytest.raises(UserError, match=r"expected section\.key=value"):
        recipe.override(recipe.Recipe(), [setting])


@pytest.mark.parametrize("code", ["EN", "english", "zh-cn", "xx", ""])
def test_a_language_that_is_never_detected_is_refused(code: str) -> None:
    with pytest.raises(UserError, match=r"filter\.languages: must be .* such as 'en' or 'zh'"):
        recipe.override(recipe.Recipe(), [f'filter.languages=["{code}"]'])
