"""The recipe's paths as they hold in every working directory: a corpus goes on from wherever it is called."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from webtext.crawl.archives import warc_places
from webtext.extract import wordlists
from webtext.links import blocklists
from webtext.recipe import Recipe
from webtext.recipe_lists import BUILTIN


def anywhere(wanted: Recipe, frozen: Recipe | None) -> Recipe:
    """The recipe with absolute paths. A path that is frozen in the corpus stays as it is: another spelling
    would be another recipe, by which pages that had failed are asked for again."""
    changes: dict[str, dict[str, object]] = {}
    for (section, key), placed in KEYS.items():
        value = getattr(getattr(wanted, section), key)
        there = getattr(getattr(frozen, section), key) if frozen else []
        if isinstance(value, list):
            made: object = [entry if entry in there else placed(entry) for entry in value]
        else:
            made = value if value == there else placed(value)
        changes.setdefault(section, {})[key] = made
    sections = {name: getattr(wanted, name).model_copy(update=keys) for name, keys in changes.items()}
    return wanted.model_copy(update=sections)


def _of_list(entry: str, is_file: Callable[[str], bool]) -> str:
    """An entry that is a name, a word or one of the lists that ship stays as it is."""
    named = entry.strip()
    return entry if named.startswith(BUILTIN) or not is_file(named) else _absolute(named)


def _of_vocabulary(setting: str) -> str:
    if setting == "train":
        return setting
    from webtext.shards.tokenizer import GPT2_REPOSITORIES  # loads a library

    return setting if setting in GPT2_REPOSITORIES else _absolute(setting)


def _absolute(path: str) -> str:
    return str(Path(path).absolute())


KEYS: dict[tuple[str, str], Callable[[str], str]] = {
    ("links", "subreddits_blocked"): partial(
        _of_list, is_file=partial(blocklists.is_file, kind="subreddits")
    ),
    ("links", "domains_blocked"): partial(_of_list, is_file=partial(blocklists.is_file, kind="domains")),
    ("links", "extensions_blocked"): partial(
        _of_list, is_file=partial(blocklists.is_file, kind="extensions")
    ),
    ("crawl", "sources"): warc_places.absolute,
    ("filter", "adult_words"): partial(_of_list, is_file=wordlists.is_file),
    ("filter", "spam_words"): partial(_of_list, is_file=wordlists.is_file),
    ("shards", "decontaminate"): _absolute,
    ("tokens", "tokenizer"): _of_vocabulary,
}
