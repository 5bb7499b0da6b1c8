"""Block lists of the recipe: names, files with a name a line, and the lists that come with the product."""

import re
from importlib import resources
from pathlib import Path
from typing import Literal

from webtext.errors import UserError, why
from webtext.links.hosts import parse_host

Kind = Literal["domains", "subreddits", "extensions"]

BUILTIN = "builtin:"


def resolve(entries: list[str], kind: Kind) -> frozenset[str]:
    """All names that the entries stand for, in the spelling in which they are compared.

    An entry is "builtin:NAME", a FILE (a path with a separator, a name ending in .txt, or any file that
    exists) or a name. A list holds a name a line; `#` begins a comment.
    """
    return frozenset(name for entry in entries for name in _names(entry.strip(), kind))


def _names(entry: str, kind: Kind) -> list[str]:
    if entry.startswith(BUILTIN):
        return _listed(_builtin(entry.removeprefix(BUILTIN), kind), kind, entry)
    if is_file(entry, kind):
        try:
            return _listed(Path(entry).read_text("utf-8-sig"), kind, entry)
        except (OSError, UnicodeDecodeError) as error:
            line = f"links.{kind}_blocked: {entry}: cannot be read ({why(error)}); give a file, a name a line"
            raise UserError(line) from None
    return [_spelled(entry, kind, "recipe")]


def _builtin(name: str, kind: Kind) -> str:
    folder = resources.files("data") / kind
    lists = {file.name.removesuffix(".txt"): file for file in folder.iterdir() if file.name.endswith(".txt")}
    if name not in lists:
        known = ", ".join(BUILTIN + each for each in sorted(lists))
        raise UserError(f"links.{kind}_blocked: there is no {BUILTIN}{name}; there are {known}")
    return lists[name].read_text("utf-8")


def is_file(entry: str, kind: Kind) -> bool:
    """Whether an entry names a file, there or not."""
    if kind == "extensions" and entry.startswith(".") and "/" not in entry:
        return False
    if kind == "subreddits" and re.fullmatch(r"/?r/\w+/?", entry):
        return False
    return "/" in entry or "\\" in entry or entry.endswith(".txt") or Path(entry).is_file()


def _listed(text: str, kind: Kind, where: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [_spelled(line, kind, where) for line in lines if line]


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
