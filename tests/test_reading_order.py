"""Each stage's package says in which order its modules are to be read."""

import importlib
import re
from pathlib import Path

import pytest


@pytest.mark.parametrize("package", ["links", "crawl", "extract"])
def test_a_package_names_all_its_modules(package: str) -> None:
    found = importlib.import_module(f"webtext.{package}")
    named = set(re.findall(r"\w+", found.__doc__ or ""))
    folder = Path(found.__file__ or "").parent
    modules = {path.stem for path in folder.glob("[a-z]*.py")}
    assert modules <= named
