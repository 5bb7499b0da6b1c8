"""The recipes that ship, and finding one by name or file."""

import difflib
from importlib import resources
from pathlib import Path

from webtext import recipe
from webtext.errors import UserError
from webtext.recipe import Recipe


def names() -> list[str]:
    """The names of the recipes that ship, sorted."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in resources.files(__name__).iterdir()
        if entry.name.endswith(".toml")
    )


def find(name_or_file: str) -> Recipe:
    """A recipe that ships, by its name, or the one in a file."""
    if name_or_file in names():
        text = resources.files(__name__).joinpath(f"{name_or_file}.toml").read_text("utf-8")
        return recipe.parse(text, f"recipe {name_or_file}")
    path = Path(name_or_file)
    if path.suffix == ".toml" or (path.exists() and not path.is_dir()):
        return recipe.load(path)
    near = difflib.get_close_matches(name_or_file, names(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"those that ship are {', '.join(names())}"
    raise UserError(f"recipe {name_or_file!r}: neither a file nor a recipe that ships; {hint}")
