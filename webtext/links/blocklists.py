"""Block lists of the recipe: names, files with a name a line, and the lists that come with the product."""

import re
from pathlib import Path
from typing import Literal

from webtext import recipe_lists
from webtext.errors import UserError
from webtext.links.hosts import parse_host
from webtext.recipe_lists import BUILTIN

Kind = Literal["domains", "subreddits", "extensions"]


def resolve(entries: list[str], kind: Kind) -> frozenset[str]:
    """All names that the entries stand for, in the spelling in which they are compared.

    An entry is "builtin:NAME", a FILE (a path with a separator, a name ending in .txt, or any file that
    exists) or a name. A list holds a name a line; `#` begins a comment.
    """
    return frozenset(name for entry in entries for name in _names(entry.strip(), kind))


def _names(entry: str, kind: Kind) -> list[str]:
    if not entry.startswith(BUILTIN) and not is_file(entry, kind):
        return [_spelled(entry, kind, "recipe")]
    listed = recipe_lists.read(entry, folder=kind, key=f"links.{kind}_blocked", holds="a name")
    return [_spelled(name, kind, entry) for name in listed]


def is_file(entry: str, kind: Kind) -> bool:
    """Whether an entry names a file, there or not."""
    if kind == "extensions" and entry.startswith(".") and "/" not in entry:
        return False
    if kind == "subreddits" and re.fullmatch(r"/?r/\w+/?", entry):
        return False
    return "/" in entry or "\\" in entry or entry.endswith(".txt") or Path(entry).is_file()


def _spelled(name: str, kind: Kind, where: str) -> str:
    if kind == "subreddits":
        return name.lower().strip("/").removeprefix("r/")
    if kind == "extensions":
        extension = "." + name.lower().removeprefix("*").lstrip(".")
        if extension.count(".") == 1 and len(extension) > 1:
            return extension
        raise UserError(f"links.{kind}_blocked: {where}: {name!r} is not one extension, such as .jpg")
    try:
        return parse_host(name.removeprefix("*.").strip(".")).strip("[]")
    except ValueError:
        raise UserError(
            f"links.{kind}_blocked: {where}: {name!r} is not a domain, such as imgur.com"
        ) from None
