"""Lists that a recipe names: `builtin:NAME`, which ships in a folder of data/, or a FILE. An entry a line."""

from importlib import resources
from pathlib import Path

from webtext.errors import UserError, why

BUILTIN = "builtin:"


def read(named: str, folder: str, key: str, holds: str) -> list[str]:
    """The entries of a list that is `named` in the recipe's `key`; `folder`: where in data/ such lists are.

    Raises UserError for one that is not there or cannot be read. It says what a line `holds`: "a name".
    """
    if named.startswith(BUILTIN):
        return entries(_builtin(named.removeprefix(BUILTIN), folder, key))
    try:
        return entries(Path(named).read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        line = f"{key}: {named}: cannot be read ({why(error)}); give a file, {holds} a line"
        raise UserError(line) from None


def entries(text: str) -> list[str]:
    """An entry a line, without comments (from `#` on) and empty lines."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _builtin(name: str, folder: str, key: str) -> str:
    there = (resources.files("data") / folder).iterdir()
    lists = {file.name.removesuffix(".txt"): file for file in there if file.name.endswith(".txt")}
    if name not in lists:
        known = ", ".join(BUILTIN + each for each in sorted(lists))
        raise UserError(f"{key}: there is no {BUILTIN}{name}; there are {known}")
    return lists[name].read_text("utf-8")
