"""Compiled code is optional for users without a compiler, not for those with one."""

import importlib
import shutil

import pytest


@pytest.mark.skipif(shutil.which("cc") is None and shutil.which("gcc") is None, reason="no C compiler")
@pytest.mark.parametrize("module", ["links._scan", "dedup._normalise", "dedup._shingles", "extract._ngrams"])
def test_it_is_built_where_there_is_a_compiler(module: str) -> None:
    importlib.import_module(f"webtext.{module}")  # if missing, see the output of pip install -v
